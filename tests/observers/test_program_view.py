"""What a viewer knows of a program, from its events alone."""

from __future__ import annotations

import pytest

from gridengine.ledger.events import (
    CallFailed,
    CallsDone,
    CountsSoFar,
    DispatcherEvent,
    JobOver,
    JobRetried,
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
    StateShown,
    WorkerJoined,
    WorkerLost,
    WorkersSampled,
)
from gridengine.observers import encoding
from gridengine.observers.program_view import ProgramView, without_number
from gridengine.schedulers.overview import Overview, QueueJobOverview
from gridengine.states import DeathCause, JobState

MIB = 1 << 20


class Clock:
    """Has a view hear events, a second after each other unless it is told."""

    def __init__(self) -> None:
        self.view = ProgramView()
        self.now = 1000.0

    def tell(self, *events: DispatcherEvent, after: float = 1.0) -> ProgramView:
        self.now += after
        # As they come from a program.
        data = encoding.encode([(self.now, event) for event in events])
        self.view.hear(encoding.decode(data))
        return self.view


def joined(pid: int = 7, *, time_left: float = 0.0) -> WorkerJoined:
    return WorkerJoined(b"w%d" % pid, "node1", pid, "12", 100 * MIB, time_left)


def started(task: int, *, hi: int = 1, pid: int = 7, attempt: int = 1) -> JobsStarted:
    return JobsStarted((JobStarted(task, "f", 0, hi, attempt),), "node1", pid)


def over(task: int, state: JobState = JobState.FINISHED, *, name: str = "f") -> JobsOver:
    failures = int(state is JobState.FAILED)
    return JobsOver((JobOver(task, name, state, 1, failures, 0.5, 0.1, MIB),))


def overview(
    *,
    workers: int = 1,
    given: int = 1,
    waiting: int = 0,
    held_for: dict[int, float] | None = None,
    queue_jobs: tuple[QueueJobOverview, ...] = (),
    work: float = 0.0,
) -> StateShown:
    held = held_for or {}
    shown = Overview(workers, 1, given, waiting, "f", queue_jobs, held, to_come=0, work=work)
    return StateShown(shown)


def test_single_jobs_are_counted_by_what_they_have_in_common() -> None:
    clock = Clock()
    clock.tell(joined(), JobsSubmitted((JobSubmitted(1, "Job-1 (f)", 1, 0),)))
    view = clock.tell(over(1, name="Job-1 (f)"), over(2, JobState.FAILED, name="Job-2 (f)"))
    assert (view.done, view.failed) == (2, 1)
    assert (view.jobs["f"].done, view.jobs["f"].failed, view.jobs["f"].peak_memory) == (2, 1, MIB)


def test_what_is_cancelled_is_not_done() -> None:
    assert Clock().tell(over(1, JobState.CANCELLED)).done == 0


def test_what_was_before_is_counted() -> None:
    view = Clock().tell(CountsSoFar(100, 3, 7, 2))
    assert (view.done, view.failed, view.retried) == (100, 3, 2)


def test_what_a_worker_gives_back_leaves_it_and_was_not_tried() -> None:
    clock = Clock()
    clock.tell(joined(), started(1))
    view = clock.tell(JobRetried(1, "f", 0, 1, "another worker can begin it sooner", begun=False))
    assert (view.running, view.retried) == (0, 0)


def test_calls_of_a_part_of_a_map_are_counted_once() -> None:
    clock = Clock()
    clock.tell(joined(), started(1, hi=10))
    clock.tell(CallsDone(1, "f", 0, 4, 1, 2.0, MIB, "node1", 7))
    (part,) = clock.view.workers[b"w7"].running.values()
    assert (part.lo, part.hi, part.since) == (4, 10, clock.now)
    clock.tell(CallsDone(1, "f", 4, 10, 0, 2.0, MIB, "node1", 7))
    view = clock.tell(JobsOver((JobOver(1, "f", JobState.FAILED, 10, 1, 4.0, 1.0, MIB),)))
    assert (view.done, view.failed) == (10, 1)
    assert view.running == 0


def test_what_is_tried_again_leaves_its_worker() -> None:
    clock = Clock()
    clock.tell(joined(), joined(8), started(1), started(2, pid=8))
    view = clock.tell(JobRetried(1, "f", 0, 1, "it has raised"))
    assert view.retried == 1
    assert view.running == 1
    view = clock.tell(started(1, pid=8, attempt=2))
    assert [part.attempt for part in view.workers[b"w8"].running.values()] == [1, 2]


def test_a_worker_that_dies_is_remembered_and_one_that_leaves_is_not() -> None:
    clock = Clock()
    clock.tell(joined(), joined(8), started(1))
    clock.tell(WorkerLost(b"w8", "node1", 8, "12", 0, None))
    view = clock.tell(WorkerLost(b"w7", "node1", 7, "12", 1, DeathCause.KILLED))
    assert view.workers == {}
    assert [lost.pid for _, lost in view.lost] == [7]


def test_failures_have_a_text_and_the_last_ones_are_kept() -> None:
    clock = Clock()
    failures = [CallFailed(1, "f", number, "node1", 7, f"why {number}") for number in range(300)]
    view = clock.tell(*failures)
    assert len(view.failures) == 200
    assert (view.failures[-1].call, view.failures[-1].text) == (299, "why 299")


def test_the_end_of_a_worker_is_a_time() -> None:
    clock = Clock()
    view = clock.tell(joined(time_left=60.0))
    assert view.workers[b"w7"].ends == clock.now + 60.0


def test_who_comes_late_is_told_since_when_a_call_runs() -> None:
    clock = Clock()
    clock.tell(joined(), started(1))
    view = clock.tell(overview(held_for={1: 300.0}))
    (part,) = view.workers[b"w7"].running.values()
    assert part.since == clock.now - 300.0


def test_a_queue_job_that_waits_says_why() -> None:
    clock = Clock()
    clock.tell(QueueJobsSubmitted(("12", "13")), QueueJobStarted("12", "node1"))
    view = clock.tell(QueueJobWaiting("13", "no slots"))
    assert view.why_waiting == "no slots"
    view = clock.tell(QueueJobStarted("13", "node2"))
    assert view.why_waiting == ""


def test_a_queue_job_has_the_remark_and_the_age_that_its_program_knows() -> None:
    clock = Clock()
    shown = QueueJobOverview("12", "node1", 1, 1, 500.0, "suspended by qmod")
    view = clock.tell(overview(queue_jobs=(shown,)))
    assert view.queue_jobs["12"].remark == "suspended by qmod"
    assert view.queue_jobs["12"].submitted == clock.now - 500.0
    waits = QueueJobOverview("13", "", 0, 0, 5.0, "", "no slots")
    assert clock.tell(overview(queue_jobs=(waits,))).why_waiting == "no slots"


def test_the_rate_is_that_of_late() -> None:
    clock = Clock()
    clock.tell(joined())
    for number in range(20):
        clock.tell(over(number))
    assert clock.view.rate == 1.0
    clock.tell(overview(waiting=9))
    left = clock.view.seconds_left
    assert left is not None
    assert 9.0 <= left <= 12.0


def test_who_has_just_come_says_how_long_it_takes_by_how_long_calls_took() -> None:
    view = Clock().tell(overview(workers=2, given=2, waiting=8, work=16.0))
    assert view.seconds_left == 10 * 2.0 / 2


def test_with_nothing_left_no_time_is_left() -> None:
    assert Clock().tell(overview(given=0)).seconds_left == 0.0
    assert ProgramView().seconds_left == 0.0


def test_nothing_grows_with_a_million_jobs_that_wait_from_before() -> None:
    clock = Clock()
    clock.tell(CountsSoFar(0, 0, 1_000_000), joined(), started(1))
    view = clock.tell(overview(waiting=1_000_000))
    assert view.waiting == 1_000_000
    assert len(view.jobs) == 0


def test_notices_are_kept_with_their_times() -> None:
    clock = Clock()
    assert clock.tell(NoticeGiven("wait")).notices[-1] == (clock.now, "wait")


def test_a_worker_has_its_last_sample() -> None:
    clock = Clock()
    clock.tell(joined(), joined(8))
    sample = Sample(b"w7", "node1", 7, 10.0, MIB, MIB, 0, 0.0, 1.5)
    view = clock.tell(WorkersSampled((sample._replace(cpu_use=0.5), sample)))
    assert view.workers[b"w7"].sample == sample
    assert view.workers[b"w8"].sample is None


def test_names_without_numbers() -> None:
    assert without_number("Job-17 (f)") == "f"
    assert without_number("Job-17") == "Job-17"
    assert without_number("Job-x (f)") == "Job-x (f)"
    assert without_number("mine") == "mine"


def test_a_name_that_is_no_text_becomes_an_escape_and_harms_no_other_event() -> None:
    data = encoding.encode([(1.0, NoticeGiven("fine")), (2.0, over(1, name="odd\udcff\x1b"))])
    first, second = encoding.decode(data)
    assert first == (1.0, NoticeGiven("fine"))
    assert isinstance(second[1], JobsOver)
    assert second[1].jobs[0].name == "odd\\udcff\\x1b"
    assert second[1].jobs[0].state is JobState.FINISHED


def test_who_has_just_come_is_told_a_rate_by_how_long_calls_have_taken() -> None:
    clock = Clock()
    clock.tell(joined(), joined())
    clock.tell(over(0), over(1), over(2), over(3))
    # Four at once are a burst: each takes five seconds.
    clock.tell(overview(workers=2, waiting=10, work=50.0))
    assert clock.view.rate == pytest.approx(0.4)
    assert clock.view.seconds_left == pytest.approx(11 / 0.4)
    for number in range(4, 60):
        clock.tell(over(number))
    clock.tell(overview(workers=2, waiting=10, work=50.0))
    assert clock.view.rate == pytest.approx(1.0, rel=0.1)


def test_what_is_done_since_the_state_was_told_is_counted_once() -> None:
    clock = Clock()
    clock.tell(joined(), over(0))
    clock.tell(overview(given=2, waiting=3))
    sums = [clock.view.done + clock.view.given + clock.view.waiting]
    for number in range(1, 6):
        clock.tell(over(number))
        sums.append(clock.view.done + clock.view.given + clock.view.waiting)
    assert sums == [6] * 6
    assert clock.tell(overview(given=1, waiting=1)).waiting == 1
