"""Jobs that are not wanted any more: waiting ones are taken back, running ones may be ended."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import JobCancelled
from ..states import JobState
from .ledger import Ledger
from .observers import Observers
from .orders import Order, SignalCalls
from .records import WorkerRecord
from .task import Place, Task


class Cancellation:
    """Takes back what the program, or a failure, has made unwanted: any number at once.

    Args:
        ledger: What the workers have, and what waits.
        orders: What is to be done is added to it.
        observers: Who hears of events.
    """

    def __init__(self, ledger: Ledger, orders: list[Order], observers: Observers) -> None:
        self._ledger = ledger
        self._orders = orders
        self._observers = observers
        # Tasks that shall end by a signal, and which some workers still have.
        self._ending: set[Task] = set()

    def kill(self, tasks: Iterable[Task], signum: int) -> None:
        """Takes tasks back; those that run are ended with a signal."""
        wanted = [task for task in tasks if not task.over]
        for task, holders in self._ledger.holders(wanted).items():
            task.exit_signal = signum
            self._ledger.withdraw(task)
            if not holders:
                self._end(task, f"job {task.name!r} was cancelled before it ran")
                continue
            self._ending.add(task)
            self._take_back(holders)
            for worker in holders:
                self._signal(task, worker, signum)

    def end_all(self, signum: int, error: JobCancelled) -> None:
        """Ends with a signal what runs, wanted or not, and with ``error`` what waits."""
        for task, holders in self._ledger.holders(self._ledger.tasks()).items():
            task.exit_signal = signum
            self._ledger.withdraw(task)
            if holders:
                self._ending.add(task)
            else:
                self._end_with(task, error)
        busy = [worker for worker in self._ledger.workers.values() if worker.outstanding]
        self._take_back(busy)
        for worker in busy:
            for task in {chunk.task for chunk in worker.outstanding}:
                self._signal(task, worker, signum)

    def drop(self, tasks: Iterable[Task]) -> None:
        """Cancels tasks; a call that runs already may end, but nobody hears of it."""
        wanted = [task for task in tasks if not task.over]
        for task in wanted:
            self._end(task, f"job {task.name!r} was cancelled")
        self.take_back_rest(wanted)

    def take_back_rest(self, tasks: Iterable[Task]) -> None:
        """Takes back what is left of tasks that are over before all calls were answered for."""
        for task, holders in self._ledger.holders(tasks).items():
            self._ledger.withdraw(task)
            self._take_back(holders)

    def end_given_back(self) -> None:
        """Ends the tasks that shall end by a signal and that no worker has any more."""
        if not self._ending:
            return
        over = {task for task in self._ending if task.over}
        self._ending -= over
        for task, holders in self._ledger.holders(self._ending).items():
            if not holders:
                self._ending.discard(task)
                self._end(task, f"job {task.name!r} was cancelled before it ran")

    def ended(self, task: Task, place: Place) -> None:
        """Ends a task whose worker was ended for that with a signal."""
        self._end(
            task,
            f"job {task.name!r} was ended on {place.host} (process {place.pid}) by the program, "
            f"with signal {task.exit_signal}",
        )
        self.take_back_rest([task])

    def _end(self, task: Task, why: str) -> None:
        self._end_with(task, JobCancelled(why))

    def _end_with(self, task: Task, error: JobCancelled) -> None:
        task.end(JobState.CANCELLED, error)
        if self._observers.callbacks:
            self._observers.job_ended(task)

    def _take_back(self, holders: Iterable[WorkerRecord]) -> None:
        for worker in holders:
            if not worker.recalling:
                self._orders.append(self._ledger.recall(worker))

    def _signal(self, task: Task, worker: WorkerRecord, signum: int) -> None:
        for chunk in worker.outstanding:
            if chunk.task is task:
                # It may be further than it has said.
                width = chunk.hi - chunk.lo
                self._orders.append(SignalCalls(worker, chunk.position, width, signum))
