"""What a notebook shows of jobs, batches and schedulers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import Job, JobDispatcher
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)

from ..conftest import warm
from ..waiting import wait_until

SCRIPT = "<script>alert('&')</script>"


class Parser(HTMLParser):
    """Collects the texts and the tags; complains of what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.replace("\xa0", " "))


def shown(thing: Any) -> list[str]:
    """Returns the texts in what a notebook shows of something; looks at its tags."""
    parser = Parser()
    parser.feed(thing._repr_html_())
    parser.close()
    assert not parser.open
    assert parser.tags <= {"div", "strong", "table", "tr", "th", "td", "span"}
    assert parser.attributes <= {"style"}
    return [text for text in parser.texts if text.strip()]


def facts(thing: Any) -> dict[str, str]:
    """Returns the names and values of a job's table."""
    texts = [text for text in shown(thing) if text != "●"]
    return {name: value.strip() for name, value in zip(texts[1::2], texts[2::2], strict=True)}


def divide(x: int, y: int) -> float:
    return x / y


def wait_for(path: str) -> str:
    while not os.path.exists(path):
        time.sleep(0.01)
    return path


@pytest.fixture(
    scope="module",
    params=["inline", "process", pytest.param("cluster", marks=pytest.mark.cluster)],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    kinds: dict[str, Callable[[], Scheduler]] = {
        "inline": InlineScheduler,
        "process": lambda: ProcessScheduler(2),
        "cluster": lambda: GridEngineScheduler(max_workers=2),
    }
    if request.param == "cluster":
        request.getfixturevalue("cluster")
    with kinds[request.param]() as made:
        warm(made, 1 if request.param == "inline" else 2)
        yield made


def test_a_job_tells_where_it_was_and_what_it_used(scheduler: Scheduler) -> None:
    job = Job(target=divide, args=(6, 3), name="six", scheduler=scheduler)
    assert facts(job) == {"name": "six", "state": "initial"}
    job.start()
    job.join()
    known = facts(job)
    assert known.keys() == {"name", "state", "host", "attempts", "time", "peak memory"}
    assert known["state"] == "finished"
    assert known["host"].startswith(f"{job.host} (process {job.pid}")
    job.close()
    assert facts(job) == {"name": "six", "state": "closed"}


def test_a_failed_job_tells_the_first_line_of_its_error(scheduler: Scheduler) -> None:
    job = Job(target=divide, args=(1, 0), scheduler=scheduler)
    job.start()
    wait_until(lambda: not job.is_alive(), what="it is over")
    assert facts(job)["error"] == "ZeroDivisionError: division by zero"
    # Nobody has asked for it by that.
    told: list[object] = []
    before, gridengine.excepthook = gridengine.excepthook, told.append
    try:
        job.join()
    finally:
        gridengine.excepthook = before
    assert len(told) == 1
    assert facts(job)["error"] == "ZeroDivisionError: division by zero"


def test_a_dead_job_tells_what_it_died_of(laptop: ProcessScheduler) -> None:
    job = Job(target=os.abort, retries=0, scheduler=laptop)
    job.start()
    assert isinstance(job.exception, gridengine.JobDied)
    assert "crashed (SIGABRT)" in facts(job)["error"]


class Unreadable(Exception):
    def __reduce__(self) -> Any:
        return exec, ("raise SystemError('somebody has unpacked it')",)


def fail() -> None:
    raise Unreadable(SCRIPT)


def test_nothing_that_a_job_sends_is_run_or_obeyed(laptop: ProcessScheduler) -> None:
    job = Job(target=fail, name=SCRIPT, scheduler=laptop)
    job.start()
    wait_until(lambda: not job.is_alive(), what="it is over")
    html = job._repr_html_()
    assert "<script" not in html
    assert facts(job)["name"] == SCRIPT
    assert SCRIPT in facts(job)["error"]
    assert job.exception is not None


def test_letters_that_change_the_order_of_others_are_shown_as_escapes() -> None:
    assert facts(Job(name="a\u202eb\x1b[31m"))["name"] == "a\\u202eb\\x1b[31m"


def test_a_name_of_any_length_is_cut() -> None:
    assert len(facts(Job(name="x" * 100_000))["name"]) < 1000


def test_a_running_job_is_shown_without_waiting_for_it(
    laptop: ProcessScheduler, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    job = Job(target=wait_for, args=(str(gate),), scheduler=laptop)
    job.start()
    try:
        wait_until(lambda: job.pid, what="it runs")
        known = facts(job)
    finally:
        gate.touch()
    assert known["state"] == "running"
    assert known["with its worker for"].endswith("s")
    assert job.result == str(gate)


def test_a_batch_shows_the_failed_first(scheduler: Scheduler) -> None:
    batch = JobDispatcher(scheduler)
    jobs = [Job(target=divide, args=(1, n), name=f"by {n}") for n in (1, 2, 0, 3)]
    batch.dispatch(jobs)
    wait_until(lambda: not any(job.is_alive() for job in jobs), what="all are over")
    texts = shown(batch)
    assert [text for text in texts if text.startswith("by ")] == ["by 0", "by 1", "by 2", "by 3"]
    at = texts.index("jobs")
    assert "".join(texts[at + 1 : at + 6]).split() == ["1", "●", "failed", "3", "●", "finished"]
    batch.join(reraise=False)
    assert "none that are not joined" in shown(batch)


def test_of_a_large_batch_the_first_are_shown(laptop: ProcessScheduler) -> None:
    with JobDispatcher(laptop) as batch:
        batch.dispatch([Job(target=abs, args=(-1,)) for _ in range(200)])
        assert "and 180 more" in shown(batch)


def test_a_scheduler_that_nobody_has_used_starts_nothing() -> None:
    for made in (ProcessScheduler(2), InlineScheduler(), GridEngineScheduler(queue="all.q")):
        assert any("Nothing is under way" in text for text in shown(made))
        assert not made.dispatchers


def test_a_scheduler_tells_its_workers_and_what_waits(
    laptop: ProcessScheduler, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    jobs = [
        Job(target=wait_for, args=(str(gate),), name=f"wait {n}", scheduler=laptop)
        for n in range(20)
    ]
    for job in jobs:
        job.start()
    try:
        wait_until(
            lambda: (
                facts(laptop)
                == {
                    "workers": "2, 2 of them at work",
                    "calls": "2 with workers, 18 waiting, the next of wait 2",
                }
            ),
            what="all is counted",
        )
    finally:
        gate.touch()
    assert {job.result for job in jobs} == {str(gate)}
    assert facts(laptop) == {"workers": "2, idle", "calls": "none under way"}


@pytest.mark.cluster
def test_a_cluster_tells_its_queue_jobs(cluster: object) -> None:
    with GridEngineScheduler(max_workers=2) as made:
        warm(made, 2)
        texts = shown(made)
        assert "queue job" in texts
        assert "workers" in texts


def test_it_can_be_looked_at_while_all_changes(laptop: ProcessScheduler) -> None:
    ended = threading.Event()

    def map_on() -> None:
        while not ended.is_set():
            gridengine.map(abs, range(1000), scheduler=laptop, chunksize=1)

    thread = threading.Thread(target=map_on)
    thread.start()
    try:
        for _ in range(300):
            assert shown(laptop)
    finally:
        ended.set()
        thread.join()
