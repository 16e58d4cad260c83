"""What jobs print is seen where they were started, is kept, and is written to files."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import Job, JobDied
from gridengine.dispatcher.printing import printer
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)

from ..conftest import warm
from ..waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(
    scope="module", params=["process", pytest.param("cluster", marks=pytest.mark.cluster)]
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    if request.param == "cluster":
        request.getfixturevalue("cluster")
    kinds = {"process": ProcessScheduler, "cluster": GridEngineScheduler}
    with kinds[request.param](max_workers=2) as made:
        warm(made, 2)
        yield made


def say(*lines: str, end: str = "\n") -> None:
    for line in lines:
        print(line, end=end)


def write(text: str) -> None:
    sys.stdout.write(text)


def say_in_every_way(name: str) -> None:
    print(f"{name}: print")
    os.write(1, f"{name}: write\n".encode())
    ctypes.CDLL(None).puts(f"{name}: puts".encode())
    subprocess.run(["sh", "-c", f"echo {name}: process; echo {name}: error >&2"], check=True)
    print(f"{name}: sys.stderr", file=sys.stderr)


def say_and_wait(line: str, path: str) -> None:
    print(line)
    while not os.path.exists(path):
        threading.Event().wait(0.02)
    print("and the end")


def say_and_crash(line: str) -> None:
    print(line)
    ctypes.string_at(0)


def say_and_be_killed(line: str) -> None:
    print(line, end="")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def say_and_fail(line: str) -> None:
    print(line)
    raise ValueError(line)


def flood(megabytes: int) -> int:
    """Prints by another process, so that nobody but the pipe slows it down; returns its bytes."""
    subprocess.run(["sh", "-c", f"yes 0123456789 | head -c {megabytes}000000"], check=True)
    return megabytes * 1_000_000


def print_from_a_thread_later(path: str) -> None:
    def later() -> None:
        while not os.path.exists(path):
            threading.Event().wait(0.02)
        print("from a thread that was left")

    threading.Thread(target=later, daemon=True).start()


def run(target: Any, *args: Any, **options: Any) -> Job[Any]:
    job: Job[Any] = Job(target=target, args=args, **options)
    job.start()
    job.join()
    return job


WAYS = {"print", "write", "puts", "process"}


def test_what_is_printed_in_every_way_appears_before_the_job_is_over(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    job = run(say_in_every_way, "a", scheduler=scheduler)
    shown = capsys.readouterr()
    assert set(shown.out.splitlines()) == {f"a: {way}" for way in WAYS}
    assert shown.err.splitlines() == ["a: error", "a: sys.stderr"]
    assert sorted(job.output.splitlines()) == sorted((shown.out + shown.err).splitlines())


def test_what_the_calls_of_a_map_print_appears_in_whole_lines(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    gridengine.map(say, [f"line {number}" for number in range(500)], scheduler=scheduler)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == sorted(f"line {number}" for number in range(500))


def test_lines_appear_while_the_call_runs(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    job = Job(target=say_and_wait, args=("so far", str(go_on)), scheduler=scheduler)
    job.start()
    shown = ""

    def look() -> str:
        nonlocal shown
        shown += capsys.readouterr().out
        return shown

    wait_until(look, what="the line is shown")
    assert job.is_alive()
    assert (shown, job.output) == ("so far\n", "so far\n")
    go_on.touch()
    job.join()
    assert job.output == "so far\nand the end\n"
    assert shown + capsys.readouterr().out == job.output


@pytest.mark.parametrize("target", [say_and_crash, say_and_be_killed, say_and_fail])
def test_a_job_that_fails_has_what_it_has_printed(
    target: Any, scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(target=target, args=("last words",), scheduler=scheduler, retries=0)
    job.start()
    error = job.exception
    assert job.output.strip() == "last words"
    assert capsys.readouterr().out.strip() == "last words"
    if isinstance(error, JobDied):
        assert error.output.splitlines()[0] == "last words"


def test_the_certificate_has_the_output_of_its_own_job_alone(scheduler: Scheduler) -> None:
    run(say, "of another job", scheduler=scheduler, output="collect")
    jobs = [
        Job(target=say_and_be_killed, args=("",), scheduler=scheduler, retries=0) for _ in range(2)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        assert isinstance(job.exception, JobDied)
        assert job.exception.output == ""


def test_collected_output_is_kept_and_not_shown(
    scheduler: Scheduler, capfd: pytest.CaptureFixture[str]
) -> None:
    job = run(say_in_every_way, "b", scheduler=scheduler, output="collect")
    assert len(job.output.splitlines()) == 6
    assert capfd.readouterr() == ("", "")


def test_discarded_output_is_neither(
    scheduler: Scheduler, capfd: pytest.CaptureFixture[str]
) -> None:
    job = run(say_in_every_way, "c", scheduler=scheduler, output="discard")
    assert job.output == ""
    # The same workers, afterwards.
    kept = [run(say, "d", scheduler=scheduler, output="collect").output for _ in range(4)]
    assert (kept, *capfd.readouterr()) == (["d\n"] * 4, "", "")


def test_a_line_without_an_end_gets_one_where_it_is_shown(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(target=say, args=("x", "y"), kwargs={"end": ""}, scheduler=scheduler)
    job.start()
    job.join()
    assert job.output == "xy"
    assert capsys.readouterr().out == "xy\n"


def test_of_a_progress_bar_the_last_state_is_shown(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    job = run(write, "\r 0 %\r50 %\r99 %\r\n", scheduler=scheduler)
    assert capsys.readouterr().out == "99 %\n"
    assert job.output == "\r 0 %\r50 %\r99 %\r\n"


def test_what_is_no_utf_8_is_replaced(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    job = run(os.write, 1, b"a\xffb\n", scheduler=scheduler)
    assert job.output == capsys.readouterr().out == "a\ufffdb\n"


def test_the_end_of_much_is_kept_and_all_of_it_shown_and_logged(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    counted = 0

    class Counter(io.StringIO):
        def write(self, text: str) -> int:
            nonlocal counted
            counted += len(text)
            return len(text)

    with contextlib.redirect_stdout(Counter()):
        job = run(flood, 30, scheduler=scheduler, logs=tmp_path)
        printer.settle()
    (log,) = tmp_path.iterdir()
    # The last line was cut off, and gets an end where it is shown.
    assert counted in (job.result, job.result + 1)
    assert log.stat().st_size == job.result
    assert len(job.output) == 65536
    assert log.read_text().endswith(job.output)


def test_logs_are_one_for_each_job_and_each_task(scheduler: Scheduler, tmp_path: Path) -> None:
    quiet: Any = {"scheduler": scheduler, "output": "discard"}
    run(say, "one", name="a/../b", logs=tmp_path / "new", **quiet)
    (log,) = (tmp_path / "new").iterdir()
    assert re.fullmatch(r"a_.._b-\d+-\d+\.log", log.name)
    assert log.read_text() == "one\n"
    gridengine.map(say, "xyz", chunksize=1, logs=tmp_path / "map", **quiet)
    logs = sorted(log.read_text() for log in (tmp_path / "map").iterdir())
    assert logs == ["x\n", "y\n", "z\n"]


def test_logs_of_what_succeeds_are_removed_if_so_wished(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    options: Any = {"scheduler": scheduler, "logs": tmp_path, "keep_logs": False}
    run(say, "good", output="collect", **options)
    job = Job(target=say_and_fail, args=("bad",), **options)
    job.start()
    assert isinstance(job.exception, ValueError)
    printer.settle()
    (log,) = tmp_path.iterdir()
    assert log.read_text() == "bad\n"


def test_an_attempt_after_another_begins_anew(scheduler: Scheduler, tmp_path: Path) -> None:
    job = run(fail_once, str(tmp_path / "tried"), scheduler=scheduler, retries=1)
    assert (job.attempts, job.output) == (2, "attempt\n")


def fail_once(path: str) -> None:
    print("attempt")
    if not os.path.exists(path):
        Path(path).touch()
        raise ValueError


def test_what_a_thread_prints_that_a_job_has_left_appears(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(print_from_a_thread_later, str(tmp_path / "now"), scheduler=scheduler)
    (tmp_path / "now").touch()
    wait_until(
        lambda: "from a thread that was left" in capsys.readouterr().out, what="the line is shown"
    )
    # What comes next is not held up by it.
    assert [run(say, "e", scheduler=scheduler).output[-2:] for _ in range(3)] == ["e\n"] * 3


def test_jobs_of_jobs_print_with_them(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    job = run(map_within, scheduler=scheduler)
    assert sorted(job.output.split()) == ["inner-0", "inner-1", "outer"]
    assert sorted(capsys.readouterr().out.split()) == ["inner-0", "inner-1", "outer"]


def map_within() -> None:
    with ProcessScheduler(2) as inner:
        gridengine.map(say, ["inner-0", "inner-1"], scheduler=inner)
    print("outer")


def test_a_terminal_that_is_slow_holds_up_jobs_that_print_and_no_others(tmp_path: Path) -> None:
    shown, go_on = io.StringIO(), threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            go_on.wait(60)
            return shown.write(text)

    with ProcessScheduler(2) as scheduler, contextlib.redirect_stdout(Slow()):
        loud = Job(target=flood, args=(20,), scheduler=scheduler)
        loud.start()
        wait_until(lambda: printer.crowded, what="much waits to be written")
        assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
        assert loud.is_alive()
        go_on.set()
        assert loud.result == 20_000_000
    assert len(shown.getvalue()) - loud.result in (0, 1)


def test_a_stream_that_raises_ends_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with ProcessScheduler(1) as scheduler:
        with contextlib.redirect_stdout(Broken()):
            assert run(say, "lost", scheduler=scheduler).output == "lost\n"
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            run(say, "seen", scheduler=scheduler)
        assert shown.getvalue() == "seen\n"


def test_a_scheduler_and_the_environment_say_what_else_becomes_of_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_OUTPUT", "collect")
    monkeypatch.setenv("GRIDENGINE_OUTPUT_KEPT", "3")
    with ProcessScheduler(1) as scheduler:
        assert run(say, "abcd", scheduler=scheduler).output == "cd\n"
    with ProcessScheduler(1, output="discard") as scheduler:
        assert run(say, "abcd", scheduler=scheduler).output == ""
        assert run(say, "abcd", scheduler=scheduler, output="collect").output == "cd\n"
    assert capfd.readouterr().out == ""


def test_lines_have_name_number_and_host_before_them_where_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_OUTPUT_PREFIX", "1")
    host = os.uname().nodename
    with ProcessScheduler(1) as scheduler:
        run(say, "p", "q", name="talker", scheduler=scheduler)
        gridengine.map(say, "rs", chunksize=1, scheduler=scheduler)
    assert capsys.readouterr().out.splitlines() == [
        f"[talker {host}] p", f"[talker {host}] q", f"[say #0 {host}] r", f"[say #1 {host}] s",
    ]  # fmt: skip


def test_with_a_fresh_worker_for_each_job_it_is_all_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProcessScheduler(1, fresh=True) as scheduler:
        assert [run(say, "f", scheduler=scheduler).output for _ in range(2)] == ["f\n", "f\n"]
    assert capsys.readouterr().out == "f\nf\n"


def test_what_the_initializer_prints_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with ProcessScheduler(1, initializer=say, initargs=("init",)) as scheduler:
        run(say, "g", scheduler=scheduler)
    assert capsys.readouterr().out == "init\ng\n"


def test_here_it_is_the_programs_own(capsys: pytest.CaptureFixture[str]) -> None:
    with InlineScheduler() as scheduler:
        assert run(say, "h", scheduler=scheduler).output == ""
    assert capsys.readouterr().out == "h\n"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"output": "loud"}, ValueError),
        ({"output": 3}, TypeError),
        ({"logs": 3}, TypeError),
        ({"logs": ""}, ValueError),
    ],
)
def test_what_cannot_be_done_is_refused(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        Job(target=say, **options)
    with pytest.raises(error, match=next(iter(options))):
        gridengine.map(say, [1], **options)


PROGRAM = """
import gridengine, os, sys
def say(x):
    print("a job", x)
if __name__ == "__main__":
    with gridengine.schedulers.ProcessScheduler(2):
        gridengine.map(say, range(1000))
        os.write(2, b"done")
"""


def test_the_example_shows_and_collects() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "output.py")],
        capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GRIDENGINE_SCHEDULER": "process"},
    )  # fmt: skip
    *shown, values, kept = done.stdout.splitlines()
    assert sorted(shown) == [
        f"{cake}: {what}"
        for cake in ("apple cake", "cheese cake")
        for what in ("a process says so too", "in the oven")
    ]
    assert values == "['APPLE CAKE', 'CHEESE CAKE']"
    assert kept == "it has printed: ['a secret: in the oven', 'a secret: a process says so too']"


def test_a_program_whose_output_is_a_closed_pipe_goes_on(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(write)
    assert done.stderr.startswith(b"done")


def test_at_the_end_of_the_program_all_has_appeared(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        PROGRAM.replace("with gridengine.schedulers.ProcessScheduler(2)", "if True")
    )
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GRIDENGINE_SCHEDULER": "process"},
    )  # fmt: skip
    assert sorted(done.stdout.split("\n")[:-1]) == sorted(f"a job {x}" for x in range(1000))
