"""One job's record: its moves and its answers."""

from __future__ import annotations

import pytest

from gridengine.errors import Death, JobCancelled
from gridengine.ledger.task import Outcome, Place, Task
from gridengine.serialization.packed import Function
from gridengine.states import MOVES, JobState, Mode

FINAL = [state for state in JobState if state.final]


def make(state: JobState = JobState.QUEUED, **traits: object) -> Task:
    task = Task(Function(b"f", b"", (), "f"), Mode.MAP, b"payload", (b"frame",), **traits)  # type: ignore[arg-type]
    task.state = state
    return task


def outcome(lo: int, hi: int, **failures: object) -> Outcome:
    failed = {int(call[1:]): failure for call, failure in failures.items()}
    return Outcome(lo, hi, b"", (), failed, 1, 1, 1, Place("host", 1, "7.1"))  # type: ignore[arg-type]


# ---------------------------------------------------------------------- moves


@pytest.mark.parametrize("target", JobState)
@pytest.mark.parametrize("state", JobState)
def test_exactly_the_moves_of_the_table_are_legal(state: JobState, target: JobState) -> None:
    task = make(state, name="train")
    if target in MOVES[state]:
        task.move(target)
        assert task.state is target
    else:
        with pytest.raises(ValueError, match=f"'train' {state.value}.* cannot become") as caught:
            task.move(target)
        assert target.value in str(caught.value)
        assert task.state is state


@pytest.mark.parametrize("state", JobState)
def test_a_task_is_over_in_the_final_states(state: JobState) -> None:
    assert make(state).over is state.final


@pytest.mark.parametrize("state", FINAL)
def test_the_arguments_are_let_go_at_the_end_unless_the_task_has_failed(state: JobState) -> None:
    task = make(JobState.RUNNING)
    task.payload, task.arguments = b"packed", ((1,), {})
    task.move(state)
    # To be named, and to be run again.
    kept = state in (JobState.FAILED, JobState.DIED)
    assert bool(task.payload) is kept
    assert (task.arguments is not None) is kept


def test_no_two_tasks_have_the_same_id() -> None:
    assert len({make().id for _ in range(100)}) == 100


# ---------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("failures", "state"),
    [
        ({}, JobState.FINISHED),
        ({"_1": b"packed"}, JobState.FAILED),
        ({"_1": Death()}, JobState.DIED),
        ({"_1": JobCancelled()}, JobState.CANCELLED),
        ({"_0": b"packed", "_1": Death()}, JobState.DIED),
        ({"_0": JobCancelled(), "_1": Death()}, JobState.DIED),
        ({"_0": b"packed", "_1": JobCancelled()}, JobState.CANCELLED),
    ],
)
def test_the_last_answer_ends_the_task_by_the_worst_that_happened(
    failures: dict[str, object], state: JobState
) -> None:
    task = make(JobState.RUNNING, size=3)
    task.record(outcome(0, 2, **failures))
    assert task.state is JobState.RUNNING
    assert task.missing == 1
    task.record(outcome(2, 3))
    assert task.state is state


def test_answers_may_come_in_any_order() -> None:
    task = make(JobState.RUNNING, size=4)
    for lo in (2, 0, 3, 1):
        assert not task.over
        task.record(outcome(lo, lo + 1))
    assert task.state is JobState.FINISHED


def test_the_common_end_of_a_common_job_is_that_of_its_only_answer() -> None:
    task, other = make(JobState.RUNNING), make(JobState.RUNNING)
    answer = outcome(0, 1)
    task.finish(answer)
    other.record(answer)
    for name in set(Task.__slots__) - {"id", "series"}:
        assert getattr(task, name, None) == getattr(other, name, None), name


def test_a_task_that_is_over_keeps_its_first_end() -> None:
    task = make(JobState.RUNNING)
    first = JobCancelled("first")
    task.end(JobState.CANCELLED, first)
    task.end(JobState.FAILED, JobCancelled("second"))
    assert (task.state, task.error) == (JobState.CANCELLED, first)


def test_the_first_failure_ends_a_task_that_shall_fail_fast() -> None:
    task = make(JobState.RUNNING, size=4, fail_fast=True)
    task.record(outcome(0, 1))
    task.record(outcome(1, 2, _1=b"packed"))
    assert (task.state, task.missing) == (JobState.FAILED, 2)
