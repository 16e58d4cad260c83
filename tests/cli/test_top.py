"""``gridengine top`` shows in a terminal what programs are doing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gridengine.cli import main as cli
from gridengine.observers.watching import WatchedPrograms

from ..cluster import Cluster
from ..programs_to_watch import running, the_scheduler, watched
from ..waiting import wait_until

pytest.importorskip("textual")
pyte = pytest.importorskip("pyte")
pexpect = pytest.importorskip("pexpect")

HELD = "gridengine.map(hold, range(6), chunksize=1, reraise=False)"

#: Of the terminal.
COLUMNS, LINES = 150, 40


def drive(programs: WatchedPrograms, do: Callable[[Any], Awaitable[None]]) -> None:
    """Has a person at the keys of `Top`, who is given its pilot."""
    from gridengine.cli.top.app import Top

    async def main() -> None:
        async with Top(programs).run_test(size=(COLUMNS, LINES), notifications=True) as pilot:
            await do(pilot)

    asyncio.run(main())


async def until(pilot: Any, look: Callable[[], Any], what: str) -> Any:
    """Waits until something is so."""
    for _ in range(600):
        seen = look()
        if seen:
            return seen
        await pilot.pause(0.05)
    raise AssertionError(f"{what}: not within 30 s; {seen!r}")


def cells(pilot: Any, table: str) -> list[list[str]]:
    """Returns what a table shows."""
    shown = pilot.app.screen_stack[0].query_one(f"#{table}")
    return [[str(cell) for cell in shown.get_row_at(number)] for number in range(shown.row_count)]


def text_above(pilot: Any) -> str:
    """Returns what is shown above the tables, empty if nothing is."""
    if len(pilot.app.screen_stack) < 2:
        return ""
    found = pilot.app.screen.query("#text, #question")
    return str(found.first().render()) if found else ""


def notices(pilot: Any) -> str:
    return " ".join(notice.message for notice in pilot.app._notifications)


def test_a_program_and_its_workers_are_shown(tmp_path: Path) -> None:
    with running(tmp_path, HELD) as process, watched(tmp_path / "run") as found:
        wait_until(lambda: the_scheduler(found).view.running == 2, what="both run")

        async def look(pilot: Any) -> None:
            await until(pilot, lambda: len(cells(pilot, "workers")) == 2, "workers are shown")
            (program,) = cells(pilot, "programs")
            assert program[0] == str(process.pid)
            assert program[3:6] == ["0", "2", "4"]
            assert [row[2] for row in cells(pilot, "workers")] == ["hold", "hold"]

        drive(found, look)


def test_a_job_is_looked_at_and_ended_by_keys(tmp_path: Path) -> None:
    code = """
    try:
        gridengine.map(hold, [7, 8], chunksize=1)
    except gridengine.JobCancelled as error:
        open("cancelled", "w").write(str(error))
    """
    with running(tmp_path, code) as process, watched(tmp_path / "run") as found:
        wait_until(lambda: the_scheduler(found).view.running == 2, what="both run")

        async def press(pilot: Any) -> None:
            await until(pilot, lambda: len(cells(pilot, "workers")) == 2, "workers are shown")
            await pilot.press("o")
            await until(pilot, lambda: "holding" in text_above(pilot), "its output is shown")
            await pilot.press("escape", "s")
            await until(pilot, lambda: "in hold" in text_above(pilot), "its stack is shown")
            await pilot.press("escape", "k")
            await until(pilot, lambda: "End hold" in text_above(pilot), "it is asked")
            await pilot.press("n")
            await until(pilot, lambda: not text_above(pilot), "the question is gone")
            assert [row[2] for row in cells(pilot, "workers")] == ["hold", "hold"]
            await pilot.press("k")
            await until(pilot, lambda: "End hold" in text_above(pilot), "it is asked")
            await pilot.press("y")
            await until(pilot, lambda: "is asked to end" in notices(pilot), "it is said")
            await until(pilot, lambda: cells(pilot, "programs") == [], "the program has ended")
            await pilot.press("o")
            await until(pilot, lambda: "choose a worker" in notices(pilot), "nothing is chosen")

        drive(found, press)
        process.wait(timeout=40)
    assert "ended" in (tmp_path / "cancelled").read_text()


def test_a_failure_is_shown_whole_and_a_new_program_is_found(tmp_path: Path) -> None:
    with watched(tmp_path / "run") as found:

        async def look(pilot: Any) -> None:
            await until(pilot, lambda: cells(pilot, "programs"), "the program is found")
            await until(pilot, lambda: len(cells(pilot, "workers")) == 2, "workers are shown")
            (tmp_path / "go").touch()
            await until(pilot, lambda: cells(pilot, "failures"), "the failure is shown")
            (failure,) = cells(pilot, "failures")
            assert failure[-1] == "ValueError: 5"
            await pilot.press("f")
            table = pilot.app.query_one("#failures")
            await until(pilot, lambda: pilot.app.focused is table, "one is at the failures")
            await pilot.press("enter")
            await until(pilot, lambda: "Traceback" in text_above(pilot), "all of it is shown")
            await pilot.press("escape", "f")
            workers = pilot.app.query_one("#workers")
            await until(pilot, lambda: pilot.app.focused is workers, "one is at the workers")

        # It stays until the failure was read.
        with running(tmp_path, f"{HELD}\nopen('over', 'w').close()\nhold(1)\ntime.sleep(3)"):
            drive(found, look)


def test_the_newest_failure_is_chosen_until_somebody_chooses() -> None:
    from textual.app import App, ComposeResult

    from gridengine.cli.programs.rows import Row
    from gridengine.cli.top.row_table import RowTable

    class Tables(App[None]):
        def compose(self) -> ComposeResult:
            yield RowTable(("A",), "other")
            yield RowTable(("A",), "newest", newest_first=True)

    async def main() -> None:
        async with Tables().run_test(size=(40, 20)) as pilot:
            other, table = pilot.app.query(RowTable)
            other.focus()
            table.show([Row("1", ("one",))])
            table.show([Row("2", ("two",)), Row("1", ("one",))])
            assert table.chosen is not None
            assert table.chosen.key == "2"
            table.focus()
            await pilot.pause()
            table.show([Row(key, (key,)) for key in ("3", "2", "1")])
            assert table.chosen is not None
            assert table.chosen.key == "2"

    asyncio.run(main())


def test_a_look_while_its_tables_are_taken_away_harms_nobody(tmp_path: Path) -> None:
    from gridengine.cli.top.app import Top

    async def main() -> None:
        with contextlib.closing(WatchedPrograms(str(tmp_path))) as programs:
            async with Top(programs).run_test(size=(COLUMNS, LINES)) as pilot:
                for table in ("#programs", "#summary", "#notices"):
                    await pilot.app.query_one(table).remove()
                    pilot.app.look()

    asyncio.run(main())


def test_in_a_terminal(tmp_path: Path) -> None:
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    with running(tmp_path, HELD) as process:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "gridengine", "top", "--run-dir", str(tmp_path / "run")],
            dimensions=(LINES, COLUMNS),
            timeout=30,
            env={**os.environ, "TERM": "xterm-256color"},
        )

        def shown() -> str:
            with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
                stream.feed(child.read_nonblocking(1 << 16, timeout=0.1))
            return "\n".join(screen.display)

        try:
            wait_until(lambda: str(process.pid) in shown(), what="it is shown", timeout=40)
            wait_until(lambda: shown().count(" hold ") >= 2, what="its workers are shown")
            child.send("o")
            wait_until(lambda: "holding" in shown(), what="its output is shown")
            child.send("q")
            wait_until(lambda: "goes back" not in shown(), what="the tables are back")
            child.send("q")
            wait_until(lambda: (shown(), not child.isalive())[1], what="q quits")
        finally:
            child.close(force=True)
        assert child.exitstatus == 0


def test_without_a_terminal_it_says_what_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["top"]) == 1
    assert "needs a terminal" in capsys.readouterr().err


def test_without_textual_it_names_the_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("gridengine.cli.top.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)
    assert cli.main(["top"]) == 1
    said = capsys.readouterr().err
    assert "gridengine top needs textual, which is not installed" in said
    assert "pip install 'gridengine[top]'" in said


@pytest.mark.cluster
def test_on_a_cluster_a_job_is_looked_at_on_its_node(cluster: Cluster, tmp_path: Path) -> None:
    code = f"""
    with gridengine.schedulers.GridEngineScheduler(max_workers=2, h_rt="00:10:00"):
        {HELD}
    """
    with running(tmp_path, code, {"GRIDENGINE_SCHEDULER": ""}), watched(tmp_path / "run") as found:
        wait_until(lambda: the_scheduler(found).view.running == 2, what="both", timeout=60)

        async def press(pilot: Any) -> None:
            await until(pilot, lambda: len(cells(pilot, "workers")) == 2, "workers are shown")
            assert {row[0] for row in cells(pilot, "workers")} <= {"ge-node1", "ge-node2"}
            assert len(cells(pilot, "queue-jobs")) == 2
            await pilot.press("s")
            await until(pilot, lambda: "in hold" in text_above(pilot), "its stack is shown")
            await pilot.press("escape", "o")
            await until(pilot, lambda: "holding" in text_above(pilot), "its output is shown")

        drive(found, press)
