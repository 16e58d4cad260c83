"""What the dispatcher makes of samples: what calls have used, and which have stalled."""

from __future__ import annotations

import signal

import pytest

from gridengine.errors import Death, JobTimeout
from gridengine.ledger.certificates import TIMEOUT
from gridengine.ledger.events import CallStalled, NoticeGiven, Sample, WorkersSampled
from gridengine.ledger.orders import SignalCalls, Warn
from gridengine.ledger.records import WorkerRecord
from gridengine.ledger.samples import STALLED, Samples
from gridengine.ledger.task import Task, Usage
from gridengine.states import DeathCause, JobState, Mode
from gridengine.transport.sample_messages import WorkerSample

from .test_dispatcher_state import Program


def sampled(program: Program, worker: WorkerRecord, **facts: float) -> None:
    """Has its supervisor say what a worker uses."""
    sample = {"worker": 0, "position": 0, "width": 1, "cpu": 1.0, "rss": 100, "peak": 100, **facts}
    program.state.samples.take_in([(worker, WorkerSample(**sample))])  # type: ignore[arg-type]


def over(program: Program, worker: WorkerRecord, task: Task) -> Usage:
    """Has a job answered, and returns what it used."""
    program.answer(worker, task)
    assert task.state is JobState.FINISHED
    assert task.usage is not None
    return task.usage


def next_task(program: Program) -> Task:
    [task] = program.submit()
    program.tick()
    return task


@pytest.fixture
def program() -> Program:
    return Program()


def looking_for_the_stalled(program: Program, *, retry: bool) -> None:
    state = program.state
    state.samples = Samples(state.orders, state.observers, 60.0, retry=retry)


# ---------------------------------------------------------------------- what calls have used


def test_a_job_that_nobody_has_looked_at_has_used_what_its_worker_says(program: Program) -> None:
    task, worker = program.at_work()
    assert task.usage is None
    assert over(program, worker, task) == Usage(0.5, 0.25, 3)


def test_samples_give_the_peak_the_mean_and_the_processor_time_of_a_job(program: Program) -> None:
    task, worker = program.at_work()
    sampled(program, worker, cpu=2.0, rss=100, gpu_memory=7)
    sampled(program, worker, cpu=4.0, rss=300)
    sampled(program, worker, cpu=5.0, rss=200)
    assert task.usage is None
    # All that the worker has ever done is this.
    assert over(program, worker, task) == Usage(0.5, 0.25, 3, 5.0, 300, 200, 7, 3)


def test_what_its_worker_did_before_is_not_a_jobs(program: Program) -> None:
    first, worker = program.at_work()
    sampled(program, worker, cpu=10.0, rss=900)
    over(program, worker, first)
    second = next_task(program)
    # Some of that was the first one's.
    sampled(program, worker, position=1, cpu=12.0)
    sampled(program, worker, position=1, cpu=15.0)
    assert over(program, worker, second)[3:] == (3.0, 100, 100, 0, 2)
    # It rests.
    sampled(program, worker, position=1, cpu=16.0)
    third = next_task(program)
    sampled(program, worker, position=2, cpu=17.0)
    assert over(program, worker, third)[3:] == (1.0, 100, 100, 0, 1)
    # Which one it was is not known of a job between two looks.
    over(program, worker, next_task(program))
    fifth = next_task(program)
    sampled(program, worker, position=4, cpu=18.0)
    assert over(program, worker, fifth).tree_cpu == 0.25


def test_the_samples_of_an_earlier_attempt_are_not_those_of_the_last(program: Program) -> None:
    task, worker = program.at_work(lost_retries=1)
    sampled(program, worker, rss=900)
    program.dies()
    program.settle()
    other = program.worker(b"s.1")
    program.tick()
    assert over(program, other, task) == Usage(0.5, 0.25, 3)


def test_samples_are_told_of_idle_workers_too_and_made_for_those_who_hear(
    program: Program,
) -> None:
    program.supervisor()
    worker = program.worker()
    program.events.clear()
    sampled(program, worker, width=0, cpu=2.0, rss=5, peak=6, gpu_memory=7, gpu_use=0.5)
    [event] = program.events
    assert event == WorkersSampled((Sample(b"s.0", "node", 8, 2.0, 5, 6, 7, 0.5),))
    program.state.observers.callbacks = ()
    sampled(program, worker)


# ---------------------------------------------------------------------- who dies


def test_a_job_that_died_has_used_what_is_known_of_its_end(program: Program) -> None:
    task, worker = program.at_work(lost_retries=0)
    sampled(program, worker, cpu=2.0, rss=500)
    program.now += 9.0
    program.dies(cpu=3.0, peak_memory=400)
    program.settle()
    assert task.usage == Usage(9.0, 3.0, 400, 3.0, 500, 500, 0, 1)
    [death] = task.outcomes[0].failures.values()
    assert isinstance(death, Death)
    assert (death.cpu_time, death.peak_memory) == (3.0, 500)


def test_one_that_died_of_a_worker_that_had_run_others_is_charged_what_is_surely_its_own(
    program: Program,
) -> None:
    first, worker = program.at_work(lost_retries=0)
    over(program, worker, first)
    [task] = program.submit(lost_retries=0)
    program.tick()
    program.dies(position=1, cpu=30.0)
    program.settle()
    assert task.usage is not None
    assert task.usage.cpu == 0


def test_one_that_was_over_its_time_has_used_something_too(program: Program) -> None:
    task, _ = program.at_work(timeout=5.0)
    program.now += 5.0
    program.dies(reason=TIMEOUT, status=-9, cpu=4.0)
    program.settle()
    assert isinstance(task.outcomes[0].failures[0], JobTimeout)
    assert task.usage == Usage(5.0, 4.0, 1)


# ---------------------------------------------------------------------- who does nothing


def test_nobody_is_said_to_have_stalled_if_that_is_not_asked_for(program: Program) -> None:
    _, worker = program.at_work()
    sampled(program, worker, idle=1e6)
    assert program.orders() == []


def test_a_job_that_has_stalled_is_told_of_once(program: Program) -> None:
    looking_for_the_stalled(program, retry=False)
    task, worker = program.at_work()
    sampled(program, worker, idle=59.0)
    assert program.orders() == []
    program.events.clear()
    sampled(program, worker, idle=61.0)
    text = (
        "job 'job' has used less than 1 % of a core for 61 s on node (process 8); "
        "its stack() says where it is"
    )
    assert program.orders() == [Warn(text)]
    assert program.events[:2] == [
        CallStalled(task.id, "job", -1, "node", 8, 61.0), NoticeGiven(text)
    ]  # fmt: skip
    sampled(program, worker, idle=66.0)
    assert program.orders() == []
    over(program, worker, task)
    # Who has nothing to do has not stalled.
    sampled(program, worker, idle=99.0)
    assert program.orders() == []
    next_task(program)
    sampled(program, worker, position=1, idle=61.0)
    assert len(program.orders()) == 1


def test_of_a_map_it_is_told_which_call_has_stalled(program: Program) -> None:
    looking_for_the_stalled(program, retry=False)
    [task] = program.submit(size=5, first=10)
    task.mode = Mode.MAP
    program.supervisor()
    worker = program.worker()
    program.tick()
    # It has noted four calls together, and answered for two of them.
    program.answer(worker, task, lo=0, hi=2)
    program.events.clear()
    sampled(program, worker, position=0, width=4, idle=61.0)
    [warning] = program.orders()
    assert isinstance(warning, Warn)
    assert warning.text.startswith("job 'job', call 12, has used less than 1 % of a core")
    assert CallStalled(task.id, "job", 12, "node", 8, 61.0) in program.events


def test_one_that_has_stalled_is_ended_and_tried_again_as_after_a_loss_where_that_is_asked(
    program: Program,
) -> None:
    looking_for_the_stalled(program, retry=True)
    task, worker = program.at_work(lost_retries=1)
    for attempt in (1, 2):
        assert task.attempts == attempt
        sampled(program, worker, idle=60.0)
        kill = SignalCalls(worker, 0, 1, signal.SIGKILL, STALLED)
        assert kill in program.orders()
        program.dies(worker.address, reason=STALLED, status=-9)
        program.settle()
        worker = program.worker(b"s.%d" % attempt)
        program.tick()
    assert task.state is JobState.DIED
    [death] = task.outcomes[0].failures.values()
    assert isinstance(death, Death)
    assert death.cause is DeathCause.STALLED
    assert "GRIDENGINE_ON_STALL" in death.advice


def test_one_that_the_program_has_taken_back_is_left_to_that(program: Program) -> None:
    looking_for_the_stalled(program, retry=True)
    task, worker = program.at_work()
    program.state.cancellation.kill([task], signal.SIGTERM)
    program.orders()
    sampled(program, worker, idle=60.0)
    assert program.orders() == []
