"""What is counted of a map, and what is said of it, by the events alone."""

from __future__ import annotations

import pytest

from gridengine.ledger.events import (
    CallsDone,
    JobOver,
    JobRetried,
    JobsOver,
    JobsStarted,
    JobStarted,
    QueueJobOver,
    QueueJobsDelayed,
    QueueJobsSubmitted,
    QueueJobStarted,
    QueueJobWaiting,
    WorkerJoined,
    WorkerLost,
)
from gridengine.ledger.task import Task
from gridengine.observers.map_counts import Estimate, MapCounts, clock, line
from gridengine.serialization.packed import Function
from gridengine.states import DeathCause, JobState, Mode

FINISHED, FAILED, CANCELLED = JobState.FINISHED, JobState.FAILED, JobState.CANCELLED


class Watched:
    """Counts of a map, and a clock that stands still until it is moved."""

    def __init__(self, total: int = 10) -> None:
        self.now = 100.0
        self.counts = MapCounts()
        self.estimate = Estimate(self.counts, total, self.now)

    def task(self, size: int = 1) -> int:
        task = Task(Function(b"f", b"", (), "f"), Mode.MAP, b"", name="f", size=size)
        self.counts.expect([task])
        return task.id

    def worker(self, pid: int = 1) -> None:
        self.counts(WorkerJoined(b"s.%d" % pid, "node", pid, "1.1"))

    def started(self, task: int, lo: int = 0, hi: int = 1, pid: int = 1) -> None:
        self.counts(JobsStarted((JobStarted(task, "f", lo, hi, 1),), "node", pid))

    def over(
        self, task: int, state: JobState = FINISHED, calls: int = 1, failures: int = 0
    ) -> None:
        self.counts(JobsOver((JobOver(task, "f", state, calls, failures, 1.0, 1.0, 1),)))

    def says(self, after: float = 0.0, *, remote: bool = True, over: bool = False) -> str:
        self.now += after
        self.estimate.look(self.now)
        return line(self.counts, self.estimate, remote=remote, over=over)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_calls_of_other_maps_are_not_counted(watched: Watched) -> None:
    watched.started(7)
    watched.counts(CallsDone(7, "g", 0, 3, 1, 1.0, 1, "node", 1))
    watched.counts(JobRetried(7, "g", 0, 3, "it raised"))
    watched.over(7)
    counts = watched.counts
    assert (counts.done, counts.failed, counts.retried, counts.running) == (0, 0, 0, 0)


def test_calls_that_a_worker_gives_back_are_not_tried_again(watched: Watched) -> None:
    task = watched.task(5)
    watched.started(task)
    watched.counts(JobRetried(task, "f", 0, 5, "another worker can begin it sooner", begun=False))
    assert (watched.counts.running, watched.counts.retried) == (0, 0)


def test_a_task_of_several_calls_is_counted_as_they_are_done(watched: Watched) -> None:
    task = watched.task(5)
    watched.counts(CallsDone(task, "f", 0, 3, 1, 1.0, 1, "node", 1))
    assert (watched.counts.done, watched.counts.failed) == (3, 1)
    watched.counts(CallsDone(task, "f", 0, 2, 0, 1.0, 1, "node", 1))
    watched.over(task, FAILED, 5, failures=1)
    assert (watched.counts.done, watched.counts.failed) == (5, 1)


@pytest.mark.parametrize(
    ("state", "calls", "failures", "done", "failed"),
    [
        (FINISHED, 1, 0, 1, 0),
        (FAILED, 1, 1, 1, 1),
        (CANCELLED, 1, 0, 0, 0),
        # What had a call that failed, and none after it was wanted.
        (FAILED, 5, 1, 0, 0),
        # What could not be run at all.
        (FAILED, 5, 0, 5, 5),
    ],
)
def test_what_is_over_is_counted_once(
    watched: Watched, state: JobState, calls: int, failures: int, done: int, failed: int
) -> None:
    task = watched.task(calls)
    watched.over(task, state, calls, failures)
    watched.over(task, state, calls, failures)
    assert (watched.counts.done, watched.counts.failed) == (done, failed)


def test_running_are_the_workers_that_have_calls_of_the_map(watched: Watched) -> None:
    first, second = watched.task(4), watched.task()
    watched.started(first, 0, 2, pid=1)
    watched.started(second, pid=1)
    assert watched.counts.running == 1
    watched.started(first, 2, 4, pid=2)
    assert watched.counts.running == 2
    watched.counts(JobRetried(first, "f", 2, 4, "lost"))
    assert watched.counts.running == 1
    # Somebody else is given what the first has not begun.
    watched.started(first, 0, 2, pid=3)
    watched.over(second)
    assert watched.counts.running == 1
    watched.counts(WorkerLost(b"s.3", "node", 3, "1.1", 2, DeathCause.KILLED))
    assert watched.counts.running == 0


def test_without_workers_it_says_what_the_queue_jobs_wait_for(watched: Watched) -> None:
    watched.task()
    assert watched.says() == "waiting for workers"
    watched.counts(QueueJobsSubmitted(("1.1", "1.2", "1.3")))
    assert watched.says() == "waiting for workers: 3 queue jobs wait"
    watched.counts(QueueJobWaiting("1.2", "all slots\nare \x1b[31mtaken"))
    said = "waiting for workers: 3 queue jobs wait (all slots are \\x1b[31mtaken)"
    assert watched.says() == said
    watched.counts(QueueJobOver("1.2", "deleted"))
    watched.counts(QueueJobStarted("1.1", "node"))
    watched.worker()
    assert watched.says() == "0 running, 1 worker, 1 queued"


def test_what_the_batch_system_does_not_take_yet_is_said_until_it_does(watched: Watched) -> None:
    watched.task()
    watched.counts(QueueJobsDelayed(3, "only 1 job is allowed"))
    assert watched.says() == "waiting for workers: not submitted yet (only 1 job is allowed)"
    watched.counts(QueueJobsSubmitted(("1.1",)))
    assert watched.says() == "waiting for workers: 1 queue job waits"


def test_a_long_reason_is_cut(watched: Watched) -> None:
    watched.counts(QueueJobsSubmitted(("1.1",)))
    watched.counts(QueueJobWaiting("1.1", "x" * 1000))
    assert watched.says().endswith("xxx…)")
    assert len(watched.says()) < 200


def test_what_is_left_is_known_by_the_workers_there_are(watched: Watched) -> None:
    # A minute in the queue counts for nothing.
    tasks = [watched.task() for _ in range(10)]
    watched.says(after=60)
    watched.worker()
    watched.started(tasks[0])
    watched.says()
    assert watched.says(after=4) == "1 running"
    watched.over(tasks[0])
    watched.started(tasks[1])
    said = watched.says(after=4)
    watched.over(tasks[1])
    watched.started(tasks[2])
    # Two calls of four seconds, and half of one that runs, in eight: seven and a half are left.
    assert watched.says() == "00:24 left, 4.0 s/call, 1 running"
    assert "left" in said
    watched.worker(2)
    watched.started(tasks[3], pid=2)
    # Twice as many workers: half of it.
    assert watched.says() == "00:09 left, 4.0 s/call, 2 running"


def test_failures_and_retries_are_told_to_the_end(watched: Watched) -> None:
    one, two = watched.task(), watched.task()
    watched.worker()
    watched.started(one)
    watched.says(after=1)
    watched.counts(JobRetried(one, "f", 0, 1, "it raised"))
    watched.started(one)
    watched.over(one, FAILED, failures=1)
    watched.over(two)
    assert watched.says(after=1).endswith("1 failed, 1 tried again")
    assert watched.says(over=True) == "1.0 calls/s, 1 failed, 1 tried again"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00"), (59.7, "01:00"), (754, "12:34"), (36_000, "10:00:00")]
)
def test_durations_are_written_as_clocks_do(seconds: float, text: str) -> None:
    assert clock(seconds) == text
