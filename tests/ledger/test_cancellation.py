"""What is not wanted any more: taken back, ended, and at a cost in proportion to its number."""

from __future__ import annotations

import pytest

from gridengine.errors import JobCancelled
from gridengine.ledger.cancellation import Cancellation
from gridengine.ledger.ledger import Ledger
from gridengine.ledger.observers import Observers
from gridengine.ledger.orders import Order, SignalCalls, TakeBack
from gridengine.ledger.queues import Queue
from gridengine.ledger.records import SupervisorRecord, WorkerRecord
from gridengine.ledger.task import Place, Task
from gridengine.serialization.packed import Function
from gridengine.states import JobState, Mode

FUNCTION = Function(b"f", b"", (), "f")
HERE = Place("host", 1, "1.1")


class Desk:
    """A ledger, and who takes back what it has handed out."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.orders: list[Order] = []
        self.cancellation = Cancellation(self.ledger, self.orders, Observers())

    def submit(self, count: int = 1, size: int = 1) -> list[Task]:
        mode = Mode.CALL if size == 1 else Mode.MAP
        tasks = [Task(FUNCTION, mode, b"", size=size) for _ in range(count)]
        for task in tasks:
            self.ledger.submit(task)
        return tasks

    def join(self, number: int = 0) -> WorkerRecord:
        return self.ledger.joined(SupervisorRecord(b"s%d" % number), number, HERE, 0.0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_who_waits_is_cancelled_at_once_and_is_not_handed_out(desk: Desk) -> None:
    first, second = desk.submit(2)
    desk.cancellation.kill([first], 15)
    assert first.state is JobState.CANCELLED
    assert isinstance(first.error, JobCancelled)
    desk.join()
    [order] = desk.ledger.assign(0.0)
    assert [chunk.task for chunk in order.chunks] == [second]
    assert desk.orders == []


def test_who_runs_is_taken_back_and_ended_with_the_signal(desk: Desk) -> None:
    worker = desk.join()
    [task] = desk.submit(size=5)
    desk.ledger.assign(0.0)
    desk.cancellation.kill([task], 15)
    assert not task.over
    assert desk.orders == [TakeBack(worker, 5), SignalCalls(worker, 0, 5, 15)]


def test_another_signal_is_sent_and_nothing_is_taken_back_twice(desk: Desk) -> None:
    worker = desk.join()
    [task] = desk.submit()
    desk.ledger.assign(0.0)
    desk.cancellation.kill([task], 15)
    desk.orders.clear()
    desk.cancellation.kill([task], 9)
    assert desk.orders == [SignalCalls(worker, 0, 1, 9)]


def test_what_a_worker_gives_back_of_a_killed_task_is_not_handed_out_again(desk: Desk) -> None:
    worker = desk.join()
    [task] = desk.submit(size=5)
    desk.ledger.assign(0.0)
    desk.cancellation.kill([task], 15)
    desk.ledger.recalled(worker, 0, 5, 1.0)
    assert desk.ledger.backlog(0) == 0
    desk.cancellation.end_given_back()
    assert task.state is JobState.CANCELLED


def test_a_task_that_is_dropped_is_over_though_it_runs(desk: Desk) -> None:
    worker = desk.join()
    [task] = desk.submit()
    desk.ledger.assign(0.0)
    desk.cancellation.drop([task])
    assert task.state is JobState.CANCELLED
    assert desk.orders == [TakeBack(worker, 1)]


def test_what_waits_of_a_task_that_is_half_handed_out_goes_with_it(desk: Desk) -> None:
    worker = desk.join()
    [task] = desk.submit(size=10)
    desk.ledger.assign(0.0)
    desk.ledger.recall(worker)
    desk.ledger.recalled(worker, 4, 10, 1.0)
    assert desk.ledger.backlog(0) == 6
    desk.cancellation.drop([task])
    assert desk.ledger.backlog(0) == 0


def test_who_is_over_stays_as_it_is(desk: Desk) -> None:
    [task] = desk.submit()
    desk.cancellation.drop([task])
    error = task.error
    desk.cancellation.kill([task], 9)
    desk.cancellation.drop([task])
    assert task.error is error


class CountingQueue(Queue):
    """Counts the chunks that are looked at when what is not wanted is removed."""

    looked_at = 0

    def purge(self) -> None:
        type(self).looked_at += len(self.chunks)
        super().purge()


@pytest.mark.parametrize("count", [1000, 10_000])
def test_cancelling_one_by_one_takes_steps_in_proportion_to_their_number(count: int) -> None:
    desk = Desk()
    desk.ledger._queues.of_kind[0] = queue = CountingQueue()
    CountingQueue.looked_at = 0
    tasks = desk.submit(count)
    for task in tasks:
        desk.cancellation.kill([task], 9)
    assert CountingQueue.looked_at <= 2 * count
    assert (len(queue.chunks), queue.calls) == (0, 0)


def test_cancelling_the_last_first_leaves_nothing_behind_either(desk: Desk) -> None:
    tasks = desk.submit(100)
    for task in reversed(tasks[1:]):
        desk.cancellation.kill([task], 9)
    assert desk.ledger.backlog(0) == 1
    assert desk.ledger.tasks() == [tasks[0]]
    desk.join()
    [order] = desk.ledger.assign(0.0)
    assert [chunk.task for chunk in order.chunks] == [tasks[0]]


def test_at_the_end_what_runs_is_ended_wanted_or_not_and_what_waits_hears_why(desk: Desk) -> None:
    worker = desk.join()
    [runs] = desk.submit(size=5)
    desk.ledger.assign(0.0)
    desk.cancellation.drop([runs])
    desk.orders.clear()
    [waits] = desk.submit()
    desk.cancellation.end_all(15, error := JobCancelled("closed"))
    assert waits.error is error
    signals = [each for each in desk.orders if isinstance(each, SignalCalls)]
    assert [(each.worker, each.signum) for each in signals] == [(worker, 15)]
    assert worker.outstanding
    assert desk.ledger.tasks() == []
