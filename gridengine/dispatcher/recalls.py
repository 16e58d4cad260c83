"""Work that is taken back from those who have it: unbegun, unwanted, or to be ended."""

from __future__ import annotations

from ..ledger.ledger import Ledger
from ..ledger.records import WorkerRecord
from ..ledger.task import Task
from ..transport import messages
from ..transport.local import Connections


class Recalls:
    """Tells supervisors what their workers shall not do any more.

    Args:
        connections: To them.
        ledger: What the workers have.

    Attributes:
        killed: Tasks that shall be ended with a signal, and which.
    """

    def __init__(self, connections: Connections, ledger: Ledger) -> None:
        self._connections = connections
        self._ledger = ledger
        self.killed: dict[Task, int] = {}

    def order(self, worker: WorkerRecord) -> None:
        """Has a worker begin nothing more of what it has, unless it was told so already."""
        if not worker.recalling:
            self.say(self._ledger.recall(worker))

    def say(self, worker: WorkerRecord) -> None:
        """Says, the first time or again, that a worker shall begin nothing more."""
        supervisor, number = messages.supervisor_of(worker.address)
        self._connections.send(supervisor, messages.Recall(number, worker.position))

    def balance(self, worker: WorkerRecord) -> None:
        """Takes back what a worker has beside that which it runs, or waits for first."""
        supervisor, number = messages.supervisor_of(worker.address)
        first = worker.outstanding[0]
        keep = first.position + first.hi - first.lo
        recall = messages.Recall(number, worker.position, first.position, keep)
        self._connections.send(supervisor, recall)

    def take_back(self, task: Task) -> None:
        """The rest of a task that is over is no longer wanted."""
        for worker in self._ledger.cancel(task):
            self.order(worker)

    def doom(self, task: Task, signum: int) -> None:
        """Ends a task that has been handed out with a signal."""
        self.killed[task] = signum
        task.when_over(lambda: self.killed.pop(task, None))
        for worker in self._ledger.workers.values():
            if any(chunk.task is task for chunk in worker.outstanding):
                self.order(worker)
                self._end(task, worker)

    def remind(self, worker: WorkerRecord) -> None:
        """Says once more what may have been lost on the way."""
        if worker.recalling:
            self.say(worker)
        if self.killed:
            for task in {chunk.task for chunk in worker.outstanding} & self.killed.keys():
                self._end(task, worker)

    def _end(self, task: Task, worker: WorkerRecord) -> None:
        supervisor, number = messages.supervisor_of(worker.address)
        for chunk in worker.outstanding:
            if chunk.task is task:
                # It may be further than it has said.
                width = chunk.hi - chunk.lo
                end = messages.Signal(number, chunk.position, width, self.killed[task])
                self._connections.send(supervisor, end)
