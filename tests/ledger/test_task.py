"""One job's record: its moves, its answers, and how to wait for it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from gridengine.errors import Death, JobCancelled
from gridengine.ledger import task as task_module
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
def test_the_arguments_are_let_go_at_the_end_unless_a_certificate_shall_name_them(
    state: JobState,
) -> None:
    task = make(JobState.RUNNING)
    task.arguments = ((1,), {})
    task.move(state)
    assert not task.payload
    assert not task.frames
    assert (task.arguments is not None) is (state is JobState.DIED)


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


def test_the_first_failure_ends_a_task_that_shall_fail_fast() -> None:
    task = make(JobState.RUNNING, size=4, fail_fast=True)
    task.record(outcome(0, 1))
    task.record(outcome(1, 2, _1=b"packed"))
    assert (task.state, task.missing) == (JobState.FAILED, 2)


# ---------------------------------------------------------------------- waiting


def at_the_guard(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Has ``act`` happen just before the guard is next taken, as if in another thread."""

    class Guard:
        armed = True

        def __enter__(self) -> None:
            if self.armed:
                self.armed = False
                act()
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    lock = threading.Lock()
    monkeypatch.setattr(task_module, "_guard", Guard())


def test_a_callback_is_called_once_when_the_job_is_over_and_not_before() -> None:
    task = make(JobState.RUNNING)
    calls: list[JobState] = []
    task.when_over(lambda: calls.append(task.state))
    task.move(JobState.QUEUED)
    task.move(JobState.RUNNING)
    assert calls == []
    task.move(JobState.FINISHED)
    assert calls == [JobState.FINISHED]


def test_a_callback_is_called_at_once_if_the_job_is_over() -> None:
    task = make(JobState.FINISHED)
    calls: list[int] = []
    task.when_over(lambda: calls.append(1))
    assert calls == [1]


def test_all_callbacks_are_called_in_the_order_in_which_they_came() -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    for number in range(3):
        task.when_over(lambda number=number: calls.append(number))
    task.move(JobState.CANCELLED)
    assert calls == [0, 1, 2]


def test_a_callback_may_ask_for_another() -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    task.when_over(lambda: task.when_over(lambda: calls.append(1)))
    task.move(JobState.FINISHED)
    assert calls == [1]


def test_a_job_that_ends_while_a_callback_is_being_left_still_calls_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    at_the_guard(monkeypatch, lambda: task.move(JobState.FINISHED))
    task.when_over(lambda: calls.append(1))
    assert calls == [1]


def test_a_callback_that_is_left_while_the_job_ends_is_still_called_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    at_the_guard(monkeypatch, lambda: task.when_over(lambda: calls.append(1)))
    task.move(JobState.FINISHED)
    assert calls == [1]


def test_a_job_that_ends_as_somebody_begins_to_wait_does_not_keep_him(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = make(JobState.RUNNING)
    at_the_guard(monkeypatch, lambda: task.move(JobState.FINISHED))
    assert task.wait()


def test_waiting_ends_with_the_job_in_whatever_thread_it_ends() -> None:
    task = make(JobState.RUNNING)
    waits = threading.Event()
    ended: list[bool] = []

    def wait() -> None:
        waits.set()
        ended.append(task.wait())

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    waits.wait()
    task.move(JobState.FAILED)
    for thread in threads:
        thread.join()
    assert ended == [True] * 5


@pytest.mark.parametrize("timeout", [0, 0.001, -1])
def test_waiting_with_a_limit_says_that_the_job_is_not_over(timeout: float) -> None:
    assert not make(JobState.RUNNING).wait(timeout)


@pytest.mark.parametrize("timeout", [None, 0, -1, 1e300, math.inf])
def test_waiting_for_a_job_that_is_over_is_over_at_once(timeout: float | None) -> None:
    assert make(JobState.DIED).wait(timeout)


@pytest.mark.parametrize("timeout", [1e300, math.inf])
def test_any_limit_may_be_waited_for(monkeypatch: pytest.MonkeyPatch, timeout: float) -> None:
    task = make(JobState.RUNNING)
    ended = threading.Thread(target=task.move, args=(JobState.FINISHED,))
    at_the_guard(monkeypatch, ended.start)
    assert task.wait(timeout)
    ended.join()


def test_who_waits_in_short_turns_leaves_nothing_behind() -> None:
    task = make(JobState.RUNNING)
    for _ in range(10):
        task.wait(0)
    assert not task._waiters


def test_who_gives_up_waiting_takes_no_other_with_him() -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    task.when_over(lambda: calls.append(1))
    task.wait(0)
    task.move(JobState.FINISHED)
    assert calls == [1]
