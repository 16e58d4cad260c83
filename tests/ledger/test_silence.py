"""Who is silent: lost with its node, or suspended by the batch system."""

from __future__ import annotations

import pytest

from gridengine.ledger.events import NoticeGiven
from gridengine.ledger.orders import (
    AskAbout,
    Assign,
    DeleteQueueJobs,
    Dismiss,
    StopSupervisor,
    Warn,
)
from gridengine.ledger.task import Task
from gridengine.schedulers.events import Standing, Submitted
from gridengine.settings import BLOCK_SECONDS

from .test_dispatcher_state import SETTINGS, Program, kinds

PATIENCE = SETTINGS.patience
BY = "with its queue (state S)"


@pytest.fixture
def program() -> Program:
    return Program(remote=True, linger=5.0)


@pytest.fixture
def task(program: Program) -> Task:
    """One that a worker of queue job 1.1 has been given, which falls silent."""
    [task] = program.submit()
    program.tick()
    program.state.scheduler_said(Submitted(1, ("1.1",)))
    program.supervisor()
    program.worker()
    assert [Assign] == kinds(program.tick())
    return task


def pass_by(program: Program, seconds: float) -> list[object]:
    """Lets time pass, and returns what is ordered meanwhile."""
    orders: list[object] = []
    for _ in range(int(seconds)):
        orders += program.tick(1.0)
    return orders


def warnings(orders: list[object]) -> list[str]:
    return [order.text for order in orders if isinstance(order, Warn)]


def is_lost(program: Program) -> bool:
    return not program.state.staffing.supervisors


def test_of_who_is_silent_the_batch_system_is_asked_once_and_before_he_is_lost(
    program: Program, task: Task
) -> None:
    assert pass_by(program, PATIENCE / 2) == []
    assert pass_by(program, 1) == [AskAbout(("1.1",))]
    assert pass_by(program, PATIENCE / 2 - 1) == []


def test_who_runs_by_the_batch_systems_word_is_lost_after_the_patience(
    program: Program, task: Task
) -> None:
    pass_by(program, PATIENCE - 1)
    program.state.scheduler_said(Standing(("1.1",), {}))
    assert not is_lost(program)
    assert DeleteQueueJobs(("1.1",)) in pass_by(program, 2)
    assert is_lost(program)


def test_without_an_answer_he_is_lost_after_twice_the_patience(
    program: Program, task: Task
) -> None:
    pass_by(program, 2 * PATIENCE)
    assert not is_lost(program)
    pass_by(program, 1)
    assert is_lost(program)


def test_who_is_suspended_is_waited_for_and_that_is_said_once(program: Program, task: Task) -> None:
    pass_by(program, PATIENCE / 2 + 1)
    for _ in range(3):
        program.state.scheduler_said(Standing(("1.1",), {"1.1": BY}))
    orders = pass_by(program, 1000)
    assert not is_lost(program)
    assert [f"queue job 1.1 is suspended {BY}, and may be resumed: 1 call waits until then"] == (
        warnings(orders)
    )
    assert [NoticeGiven(*warnings(orders))] == [
        event for event in program.events if isinstance(event, NoticeGiven)
    ]


def test_many_are_told_of_in_one_line(program: Program) -> None:
    names = tuple(f"1.{number}" for number in range(1, 6))
    program.submit(10)
    program.tick()
    program.state.scheduler_said(Submitted(1, names))
    for name in names:
        program.supervisor(name.encode(), name)
    program.state.scheduler_said(Standing(names, dict.fromkeys(names, BY)))
    assert warnings(program.tick(1.0)) == [
        f"5 queue jobs (1.1, 1.2, 1.3, ...) are suspended {BY}, and may be resumed"
    ]
    for name in names:
        program.state.beat(name.encode(), program.now)
    assert warnings(program.tick(1.0)) == ["5 queue jobs (1.1, 1.2, 1.3, ...) are resumed"]


def test_for_who_is_suspended_or_silent_the_end_of_the_program_does_not_wait(
    program: Program, task: Task
) -> None:
    state = program.state
    assert (state.busy(), state.staffing.staffed()) == (True, True)
    pass_by(program, PATIENCE / 2 + 1)
    assert (state.busy(), state.staffing.staffed()) == (False, False)
    state.scheduler_said(Standing(("1.1",), {"1.1": BY}))
    assert (state.busy(), state.staffing.staffed()) == (False, False)
    # It speaks again.
    program.state.beat(b"s", program.now)
    assert (state.busy(), state.staffing.staffed()) == (True, True)


def test_who_is_suspended_and_has_nothing_to_do_gets_nothing(program: Program, task: Task) -> None:
    [busy] = program.state.ledger.workers.values()
    program.supervisor(b"t", "1.2")
    idle = program.worker(b"t.0")
    names = ("1.1", "1.2")
    program.state.scheduler_said(Standing(names, dict.fromkeys(names, BY)))
    program.submit()
    orders = program.tick(1.0)
    assert [Dismiss(idle)] == [order for order in orders if isinstance(order, Dismiss)]
    assert Assign not in kinds(orders)
    assert [task] == [chunk.task for chunk in busy.outstanding]


def test_who_speaks_again_is_resumed_whatever_the_batch_system_says_later(
    program: Program, task: Task
) -> None:
    pass_by(program, PATIENCE / 2 + 1)
    program.state.scheduler_said(Standing(("1.1",), {"1.1": BY}))
    pass_by(program, 100)
    program.state.beat(b"s", program.now)
    assert warnings(pass_by(program, 1)) == ["queue job 1.1 is resumed"]
    # He is asked about again when he is silent again.
    assert AskAbout(("1.1",)) in pass_by(program, PATIENCE / 2 + 1)


def test_who_is_resumed_and_says_nothing_is_lost_after_the_patience(
    program: Program, task: Task
) -> None:
    pass_by(program, PATIENCE / 2 + 1)
    program.state.scheduler_said(Standing(("1.1",), {"1.1": BY}))
    pass_by(program, 100)
    program.state.scheduler_said(Standing(("1.1",), {}))
    pass_by(program, PATIENCE - 1)
    assert not is_lost(program)
    program.state.scheduler_said(Standing(("1.1",), {}))
    pass_by(program, 3)
    assert is_lost(program)


def test_who_was_taken_for_lost_and_speaks_again_is_stopped_and_his_answer_is_dropped(
    program: Program, task: Task
) -> None:
    [worker] = program.state.ledger.workers.values()
    pass_by(program, 3 * PATIENCE)
    program.settle(2.0)
    assert is_lost(program)
    program.supervisor(b"t", "1.2")
    other = program.worker(b"t.0")
    assert Assign in kinds(program.tick())
    program.state.beat(b"s", program.now)
    assert StopSupervisor(b"s") in program.tick()
    program.answer(worker, task, attempt=1)
    assert not task.over
    program.answer(other, task, attempt=2)
    assert task.over


def test_on_this_host_nobody_is_asked() -> None:
    program = Program()
    program.at_work()
    assert AskAbout not in kinds(pass_by(program, PATIENCE))  # type: ignore[arg-type]
    pass_by(program, 1)
    assert is_lost(program)


def test_who_speaks_by_a_slow_way_has_longer_and_nobody_else(program: Program, task: Task) -> None:
    program.supervisor(b"slow", "1.2")
    program.state.scheduler_said(Submitted(1, ("1.2",)))
    program.state.allow_for(0.2, lambda address: 3 * PATIENCE if address == b"slow" else 0.0)
    pass_by(program, 2 * PATIENCE + 1)
    assert [*program.state.staffing.supervisors] == [b"slow"]
    assert program.state.ledger.lead.block == 0.2
    # Its way is as quick as all others from now on.
    program.state.allow_for(0.0, lambda address: 0.0)
    pass_by(program, 1)
    assert is_lost(program)
    assert program.state.ledger.lead.block == BLOCK_SECONDS
