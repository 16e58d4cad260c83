"""``gridengine status`` shows what programs are doing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gridengine.cli import main as cli
from gridengine.cli.programs import rows, status_text
from gridengine.ledger.events import (
    CallFailed,
    QueueJobsSubmitted,
    QueueJobStarted,
    QueueJobWaiting,
    Sample,
    WorkerJoined,
    WorkersSampled,
)
from gridengine.observers.program_view import ProgramView

from ..cluster import Cluster
from ..programs_to_watch import running, the_scheduler, watched
from ..waiting import wait_until

HELD = "gridengine.map(hold, range(6), chunksize=1, reraise=False)"


def status(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert cli.main(["status", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def busy(program: dict[str, Any]) -> bool:
    return bool(program["schedulers"] and program["schedulers"][0]["running"] == 2)


def test_nothing_that_runs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = status(capsys, "--run-dir", tmp_path / "none")
    folder = tmp_path / "none"
    assert said == f"no program of yours runs jobs on this host with its folder in {folder}\n"
    assert json.loads(status(capsys, "--json", "--run-dir", tmp_path / "none")) == {
        "programs": [],
        "silent": [],
    }


def test_a_program_is_shown_with_its_workers_and_what_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f"""
    s = gridengine.schedulers.ProcessScheduler(2)
    with s:
        {HELD}
    """
    with running(tmp_path, code) as process:
        with watched(tmp_path / "run") as found:
            wait_until(lambda: the_scheduler(found).view.running == 2, what="both run")
        said = status(capsys, "--run-dir", tmp_path / "run")
        name = Path(sys.executable).name
        assert f"process {process.pid}, {name} program.py, in {tmp_path}"[:90] in said
        assert "0 done, 2 running, 4 waiting, 2 workers" in said
        lines = said.splitlines()
        (first,) = (n for n, line in enumerate(lines) if line.strip().startswith("WORKER"))
        assert all(" hold " in line for line in lines[first + 1 : first + 3])
        document = json.loads(status(capsys, "--json", "--run-dir", tmp_path / "run"))
        (program,) = document["programs"]
        (scheduler,) = program["schedulers"]
        assert program["pid"] == process.pid
        assert scheduler["waiting"] + scheduler["given"] == 6
        assert [len(worker["running"]) for worker in scheduler["workers"]] == [1, 1]


def test_two_programs_and_two_schedulers_of_one_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = """
    with gridengine.schedulers.ProcessScheduler(1) as one:
        with gridengine.schedulers.ProcessScheduler(1) as two:
            gridengine.map(abs, [1], scheduler=two)
            gridengine.map(hold, [1], scheduler=one)
    """
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    own = {"GRIDENGINE_RUN_DIR": str(tmp_path / "run")}
    with running(tmp_path / "a", code, own) as a, running(tmp_path / "b", code, own) as b:
        with watched(tmp_path / "run") as found:

            def all_there() -> bool:
                found.add(found.search())
                return sorted(map(len, found.programs())) == [2, 2]

            wait_until(all_there, what="all can be watched")
        said = status(capsys, "--run-dir", tmp_path / "run")
        assert said.count("ProcessScheduler(max_workers=1)") == 4
        for process in (a, b):
            assert said.count(f"process {process.pid},") == 1


def test_a_setting_says_where_programs_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    with running(tmp_path, HELD) as process:
        with watched(tmp_path / "run") as found:
            the_scheduler(found)
        assert f"process {process.pid}," in status(capsys)


def test_a_folder_that_is_open_to_others_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run" / "programs").mkdir(parents=True)
    (tmp_path / "run" / "programs").chmod(0o777)
    assert cli.main(["status", "--run-dir", str(tmp_path / "run")]) == 1
    assert "chmod go-rwx" in capsys.readouterr().err


def test_it_needs_no_library_that_is_an_extra() -> None:
    code = (
        "import sys; sys.modules.update(rich=None, textual=None)\n"
        "from gridengine.cli.main import main; sys.exit(main(['status', '--run-dir', '/none']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# -- what is written, without a program --------------------------------------------------------


def test_what_others_named_cannot_obey_the_terminal() -> None:
    view = ProgramView()
    name = "\x1b[31mred\n\u202eturned"
    view.hear([(1.0, CallFailed(1, name, 3, "node\x07", 5, f"Error: {name}"))])
    (row,) = rows.failure_rows("path", view)
    assert "".join(row.cells).isprintable()
    assert rows.failure_text(view, row).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Traceback (most recent call last):\n  File ...\nKeyError: 'a'\nits input was 3",
            "KeyError: 'a'",
        ),
        (
            "job 'f' died: killed from outside (SIGKILL)\n  on node1, process 7, attempt 2",
            "job 'f' died: killed from outside (SIGKILL)",
        ),
        ("", ""),
    ],
)
def test_a_failure_is_told_in_its_most_telling_line(text: str, line: str) -> None:
    view = ProgramView()
    view.hear([(1.0, CallFailed(1, "f", -1, "node1", 7, text))])
    (row,) = rows.failure_rows("path", view)
    assert row.cells[-1] == line


def test_why_queue_jobs_wait_is_said() -> None:
    view = ProgramView()
    view.hear([(1.0, QueueJobsSubmitted(("1.2", "1.10", "1.9")))])
    assert rows.waits_for(view) == "3 queue jobs wait in the batch system's queue"
    view.hear([(2.0, QueueJobWaiting("1.9", "cannot run:\n no slots"))])
    assert rows.waits_for(view).endswith("queue: cannot run: no slots")
    cells = [row.cells for row in rows.queue_job_rows("path", view)]
    assert [each[0] for each in cells] == ["1.2", "1.9", "1.10"]
    assert cells[1][-1] == "waits: cannot run: no slots"


def test_tasks_of_an_array_that_wait_for_the_same_are_one_row() -> None:
    view = ProgramView()
    view.hear([(1.0, QueueJobsSubmitted(("1.1", "1.2", "1.3", "2.1", "2.2", "3_1", "3_2")))])
    view.hear([(1.0, QueueJobStarted("1.1", "node1")), (2.0, QueueJobWaiting("2.2", "no slots"))])
    cells = [(row.cells[0], row.cells[-1]) for row in rows.queue_job_rows("path", view)]
    assert cells == [
        ("1.1", "running"),
        ("1.2 … 1.3 (2)", "waits"),
        ("2.1", "waits"),
        ("2.2", "waits: no slots"),
        ("3_1 … 3_2 (2)", "waits"),
    ]


def test_the_rest_of_a_long_table_is_counted() -> None:
    found = [rows.Row(str(number), (str(number), "x")) for number in range(100)]
    lines = list(status_text.table(("A", "B"), found, 40))
    assert len(lines) == 42
    assert lines[-1] == "... and 60 more: --all shows them"
    assert len(list(status_text.table(("A", "B"), found, None))) == 101


def test_memory_is_shown_against_its_limit_and_time_until_its_end() -> None:
    view = ProgramView()
    joined = WorkerJoined(b"w", "node1", 7, "12", memory_limit=1 << 30, time_left=100.0)
    view.hear([(1000.0, joined)])
    used = 1.5, 512 << 20, 600 << 20, 0, 0.0, 1.5
    view.hear([(1001.0, WorkersSampled((Sample(b"w", "node1", 7, *used),)))])
    view.hear([(1010.0, QueueJobsSubmitted(()))])
    (row,) = rows.worker_rows("path", view)
    shown = dict(zip(rows.WORKERS, row.cells, strict=True))
    assert shown["CPU"] == "150 %"
    assert (shown["MEMORY"], shown["LIMIT"], shown["TIME LEFT"]) == ("512M", "1G", "01:30")
    assert shown["RUNS"] == "idle"


# -- on a cluster -----------------------------------------------------------------------------


@pytest.mark.cluster
def test_on_a_cluster_queue_jobs_that_wait_are_shown(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f"""
    with gridengine.schedulers.GridEngineScheduler(max_workers=10, h_rt="00:10:00"):
        {HELD.replace("6", "30")}
    """
    with running(tmp_path, code, {"GRIDENGINE_SCHEDULER": ""}):
        with watched(tmp_path / "run") as found:
            wait_until(lambda: the_scheduler(found).view.running == 8, what="all slots", timeout=60)
        said = status(capsys, "--run-dir", tmp_path / "run")
        assert "0 done, 8 running, 22 waiting, 8 workers" in said
        assert "2 queue jobs wait in the batch system's queue" in said
        assert "ge-node1" in said
        document = json.loads(status(capsys, "--json", "--run-dir", tmp_path / "run"))
        workers = document["programs"][0]["schedulers"][0]["workers"]
        assert {worker["host"] for worker in workers} <= {"ge-node1", "ge-node2"}
        assert all(worker["ends"] for worker in workers)
