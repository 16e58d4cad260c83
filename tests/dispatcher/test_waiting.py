"""Waiting for the end of a task: nobody waits in vain, and every callback is called once."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable

import pytest

from gridengine.dispatcher import waiting
from gridengine.dispatcher.waiting import TURN, in_turns, wait, when_over
from gridengine.ledger.task import Task
from gridengine.serialization.packed import Function
from gridengine.states import JobState, Mode


def make(state: JobState = JobState.QUEUED, **traits: object) -> Task:
    task = Task(Function(b"f", b"", (), "f"), Mode.MAP, b"payload", (b"frame",), **traits)  # type: ignore[arg-type]
    task.state = state
    return task


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
    monkeypatch.setattr(waiting, "_guard", Guard())


def test_ctrl_c_that_comes_just_before_a_wait_is_not_lost() -> None:
    """Python has looked for signals when it comes, and the thread waits for a lock at once."""
    turns: list[float] = []

    def wait_a_turn(seconds: float) -> bool:
        turns.append(seconds)
        # Seen by the interpreter before the next turn begins.
        signal.raise_signal(signal.SIGINT)
        return False

    with pytest.raises(KeyboardInterrupt):
        in_turns(wait_a_turn, None)
    assert turns == [TURN]


def test_in_other_threads_and_with_a_timeout_turns_are_as_long_as_they_may_be() -> None:
    turns: list[float] = []

    def wait_a_turn(seconds: float) -> bool:
        turns.append(seconds)
        return True

    thread = threading.Thread(target=lambda: in_turns(wait_a_turn, None))
    thread.start()
    thread.join()
    assert in_turns(wait_a_turn, TURN / 2)
    assert turns == [threading.TIMEOUT_MAX, pytest.approx(TURN / 2, abs=TURN / 4)]
    assert not in_turns(lambda seconds: False, 0)


def test_a_callback_is_called_once_when_the_job_is_over_and_not_before() -> None:
    task = make(JobState.RUNNING)
    calls: list[JobState] = []
    when_over(task, lambda: calls.append(task.state))
    task.move(JobState.QUEUED)
    task.move(JobState.RUNNING)
    assert calls == []
    task.move(JobState.FINISHED)
    assert calls == [JobState.FINISHED]


def test_a_callback_is_called_at_once_if_the_job_is_over() -> None:
    task = make(JobState.FINISHED)
    calls: list[int] = []
    when_over(task, lambda: calls.append(1))
    assert calls == [1]


def test_all_callbacks_are_called_in_the_order_in_which_they_came() -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    for number in range(3):
        when_over(task, lambda number=number: calls.append(number))
    task.move(JobState.CANCELLED)
    assert calls == [0, 1, 2]


def test_a_callback_may_ask_for_another() -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    when_over(task, lambda: when_over(task, lambda: calls.append(1)))
    task.move(JobState.FINISHED)
    assert calls == [1]


def test_a_job_that_ends_while_a_callback_is_being_left_still_calls_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    at_the_guard(monkeypatch, lambda: task.move(JobState.FINISHED))
    when_over(task, lambda: calls.append(1))
    assert calls == [1]


def test_two_threads_that_wake_at_once_call_each_callback_once() -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    when_over(task, lambda: calls.append(1))
    when_over(task, lambda: calls.append(2))

    class Raced(list[Callable[[], object]]):
        armed = True

        def pop(self, index: int = -1) -> Callable[[], object]:  # type: ignore[override]
            if self.armed:
                # As if in another thread, just now.
                self.armed = False
                task.wake()
            return super().pop(index)

    task.waiters = Raced(task.waiters or ())
    task.move(JobState.FINISHED)
    assert calls == [1, 2]


def test_a_job_that_ends_as_somebody_begins_to_wait_does_not_keep_him(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = make(JobState.RUNNING)
    at_the_guard(monkeypatch, lambda: task.move(JobState.FINISHED))
    assert wait(task)


def test_waiting_ends_with_the_job_in_whatever_thread_it_ends() -> None:
    task = make(JobState.RUNNING)
    waits = threading.Event()
    ended: list[bool] = []

    def wait_here() -> None:
        waits.set()
        ended.append(wait(task))

    threads = [threading.Thread(target=wait_here) for _ in range(5)]
    for thread in threads:
        thread.start()
    waits.wait()
    task.move(JobState.FAILED)
    for thread in threads:
        thread.join()
    assert ended == [True] * 5


@pytest.mark.parametrize("timeout", [0, 0.001, -1])
def test_waiting_with_a_limit_says_that_the_job_is_not_over(timeout: float) -> None:
    assert not wait(make(JobState.RUNNING), timeout)


@pytest.mark.parametrize("timeout", [None, 0, -1, 1e300, math.inf])
def test_waiting_for_a_job_that_is_over_is_over_at_once(timeout: float | None) -> None:
    assert wait(make(JobState.DIED), timeout)


@pytest.mark.parametrize("timeout", [1e300, math.inf])
def test_any_limit_may_be_waited_for(monkeypatch: pytest.MonkeyPatch, timeout: float) -> None:
    task = make(JobState.RUNNING)
    ended = threading.Thread(target=task.move, args=(JobState.FINISHED,))
    at_the_guard(monkeypatch, ended.start)
    assert wait(task, timeout)
    ended.join()


def test_who_waits_in_short_turns_leaves_nothing_behind() -> None:
    task = make(JobState.RUNNING)
    for _ in range(10):
        wait(task, 0)
    assert not task.waiters


def test_who_gives_up_waiting_takes_no_other_with_him() -> None:
    task = make(JobState.RUNNING)
    calls: list[int] = []
    when_over(task, lambda: calls.append(1))
    wait(task, 0)
    task.move(JobState.FINISHED)
    assert calls == [1]
