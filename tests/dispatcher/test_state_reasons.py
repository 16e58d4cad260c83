"""Why a job stands where it stands, by what its dispatcher has been told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from gridengine.dispatcher.overview import overview_of
from gridengine.dispatcher.state_reasons import NoStateReasons, StateReasons
from gridengine.errors import JobCancelled, SchedulerError
from gridengine.ledger.capacity import Capacity
from gridengine.ledger.dispatcher_state import DispatcherState
from gridengine.ledger.events import DispatcherEvent, QueueJobsDelayed, QueueJobWaiting
from gridengine.ledger.orders import AskWhy, ReadOutput, RequestQueueJobs, Warn
from gridengine.ledger.records import Report, SupervisorRecord
from gridengine.ledger.task import Task
from gridengine.schedulers import GridEngineScheduler
from gridengine.schedulers.events import (
    Delayed,
    End,
    Ended,
    Event,
    Standing,
    Submitted,
    Waiting,
)
from gridengine.serialization.packed import Function
from gridengine.settings import Settings
from gridengine.states import JobState, Mode

FUNCTION = Function(b"f", b"", (), "f")


def _address(queue_job: str) -> bytes:
    return queue_job.replace(".", "-").encode()


class Desk:
    """The state of a dispatcher on a cluster of two workers at most, and who is asked why."""

    def __init__(self) -> None:
        self.state = DispatcherState(Settings(), Capacity(1, 2), remote=True, linger=5.0)
        self.reasons = StateReasons(self.state, GridEngineScheduler(max_workers=2))
        self.now = time.monotonic() - 1000.0
        self.events: list[DispatcherEvent] = []
        self.state.observe(self.events.append, self.now)

    def submit(self) -> Task:
        """Has a job wait."""
        task = Task(FUNCTION, Mode.CALL, b"", name="job")
        self.state.ledger.submit(task)
        return task

    def tick(self) -> None:
        """Does what the dispatcher does in a turn, when what it waits for has passed."""
        self.state.tick(self.now)
        self.now += 1.0
        self.state.tick(self.now)
        orders, self.state.orders[:] = self.state.orders[:], []
        for order in orders:
            if isinstance(order, ReadOutput):
                self.state.lost(order.supervisor, order.end, "", self.now)
            elif isinstance(order, AskWhy):
                self.state.not_started(order.queue_job, order.end.detail)
            elif isinstance(order, RequestQueueJobs):
                self.batch = order.batch

    def hear(self, event: Event) -> None:
        """Has the scheduler say something."""
        self.state.scheduler_said(event)

    def supervisor(self, queue_job: str) -> None:
        """Has the supervisor of a queue job say its first word."""
        record = SupervisorRecord(_address(queue_job), queue_job, 0, "node", 7, now=self.now)
        self.state.supervisor_arrived(record, self.now)

    def worker(self, queue_job: str) -> None:
        """Has its worker say so, too."""
        worker = self.state.worker_arrived(_address(queue_job) + b".0", 8, "", self.now)
        assert worker is not None
        worker.received = 1

    def waiting_in(self, *queue_jobs: str) -> Task:
        """Has a job wait for queue jobs that the batch system has taken."""
        task = self.submit()
        for _ in queue_jobs[1:]:
            self.submit()
        self.tick()
        self.hear(Submitted(self.batch, queue_jobs))
        return task

    def running_in(self, queue_job: str) -> Task:
        """Has a job run."""
        task = self.waiting_in(queue_job)
        self.supervisor(queue_job)
        self.worker(queue_job)
        self.tick()
        assert task.state is JobState.RUNNING
        return task


@pytest.fixture
def desk() -> Desk:
    """A dispatcher's state in which nothing has happened yet."""
    return Desk()


def test_the_way_of_a_queue_job_is_told_step_by_step(desk: Desk) -> None:
    task = desk.submit()
    assert desk.reasons.of(task) == "waits for a worker: workers are about to be asked for"
    desk.tick()
    assert desk.reasons.of(task) == "waits for a worker: 1 queue job is being submitted"
    desk.hear(Submitted(desk.batch, ("1.1",)))
    text = desk.reasons.of(task)
    assert re.fullmatch(r"waits for a worker: 1 queue job waits in the queue for \d+ s", text)
    desk.hear(Waiting("1.1", "all slots are taken"))
    assert desk.reasons.of(task) == "waits for a worker: 1 queue job waits: all slots are taken"
    desk.supervisor("1.1")
    assert desk.reasons.of(task) == "waits for a worker: a worker starts on node"
    desk.worker("1.1")
    assert desk.reasons.of(task) == "a worker is about to have it"
    desk.tick()
    assert task.state is JobState.RUNNING
    assert desk.reasons.of(task) == ""


def test_a_job_behind_others_says_how_many_and_that_no_more_workers_may_be_had(desk: Desk) -> None:
    desk.running_in("1.1")
    tasks = [desk.submit() for _ in range(3)]
    desk.tick()
    text = "waits for a worker: the only one is busy, 2 calls are before it; 1 queue job "
    assert desk.reasons.of(tasks[2]).startswith(text)
    desk.hear(Submitted(desk.batch, ("2.1",)))
    desk.supervisor("2.1")
    desk.worker("2.1")
    desk.tick()
    assert desk.reasons.of(tasks[2]) == (
        "waits for a worker: all 2 are busy, 1 call is before it; "
        "the scheduler's limit of 2 queue jobs is reached"
    )


def test_queue_jobs_that_wait_for_the_same_are_told_together(desk: Desk) -> None:
    task = desk.waiting_in("1.1", "1.2")
    desk.hear(Waiting("1.1", "full", ("1.2",), aloud=False))
    assert desk.reasons.of(task) == "waits for a worker: 2 queue jobs wait: full"
    assert not any(isinstance(order, Warn) for order in desk.state.orders)
    told = [each for each in desk.events if isinstance(each, QueueJobWaiting)]
    assert told == [QueueJobWaiting("1.1", "full"), QueueJobWaiting("1.2", "full")]
    late: list[DispatcherEvent] = []
    desk.state.observe(late.append, desk.now)
    assert QueueJobWaiting("1.2", "full") in late


def test_that_one_has_started_is_no_reason_any_more_when_its_supervisor_was_heard(
    desk: Desk,
) -> None:
    desk.waiting_in("1.1")
    desk.supervisor("1.1")
    desk.hear(Waiting("1.1", "it has started", aloud=False))
    assert desk.state.staffing.queue_jobs["1.1"].reason == ""
    assert not any(isinstance(each, QueueJobWaiting) for each in desk.events)


def test_what_the_batch_system_does_not_take_yet_is_told(desk: Desk) -> None:
    task = desk.submit()
    desk.tick()
    desk.hear(Delayed(desk.batch, "only 1 job is allowed"))
    assert desk.reasons.of(task) == (
        "waits for a worker: 1 queue job is not taken by the batch system yet: "
        "only 1 job is allowed"
    )
    assert desk.reasons.without_workers().endswith("only 1 job is allowed")
    delayed = QueueJobsDelayed(1, "only 1 job is allowed")
    assert desk.events[-1] == delayed
    late: list[DispatcherEvent] = []
    desk.state.observe(late.append, desk.now)
    assert delayed in late
    desk.hear(Submitted(desk.batch, ("1.1",)))
    assert "allowed" not in desk.reasons.of(task)


def test_queue_jobs_that_do_not_start_are_told_of_until_one_does(desk: Desk) -> None:
    task = desk.waiting_in("1.1")
    desk.hear(Ended("1.1", End(exitcode=1, detail="no such file")))
    desk.tick()
    assert "one that was to start did not: no such file" in desk.reasons.of(task)
    desk.hear(Submitted(desk.batch, ("2.1",)))
    desk.supervisor("2.1")
    desk.worker("2.1")
    assert "did not" not in desk.reasons.of(task)


def test_a_suspended_queue_job_is_why_a_job_stands_still_and_another_waits(desk: Desk) -> None:
    task, other = desk.running_in("1.1"), desk.submit()
    desk.hear(Standing(("1.1",), {"1.1": "by qmod -sj (state s)"}))
    assert desk.reasons.of(task) == "its queue job 1.1 is suspended by qmod -sj (state s)"
    waits = "waits for a worker: 1 queue job is suspended by qmod -sj (state s)"
    assert desk.reasons.of(other) == waits


def test_a_second_attempt_says_why_it_is_one(desk: Desk) -> None:
    task = desk.running_in("1.1")
    desk.state.worker_died(b"1-1", 0, Report(-11, 0, 1, "crashed", 1, sent=1), desk.now)
    desk.state.settle(desk.now)
    text = "tried again (attempt 2): its worker on node was lost: crashed"
    assert task.state is JobState.QUEUED
    assert desk.reasons.of(task).startswith(text + "; waits for a worker")
    worker = desk.state.worker_arrived(b"1-1.1", 9, "", desk.now)
    assert worker is not None
    desk.tick()
    assert desk.reasons.of(task) == text


def test_with_workers_there_is_no_reason_why_there_are_none(desk: Desk) -> None:
    assert desk.reasons.without_workers() == "", "nothing is wanted"
    desk.running_in("1.1")
    assert desk.reasons.without_workers() == ""


@pytest.mark.parametrize("ask", [NoStateReasons().of, lambda _: NoStateReasons().without_workers()])
def test_where_jobs_run_in_the_program_nothing_waits(
    desk: Desk, ask: Callable[[Task], str]
) -> None:
    assert ask(desk.submit()) == ""


def test_a_suspended_queue_job_is_shown_in_the_same_words(desk: Desk) -> None:
    desk.running_in("1.1")
    desk.hear(Standing(("1.1",), {"1.1": "by qmod -sj (state s)"}))
    (shown,) = overview_of(desk.state, {}).queue_jobs
    assert shown.remark == "suspended by qmod -sj (state s)"


def test_what_fails_before_it_runs_is_counted_as_done_and_failed(desk: Desk) -> None:
    desk.state.end_all([desk.submit(), desk.submit()], SchedulerError("no such queue"))
    assert (desk.state.ledger.counts.done, desk.state.ledger.counts.failed) == (2, 2)
    desk.state.end_all([desk.submit()], JobCancelled("closed"))
    assert desk.state.ledger.counts.done == 2
