"""Work that is taken back from those who have it: unbegun, unwanted, or to be ended."""

from __future__ import annotations

from ..ledger.ledger import Ledger
from ..ledger.records import WorkerRecord
from ..ledger.task import Ticket
from ..transport import messages as protocol
from ..transport.local import Wires


class Recalls:
    """Tells supervisors what their workers shall not do any more.

    Args:
        wires: To them.
        ledger: What the workers have.

    Attributes:
        doomed: Tickets that shall be ended with a signal, and which.
    """

    def __init__(self, wires: Wires, ledger: Ledger) -> None:
        self._wires = wires
        self._ledger = ledger
        self.doomed: dict[Ticket, int] = {}

    def order(self, worker: WorkerRecord) -> None:
        """Has a worker begin nothing more of what it has, unless it was told so already."""
        if not worker.recalling:
            self.say(self._ledger.recall(worker))

    def say(self, worker: WorkerRecord) -> None:
        """Says, the first time or again, that a worker shall begin nothing more."""
        supervisor, number = protocol.supervisor_of(worker.address)
        self._wires.send(supervisor, protocol.Recall(number, worker.position))

    def balance(self, worker: WorkerRecord) -> None:
        """Takes back what a worker has beside that which it runs, or waits for first."""
        supervisor, number = protocol.supervisor_of(worker.address)
        first = worker.outstanding[0]
        keep = first.position + first.hi - first.lo
        recall = protocol.Recall(number, worker.position, first.position, keep)
        self._wires.send(supervisor, recall)

    def take_back(self, ticket: Ticket) -> None:
        """The rest of a ticket that is over is no longer wanted."""
        for worker in self._ledger.cancel(ticket):
            self.order(worker)

    def doom(self, ticket: Ticket, signum: int) -> None:
        """Ends a ticket that has been handed out with a signal."""
        self.doomed[ticket] = signum
        ticket.when_over(lambda: self.doomed.pop(ticket, None))
        for worker in self._ledger.workers.values():
            if any(piece.ticket is ticket for piece in worker.outstanding):
                self.order(worker)
                self._end(ticket, worker)

    def remind(self, worker: WorkerRecord) -> None:
        """Says once more what may have been lost on the way."""
        if worker.recalling:
            self.say(worker)
        if self.doomed:
            for ticket in {piece.ticket for piece in worker.outstanding} & self.doomed.keys():
                self._end(ticket, worker)

    def _end(self, ticket: Ticket, worker: WorkerRecord) -> None:
        supervisor, number = protocol.supervisor_of(worker.address)
        for piece in worker.outstanding:
            if piece.ticket is ticket:
                # It may be further than it has said.
                width = piece.hi - piece.lo
                end = protocol.Signal(number, piece.position, width, self.doomed[ticket])
                self._wires.send(supervisor, end)
