"""Reports, of runs that were made up: every figure is known."""

from __future__ import annotations

import itertools
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from gridengine.ledger.events import (
    CallFailed,
    CallsDone,
    JobOver,
    JobsOver,
    JobsStarted,
    JobsSubmitted,
    JobStarted,
    JobSubmitted,
    NoticeGiven,
    QueueJobsSubmitted,
    QueueJobStarted,
    QueueJobWaiting,
    Sample,
    WorkerJoined,
    WorkerLost,
    WorkersSampled,
)
from gridengine.observers.report import requests, units
from gridengine.observers.report.page import page
from gridengine.observers.report.records import About
from gridengine.observers.report.run_facts import RunFacts
from gridengine.states import DeathCause, JobState

if TYPE_CHECKING:
    from gridengine.observers.report.figures import Figures

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

MB = 1024**2
ABOUT = About("a run", "python run.py", "here", "GridEngineScheduler()")


class Run:
    """A run that is made up: its clock says what it is told."""

    def __init__(self) -> None:
        self.facts = RunFacts(1000.0, all_jobs=True)
        self._tasks = itertools.count(1)

    def worker(self, when: float, host: str, pid: int, limit: int = 0) -> None:
        self.facts.note(when, WorkerJoined(b"%d" % pid, host, pid, "7.1", limit, 600.0))

    def lost(self, when: float, host: str, pid: int, cause: DeathCause | None = None) -> None:
        self.facts.note(when, WorkerLost(b"%d" % pid, host, pid, "7.1", 0, cause))

    def job(
        self, when: float, name: str, wall: float, pid: int = 1, *, cpu: float = 0.0,
        peak: int = 0, state: JobState = JobState.FINISHED, failure: str = "", host: str = "n1",
    ) -> None:  # fmt: skip
        task = next(self._tasks)
        note = self.facts.note
        note(when - wall, JobsSubmitted((JobSubmitted(task, name, 1, 0),)))
        note(when - wall, JobsStarted((JobStarted(task, name, 0, 1, 1),), host, pid))
        if failure:
            note(when, CallFailed(task, name, -1, host, pid, failure))
        failed = int(state is not JobState.FINISHED)
        note(when, JobsOver((JobOver(task, name, state, 1, failed, wall, cpu, peak),)))

    def part(
        self, when: float, name: str, first: int, calls: int, wall: float, pid: int = 1,
        *, cpu: float = 0.0, peak: int = 0, host: str = "n1",
    ) -> None:  # fmt: skip
        task = next(self._tasks)
        note = self.facts.note
        note(when - wall, JobsSubmitted((JobSubmitted(task, name, calls, first),)))
        note(when, CallsDone(task, name, 0, calls, 0, wall, peak, host, pid))
        over = JobOver(task, name, JobState.FINISHED, calls, 0, wall, cpu, peak)
        note(when, JobsOver((over,)))

    def figures(self, about: About = ABOUT) -> Figures:
        from gridengine.observers.report.figures import Figures

        return Figures(self.facts, about)


class Parsed(HTMLParser):
    """What is in a page: its texts, its tags, and all addresses that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def test_efficiency_is_processor_time_of_the_cores_that_were_held() -> None:
    run = Run()
    run.worker(1000.0, "n1", 1)
    run.worker(1005.0, "n1", 2)
    run.part(1008.0, "f", 0, 10, 5.0, 1, cpu=3.0)
    run.lost(1010.0, "n1", 1)
    figures = run.figures(ABOUT._replace(ended=1015.0))
    assert (figures.held, figures.busy) == (20.0, 5.0)
    first, second = figures.efficiency()
    assert first == "Your calls used 15 % of the cores that you held."
    assert "held for 20 s" in second
    assert "25 % of that" in second
    # Of four cores each three idle.
    assert "4 %" in run.figures(ABOUT._replace(ended=1015.0, slots=4)).efficiency()[0]


def test_calls_of_all_kinds_are_counted_once() -> None:
    run = Run()
    run.worker(1000.0, "n1", 1)
    run.part(1001.0, "f", 0, 10, 1.0)
    run.part(1002.0, "f", 10, 1, 1.0)
    run.job(1003.0, "Job-1 (g)", 1.0)
    run.job(1004.0, "Job-2 (g)", 1.0, state=JobState.FAILED, failure="ValueError: 1")
    run.job(1005.0, "Job-3 (g)", 0.0, state=JobState.CANCELLED)
    facts = run.facts
    assert (facts.done, facts.failed, facts.cancelled) == (13, 1, 1)
    rows = {each.name: each.calls for each in run.figures().functions}
    assert rows == {"f": "11", "g": "2"}


def test_quantiles_count_calls_and_not_answers() -> None:
    run = Run()
    run.worker(1000.0, "n1", 1)
    run.part(1001.0, "f", 0, 98, 9.8)
    run.part(1003.0, "f", 98, 1, 2.0)
    run.part(1008.0, "f", 99, 1, 5.0)
    (function,) = run.figures().functions
    assert (function.median, function.p99, function.longest) == ("100 ms", "2 s", "5 s")


def test_what_calls_have_started_counts_as_memory_of_their_worker() -> None:
    run = Run()
    run.worker(1000.0, "n1", 1)
    run.part(1001.0, "f", 0, 1, 1.0, peak=50 * MB)
    sample = Sample(b"1", "n1", 1, 1.0, 400 * MB, 700 * MB, 0, 0.0)
    run.facts.note(1002.0, WorkersSampled((sample,)))
    run.part(1003.0, "f", 1, 1, 1.0, peak=60 * MB)
    assert list(run.facts.answers.peaks) == [50 * MB, 700 * MB]


def test_the_request_holds_the_largest_and_a_margin() -> None:
    assert requests.time_to_request(2.0, 2.0) == 120
    assert requests.time_to_request(3600.0, 3700.0) == 5460
    # One that took far longer than all others is not cut off.
    assert requests.time_to_request(10.0, 7200.0) == 7980
    for p99, largest in ((30 * MB, 40 * MB), (900 * MB, 5000 * MB), (10_000 * MB, 10_000 * MB)):
        wanted = requests.memory_to_request(p99, largest)
        assert max(1.2 * p99, largest) + 256 * MB <= wanted < 1.13 * (1.2 * largest + 256 * MB)
        assert wanted % MB == 0
    assert requests.memory_to_request(1000 * MB, 1000 * MB, 4) < 400 * MB
    assert (requests.time_text(5400), requests.memory_text(512 * MB)) == ("01:30:00", "512M")


def test_the_slowest_are_told_by_their_places_in_the_map() -> None:
    run = Run()
    run.worker(1000.0, "n1", 1)
    for number in range(100):
        run.part(1001.0 + number, "f", 7 * number, 7, 0.7 + number / 10)
    run.job(1200.0, "Job-9 (g)", 30.0)
    rows = run.figures().slowest()
    assert len(rows) == 20
    assert rows[0] == ("30 s", "Job-9 (g)", "", "n1")
    assert rows[1][:2] == ("1.51 s on average", "f, calls 693 to 699")


def test_failures_that_say_the_same_are_one_line() -> None:
    run = Run()
    run.worker(1000.0, "n1", 1)
    for number in range(30):
        text = f"Traceback (most recent call last):\n  File x\nValueError: no {number}\nnote"
        run.job(
            1001.0 + number, f"Job-{number} (g)", 0.1, state=JobState.FAILED, failure=text
        )  # fmt: skip
    run.job(1100.0, "Job-99 (g)", 0.1, state=JobState.DIED, failure="job died\nout of memory")
    first, second = run.figures().failures()
    assert (first.summary, first.alike, first.where) == (
        "ValueError: no 0", 30, "Job-0 (g), on n1",
    )  # fmt: skip
    assert (second.summary, second.alike) == ("job died", 1)


def test_the_page_says_all_and_needs_nothing_else() -> None:
    run = Run()
    facts = run.facts
    facts.note(1000.0, QueueJobsSubmitted(("7.1", "7.2", "7.3")))
    facts.note(1010.0, QueueJobWaiting("7.2", "all slots are taken"))
    facts.note(1010.0, QueueJobWaiting("7.3", "all slots are taken"))
    facts.note(1020.0, QueueJobStarted("7.1", "n1"))
    run.worker(1020.0, "n1", 1, 2048 * MB)
    run.worker(1021.0, "n2", 2, 2048 * MB)
    run.part(1030.0, "simulate", 0, 10, 9.0, peak=300 * MB, cpu=8.0)
    run.job(1040.0, "Job-1 (fit)", 3.0, 2, peak=900 * MB, host="n2")
    run.lost(1041.0, "n2", 2, DeathCause.OUT_OF_MEMORY)
    facts.note(1042.0, NoticeGiven("workers are on their way"))
    text = page(facts, ABOUT)
    parsed = Parsed(text)
    assert parsed.open == []
    assert not {"script", "link"} & parsed.tags
    assert [each[:26] for each in parsed.addresses] == ["data:image/svg+xml;base64,"] * 3
    for told in (
        "python run.py", "11", "2 on 2 hosts", "20 s until the first started",
        "2 all slots are taken", 'h_rt="00:02:00", h_vmem="640M"', '"h_vmem": ',
        "This time: 10 min 00 s and 2 GB", "Job-1 (fit)",
        "worker 2 on n2 was lost: out of memory", "workers are on their way",
        "A worker could have 2 GB",
    ):  # fmt: skip
        assert told in " ".join(parsed.text.split()), told


def test_what_others_have_written_stays_text() -> None:
    run = Run()
    evil = "<script>alert(1)</script>\x1b[2J\u202e$x_1$"
    run.worker(1000.0, evil, 1, 100)
    run.job(1001.0, evil, 1.0, host=evil, peak=5, state=JobState.FAILED, failure=evil * 2)
    run.lost(1002.0, evil, 1, DeathCause.CRASHED)
    run.facts.note(1002.0, NoticeGiven(evil))
    run.facts.note(1002.0, QueueJobWaiting("7.1", evil))
    text = page(run.facts, About(evil, evil, evil, evil, 1, None, evil))
    parsed = Parsed(text)
    assert "script" not in parsed.tags
    assert not {"\x1b", "\u202e"} & set(text)
    assert parsed.text.count("<script>alert(1)</script>\\x1b[2J") > 8


@pytest.mark.parametrize(("workers", "answers"), [(1, 10_000), (600, 100_000)])
def test_a_page_has_less_than_3_mb(workers: int, answers: int) -> None:
    run = Run()
    for pid in range(1, workers + 1):
        run.worker(1000.0, f"n{pid % 50}", pid)
    for number in range(answers):
        pid = number % workers + 1
        when = 1001.0 + number / workers
        run.part(
            when, "fgh"[number % 3], number, 2, 0.1 + number % 8 / 10, pid,
            peak=MB * (30 + number % 99), host=f"n{pid % 50}",
        )  # fmt: skip
    assert len(page(run.facts, ABOUT)) < 3_000_000


def test_a_run_in_which_nothing_was_called_has_a_page_too() -> None:
    text = Parsed(page(Run().facts, ABOUT)).text
    assert "No worker was there." in text


def test_times_and_sizes_have_three_digits() -> None:
    seconds = [0.0, 1.2e-6, 0.00123, 0.0999, 1.0, 12.34, 59.99, 3599.7, 7500.0]
    assert [units.duration_text(each) for each in seconds] == [
        "0 µs", "1.20 µs", "1.23 ms", "99.9 ms", "1 s", "12.3 s", "1 min 00 s", "1 h 00 min",
        "2 h 05 min",
    ]  # fmt: skip
    sizes = [0, 512, 35 * MB, 1536 * MB, 3 * 1024**4]
    assert [units.bytes_text(each) for each in sizes] == [
        "0 bytes", "512 bytes", "35 MB", "1.50 GB", "3 TB",
    ]  # fmt: skip
