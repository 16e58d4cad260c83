"""When queue jobs are asked for, how many of them, and when their places are given up."""

from __future__ import annotations

import math

import pytest

from gridengine.ledger.capacity import Capacity
from gridengine.ledger.orders import (
    Assign,
    DeleteQueueJobs,
    Dismiss,
    Order,
    RequestQueueJobs,
    StopSupervisor,
)
from gridengine.ledger.records import WorkerRecord
from gridengine.schedulers.events import End, Ended, Submitted

from .test_dispatcher_state import Program

LIFETIME = 60.0


@pytest.fixture
def program() -> Program:
    """On a cluster, with places for a hundred workers."""
    return Program(Capacity(1, 100, LIFETIME), remote=True, linger=5.0)


def requests(orders: list[Order]) -> list[int]:
    return [order.count for order in orders if isinstance(order, RequestQueueJobs)]


def ask(program: Program, calls: int) -> tuple[str, ...]:
    """Has queue jobs be asked for, and taken by the batch system; returns their names."""
    program.submit(calls)
    program.tick()
    [order] = [each for each in program.tick(0.1) if isinstance(each, RequestQueueJobs)]
    names = tuple(f"{order.batch}.{number + 1}" for number in range(order.count))
    program.state.scheduler_said(Submitted(order.batch, names))
    return names


def address_of(queue_job: str) -> bytes:
    return queue_job.replace(".", "-").encode()


def start(program: Program, queue_job: str) -> WorkerRecord:
    address = program.supervisor(address_of(queue_job), queue_job)
    return program.worker(address + b".0")


def finish(program: Program, worker: WorkerRecord) -> None:
    while worker.outstanding:
        program.answer(worker, worker.outstanding[0].task)


def deleted(orders: list[Order]) -> list[str]:
    return [
        name for each in orders if isinstance(each, DeleteQueueJobs) for name in each.queue_jobs
    ]


# ---------------------------------------------------------------------- one array


def test_what_is_needed_within_a_moment_is_asked_for_at_once(program: Program) -> None:
    for _ in range(10):
        program.submit(5)
        assert requests(program.tick(0.01)) == []
    assert requests(program.tick(0.06)) == [50]


def test_a_need_that_grows_and_grows_is_told_all_the_same(program: Program) -> None:
    asked: list[int] = []
    for _ in range(60):
        program.submit(1)
        asked += requests(program.tick(0.01))
    assert len(asked) == 1
    assert asked[0] >= 50


def test_the_dispatcher_wakes_to_tell_a_need(program: Program) -> None:
    program.submit(1)
    program.tick()
    assert program.state.due(program.now) <= program.now + 0.06


def test_a_need_that_is_no_more_is_not_told_and_nobody_wakes_for_it(program: Program) -> None:
    tasks = program.submit(3)
    program.tick()
    program.state.cancellation.kill(tasks, 9)
    assert requests(program.tick(0.1)) == []
    assert program.state.staffing.due() == math.inf


def test_on_this_host_nothing_is_waited_for() -> None:
    program = Program(Capacity(1, 100))
    program.submit(3)
    assert requests(program.tick()) == [3]


# ---------------------------------------------------------------------- no more than are of use


def test_queue_jobs_for_which_no_calls_are_left_are_deleted_the_last_ones_first(
    program: Program,
) -> None:
    names = ask(program, 10)
    workers = [start(program, name) for name in names[:2]]
    for _ in range(3):
        program.tick()
        for worker in workers:
            finish(program, worker)
    # Six are done: two of the last four can be begun by those who are there.
    program.tick()
    assert deleted(program.tick(1.0)) == []
    assert deleted(program.tick(5.0)) == list(names[-6:])
    assert program.tick(6.0) == []


def test_a_surplus_that_passes_costs_no_queue_job(program: Program) -> None:
    names = ask(program, 4)
    worker = start(program, names[0])
    program.tick()
    finish(program, worker)
    program.tick(1.0)
    program.submit(1)
    for _ in range(20):
        orders = program.tick(1.0)
        program.state.beat(address_of(names[0]), program.now)
        assert deleted(orders) == []


# ---------------------------------------------------------------------- a lifetime


def test_a_worker_that_has_had_its_time_leaves_between_two_jobs(program: Program) -> None:
    names = ask(program, 3)
    worker = start(program, names[0])
    program.tick()
    program.state.beat(address_of(names[0]), program.now + LIFETIME)
    assert Dismiss(worker) not in program.tick(LIFETIME + 1)
    program.answer(worker, worker.outstanding[0].task)
    orders = program.tick()
    assert Dismiss(worker) in orders
    assert not any(isinstance(order, Assign) for order in orders)


def test_its_place_is_asked_for_anew_at_once(program: Program) -> None:
    names = ask(program, 2)
    workers = [start(program, name) for name in names]
    program.tick()
    program.submit(2)
    assert requests(program.tick()) == []
    program.now += LIFETIME
    for worker in workers:
        program.state.beat(worker.supervisor.address, program.now)
        finish(program, worker)
    orders = program.tick()
    assert {each.worker for each in orders if isinstance(each, Dismiss)} == set(workers)
    assert requests(orders + program.tick(0.1)) == [2]


def test_not_more_at_one_time_than_are_allowed(program: Program) -> None:
    few = Program(Capacity(1, 1, LIFETIME), remote=True, linger=5.0)
    names = ask(few, 3)
    worker = start(few, names[0])
    few.tick()
    few.now += LIFETIME
    few.state.beat(address_of(names[0]), few.now)
    finish(few, worker)
    assert Dismiss(worker) in few.tick()
    assert requests(few.tick(0.1)) == []
    few.dies(address_of(names[0]) + b".0", status=0, width=0)
    few.state.scheduler_said(Ended(names[0], End(exitcode=0)))
    few.tick()
    assert requests(few.tick(0.1)) == [1]


def test_those_that_wait_are_asked_for_anew_behind_the_jobs_of_others(program: Program) -> None:
    names = ask(program, 5)
    worker = start(program, names[0])
    program.tick()
    program.now += LIFETIME
    program.state.beat(address_of(names[0]), program.now)
    finish(program, worker)
    orders = program.tick()
    # The others shall be gone when its place is free.
    places = [type(order) for order in orders]
    assert deleted(orders) == list(names[1:])
    assert places.index(DeleteQueueJobs) < places.index(Dismiss)
    assert requests(program.tick(0.1)) == [4]


def test_what_was_asked_for_anew_a_moment_ago_stays(program: Program) -> None:
    names = ask(program, 8)
    workers = [start(program, name) for name in names[:2]]
    program.tick()
    program.now += LIFETIME
    for worker in workers:
        program.state.beat(worker.supervisor.address, program.now)
    finish(program, workers[0])
    assert len(deleted(program.tick())) == 6
    [order] = [each for each in program.tick(0.1) if isinstance(each, RequestQueueJobs)]
    again = tuple(f"{order.batch}.{number + 1}" for number in range(order.count))
    program.state.scheduler_said(Submitted(order.batch, again))
    finish(program, workers[1])
    orders = program.tick(1.0)
    assert Dismiss(workers[1]) in orders
    assert deleted(orders) == []


@pytest.mark.parametrize("early", [False, True], ids=["after its supervisor", "before it"])
def test_one_that_starts_though_it_is_being_deleted_gets_no_work(
    program: Program, early: bool
) -> None:
    names = ask(program, 2)
    worker = start(program, names[0])
    program.tick()
    program.now += LIFETIME
    program.state.beat(address_of(names[0]), program.now)
    finish(program, worker)
    assert deleted(program.tick()) == [names[1]]
    address = address_of(names[1])
    if early:
        assert program.state.worker_arrived(address + b".0", 8, "", program.now) is None
    program.supervisor(address, names[1])
    assert program.state.worker_arrived(address + b".0", 8, "", program.now) is None
    orders = program.tick()
    assert StopSupervisor(address) in orders
    assert not any(isinstance(order, Assign) for order in orders)


def test_without_a_lifetime_a_worker_stays_as_long_as_there_is_work() -> None:
    program = Program(Capacity(1, 100), remote=True, linger=5.0)
    names = ask(program, 3)
    worker = start(program, names[0])
    for _ in range(3):
        program.tick()
        program.now += 1e6
        program.state.beat(address_of(names[0]), program.now)
        assert worker.outstanding
        finish(program, worker)
