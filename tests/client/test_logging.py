"""What jobs log is handled by the program's `logging`, as if the program had logged it."""

from __future__ import annotations

import asyncio
import logging
import logging.config
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import Job, JobDied
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from ..conftest import warm
from ..waiting import wait_until

log = logging.getLogger("shop")
fruit = logging.getLogger("shop.fruit")

ROOT = Path(__file__).parents[2]


class Kept(logging.Handler):
    """Keeps all records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@pytest.fixture(
    scope="module", params=["process", pytest.param("cluster", marks=pytest.mark.cluster)]
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    if request.param == "cluster":
        request.getfixturevalue("cluster")
    kind = GridEngineScheduler if request.param == "cluster" else ProcessScheduler
    with kind(max_workers=2) as made:
        warm(made, 2)
        yield made


@pytest.fixture
def kept() -> Iterator[Kept]:
    """The root logger's handler; what loggers have in the meantime is gone afterwards."""
    handler = Kept()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        logging.disable(logging.NOTSET)
        for logger in (log, fruit):
            logger.setLevel(logging.NOTSET)
            logger.propagate = True
            logger.handlers.clear()
            logger.filters.clear()


def run(scheduler: Scheduler, target: Callable[..., Any], *args: Any, name: str = "sale") -> Any:
    job: Job[Any] = Job(target=target, args=args, scheduler=scheduler, name=name)
    job.start()
    return job.result


def say_all(x: object = None) -> int:
    for level in (10, 20, 30, 40):
        log.log(level, "level %s", level)
        fruit.log(level, "fruit %s", level)
    return os.getpid()


def test_a_record_is_handled_before_the_result_is_seen_with_job_host_and_process(
    scheduler: Scheduler, kept: Kept
) -> None:
    job = Job(target=say_all, scheduler=scheduler, name="sale")
    job.start()
    job.join()
    assert kept.texts == ["level 30", "fruit 30", "level 40", "fruit 40"]
    record = kept.records[0]
    assert (record.job, record.host, record.process) == ("sale", job.host, job.result)
    assert (record.name, record.levelname) == ("shop", "WARNING")
    assert (record.filename, record.module, record.funcName) == (
        "test_logging.py",
        "test_logging",
        "say_all",
    )
    assert record.pathname == __file__
    assert (record.processName, record.threadName) == ("MainProcess", "MainThread")
    assert abs(record.created - time.time()) < 60
    assert abs(record.relativeCreated - kept.records[1].relativeCreated) < 10_000


def test_levels_follow_as_they_are_set_and_unset(scheduler: Scheduler, kept: Kept) -> None:
    def heard() -> list[str]:
        kept.records.clear()
        run(scheduler, say_all)
        return kept.texts

    usual = ["level 30", "fruit 30", "level 40", "fruit 40"]
    assert heard() == usual
    fruit.setLevel(logging.DEBUG)
    assert heard() == ["fruit 10", "fruit 20", *usual]
    fruit.setLevel(logging.ERROR)
    assert heard() == ["level 30", "level 40", "fruit 40"]
    logging.getLogger().setLevel(logging.INFO)
    assert heard() == ["level 20", "level 30", "level 40", "fruit 40"]
    logging.disable(logging.WARNING)
    assert heard() == ["level 40", "fruit 40"]
    logging.disable(logging.NOTSET)
    logging.getLogger().setLevel(logging.WARNING)
    fruit.setLevel(logging.NOTSET)
    assert heard() == usual


def test_what_a_dictionary_configures_holds_for_jobs(scheduler: Scheduler, kept: Kept) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "incremental": True,
            "loggers": {"shop": {"level": "INFO"}, "shop.fruit": {"level": "ERROR"}},
        }
    )
    run(scheduler, say_all)
    assert kept.texts == ["level 20", "level 30", "level 40", "fruit 40"]


def test_handlers_and_filters_of_a_logger_apply_and_a_logger_that_keeps_all_does(
    scheduler: Scheduler, kept: Kept
) -> None:
    own = Kept()
    log.addHandler(own)
    log.propagate = False
    log.addFilter(lambda record: record.levelno != logging.ERROR)
    run(scheduler, say_all)
    assert kept.texts == []
    assert own.texts == ["level 30", "fruit 30", "fruit 40"]


def raise_and_log() -> None:
    try:
        raise LookupError("no apples")
    except LookupError:
        log.exception("failed", stack_info=True)


def test_an_exception_travels_as_text(scheduler: Scheduler, kept: Kept) -> None:
    run(scheduler, raise_and_log)
    (record,) = kept.records
    shown = logging.Formatter("%(message)s").format(record)
    assert shown.startswith("failed\nTraceback (most recent call last):\n")
    assert "LookupError: no apples" in shown
    assert "Stack (most recent call last):\n" in shown
    assert record.exc_info is None


class Thing:
    def __str__(self) -> str:
        return "a thing"


def log_extra() -> None:
    extra = {"user": "me", "sizes": [1, 2.5, None], "thing": Thing(), "shown": {"a": b"b"}}
    log.warning("%s \udc80 %s", Thing(), "ü" * 10, extra=extra)
    log.warning("x" * 100_000, extra={"long": "y" * 100_000, "host": "mine"})
    log.log(35, "odd")
    logging.warning("the root's")


def test_extra_attributes_of_plain_data_are_kept_others_are_text(
    scheduler: Scheduler, kept: Kept
) -> None:
    run(scheduler, log_extra)
    first, second, odd, root = kept.records
    assert (first.user, first.sizes, first.thing, first.shown) == (
        "me",
        [1, 2.5, None],
        "a thing",
        {"a": b"b"},
    )
    assert first.getMessage() == "a thing \\udc80 üüüüüüüüüü"
    assert len(second.getMessage()) == 65536
    assert second.getMessage().endswith("x…")
    assert not hasattr(second, "long")
    assert second.host == "mine"
    assert (odd.levelno, odd.levelname) == (35, "Level 35")
    assert root.name == "root"


def log_in_a_thread() -> None:
    thread = threading.Thread(target=log.warning, args=("of a thread",), name="seller")
    thread.start()
    thread.join()


def test_what_a_thread_of_a_job_logs_comes_too(scheduler: Scheduler, kept: Kept) -> None:
    run(scheduler, log_in_a_thread)
    assert [(r.getMessage(), r.threadName, r.job) for r in kept.records] == [
        ("of a thread", "seller", "sale")
    ]


def log_until(path: str, in_thread: bool) -> None:
    def say() -> None:
        log.info("first")
        log.info("second")

    if in_thread:
        thread = threading.Thread(target=say)
        thread.start()
        thread.join()
    else:
        say()
    while not os.path.exists(path):
        time.sleep(0.01)


@pytest.mark.parametrize("in_thread", [False, True])
def test_what_a_long_call_logs_is_there_while_it_lasts(
    scheduler: Scheduler, kept: Kept, tmp_path: Path, in_thread: bool
) -> None:
    logging.getLogger("shop").setLevel(logging.INFO)
    end = ROOT / f".pytest-end-{os.getpid()}"
    job = Job(target=log_until, args=(str(end), in_thread), scheduler=scheduler)
    job.start()
    try:
        wait_until(lambda: len(kept.records) == 2, what="both records")
        assert job.is_alive()
    finally:
        end.write_text("")
        job.join()
        end.unlink()
    assert kept.texts == ["first", "second"]


def log_and_die(signum: int) -> None:
    log.warning("the last word")
    os.kill(os.getpid(), signum)


def test_a_warning_that_is_logged_before_a_job_is_killed_arrives(
    laptop: ProcessScheduler, kept: Kept
) -> None:
    job = Job(target=log_and_die, args=(signal.SIGKILL,), scheduler=laptop, retries=0)
    job.start()
    assert isinstance(job.exception, JobDied)
    assert kept.texts[0] == "the last word"


def configure_and_log(path: str) -> None:
    own = logging.FileHandler(path)
    fruit.addHandler(own)
    try:
        fruit.warning("taken")
        log.warning("not taken")
    finally:
        fruit.removeHandler(own)
        own.close()


def basic_config(path: str) -> int:
    logging.basicConfig(filename=path, level=logging.DEBUG)
    log.debug("by the job's own")
    return logging.getLogger().level


def test_what_a_handler_of_the_jobs_own_takes_is_not_told_twice(kept: Kept, tmp_path: Path) -> None:
    with ProcessScheduler(1) as one:
        run(one, configure_and_log, str(tmp_path / "own"))
        assert kept.texts == ["not taken"]
        assert (tmp_path / "own").read_text() == "taken\n"
        assert run(one, basic_config, str(tmp_path / "basic")) == logging.DEBUG
        assert kept.texts == ["not taken"]
        assert (tmp_path / "basic").read_text() == "DEBUG:shop:by the job's own\n"


def null_handler() -> None:
    handler = logging.NullHandler()
    log.addHandler(handler)
    log.warning("a library's")
    log.removeHandler(handler)


def test_a_library_with_the_usual_null_handler_is_heard(scheduler: Scheduler, kept: Kept) -> None:
    run(scheduler, null_handler)
    assert kept.texts == ["a library's"]


def inner_map(x: int) -> list[int]:
    return gridengine.map(log_of_inner, [x])


def inner_job(x: int) -> int:
    job = Job(target=log_of_inner, args=(x,), name="inner")
    job.start()
    return job.result


def log_of_inner(x: int) -> int:
    log.warning("inner %s", x)
    return x


@pytest.mark.parametrize(("outer", "name"), [(inner_map, "log_of_inner"), (inner_job, "inner")])
def test_jobs_in_jobs_log_with_their_own_names(
    scheduler: Scheduler, kept: Kept, outer: Callable[[int], Any], name: str
) -> None:
    run(scheduler, outer, 3)
    assert [(r.getMessage(), r.job) for r in kept.records] == [("inner 3", name)]


HANDLES: dict[str, Callable[[Scheduler], object]] = {
    "map": lambda s: gridengine.map(log_of_inner, [1], scheduler=s),
    "imap": lambda s: list(gridengine.imap(log_of_inner, [1], scheduler=s)),
    "aio": lambda s: asyncio.run(gridengine.aio.map(log_of_inner, [1], scheduler=s)),
    "executor": lambda s: gridengine.Executor(scheduler=s).submit(log_of_inner, 1).result(),
}


@pytest.mark.parametrize("handle", HANDLES)
def test_by_every_handle_records_come_before_the_result(
    laptop: ProcessScheduler, kept: Kept, handle: str
) -> None:
    HANDLES[handle](laptop)
    assert kept.texts == ["inner 1"]


def log_many(count: int) -> None:
    for number in range(count):
        log.info("%s", number)


def test_of_a_flood_nothing_comes_twice_or_out_of_order_and_what_is_dropped_is_said(
    laptop: ProcessScheduler, kept: Kept
) -> None:
    log.setLevel(logging.INFO)
    run(laptop, log_many, 5_000)
    wait_until(
        lambda: not any(t.name == "gridengine-logs" for t in threading.enumerate()), what="the end"
    )
    numbers = [int(r.getMessage()) for r in kept.records if r.name == "shop"]
    assert numbers == sorted(set(numbers))
    said = [r.args[0] for r in kept.records if r.name.startswith("gridengine")]
    assert len(numbers) + sum(said) == 5_000


class Blocking(Kept):
    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.goes_on.wait(30)
        super().emit(record)


def test_a_handler_that_blocks_holds_up_neither_results_nor_other_jobs(
    laptop: ProcessScheduler, kept: Kept
) -> None:
    blocking = Blocking()
    log.addHandler(blocking)
    log.setLevel(logging.INFO)
    try:
        begin = time.monotonic()
        assert gridengine.map(log_of_inner, range(20), scheduler=laptop) == list(range(20))
        assert gridengine.map(abs, range(20), scheduler=laptop) == list(range(20))
        assert run(laptop, log_many, 11_000) is None
        assert time.monotonic() - begin < 20
    finally:
        blocking.goes_on.set()
    wait_until(lambda: blocking.texts[:1] == ["inner 0"], what="the first record")
    wait_until(
        lambda: any("were dropped" in r.msg for r in kept.records), what="a word about the rest"
    )


def test_a_handler_that_blocks_holds_up_no_event_loop(
    laptop: ProcessScheduler, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridengine.dispatcher.job_records._PATIENCE", 60.0)
    blocking = Blocking()
    log.addHandler(blocking)

    async def ask() -> int:
        job: Job[int] = Job(target=say_all, scheduler=laptop)
        job.start()
        while job.is_alive():
            await asyncio.sleep(0.01)
        # Only a loop that goes on comes to it.
        asyncio.get_running_loop().call_later(0.05, blocking.goes_on.set)
        return await job

    try:
        assert asyncio.run(asyncio.wait_for(ask(), 40)) != os.getpid()
    finally:
        blocking.goes_on.set()
        log.removeHandler(blocking)
    assert blocking.texts


class Raising(logging.Handler):
    def handle(self, record: logging.LogRecord) -> bool:
        raise LookupError("this handler's own")


def test_what_a_handler_raises_is_told_as_logging_does_and_all_goes_on(
    laptop: ProcessScheduler, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    raising = Raising()
    log.addHandler(raising)
    assert run(laptop, log_of_inner, 1) == 1
    log.removeHandler(raising)
    assert run(laptop, log_of_inner, 2) == 2
    assert kept.texts == ["inner 2"]
    shown = capsys.readouterr().err
    assert "--- Logging error ---" in shown
    assert "LookupError: this handler's own" in shown


def test_a_handler_may_ask_for_a_job(laptop: ProcessScheduler, kept: Kept) -> None:
    class Asking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "inner 1":
                results.append(run(laptop, log_of_inner, 5))

    results: list[object] = []
    log.addHandler(Asking())
    assert run(laptop, log_of_inner, 1) == 1
    wait_until(lambda: results, what="the job of a handler")
    assert results == [5]


def fork_and_log() -> int:
    child = os.fork()
    if not child:
        log.warning("of a child")
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_a_process_that_a_job_forks_does_not_use_its_link(
    laptop: ProcessScheduler, kept: Kept
) -> None:
    assert run(laptop, fork_and_log) == 0
    assert run(laptop, log_of_inner, 1) == 1
    assert kept.texts == ["inner 1"]


def bad_arguments() -> None:
    log.warning("%d", "no number")
    log.warning("after it")


def test_a_record_that_cannot_be_made_fails_no_job(laptop: ProcessScheduler, kept: Kept) -> None:
    run(laptop, bad_arguments)
    assert kept.texts == ["after it"]


UNCONFIGURED = """
import logging, sys
import gridengine

def f(x):
    logging.getLogger("shop").warning("no %s", "apples")
    logging.getLogger("shop").info("not shown")

if __name__ == "__main__":
    gridengine.map(f, [1], scheduler="process")
    assert "logging" in sys.modules
"""


def test_where_nothing_is_configured_warnings_stand_on_standard_error_with_job_and_host() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNCONFIGURED], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", f"[f on {os.uname().nodename}] no apples\n")


AT_THE_END = """
import logging, time
import gridengine

def f():
    time.sleep(0.5)
    logging.info("at the end")

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("gridengine").setLevel(logging.WARNING)
    gridengine.Job(target=f, scheduler="process").start()
"""


def test_what_a_job_logs_that_is_waited_for_at_the_end_is_handled() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == "INFO:root:at the end\n"


def test_the_example_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "job_logs.py")],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "[6.0, 5.0, 6.0]\n")
    host = os.uname().nodename
    assert f"INFO mean on {host}: reading Lima\n" in done.stderr
    assert f"WARNING mean on {host}: Kyiv: one day is missing\n" in done.stderr
    assert "UserWarning: Kyiv has gaps [mean on" in done.stderr
