"""At every beat: what a supervisor has is compared with what is known of it here.

A message that is on its way when a connection breaks may be lost, in either direction. Whatever
shows at a beat to have been lost is said again, or asked for; nothing of it does harm if it was
only late.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from . import protocol
from .crew import SupervisorRecord
from .ledger import Ledger
from .pieces import WorkerRecord
from .ticket import Ticket
from .wires import Wires


class RollCall:
    """Answers the beats of supervisors.

    Args:
        wires: To them, and to their workers.
        ledger: What the workers have to do.
        doomed: Tickets that shall be ended with a signal, and which.
    """

    def __init__(self, wires: Wires, ledger: Ledger, doomed: Mapping[Ticket, int]) -> None:
        self._wires = wires
        self._ledger = ledger
        self._doomed = doomed

    def answer(
        self, record: SupervisorRecord, workers: Collection[int], dead: Collection[int]
    ) -> None:
        """Answers a beat.

        Args:
            record: The supervisor.
            workers: The numbers of those who are there.
            dead: The numbers of those of whose end it has told already.
        """
        there = set(workers)
        gone = sorted(record.present - there - set(dead))
        self._wires.send(record.address, protocol.Beat(gone))
        for number in there - record.present:
            self._wires.send(_address(record, number), protocol.Introduce())
        if len(there) < record.workers and not dead:
            self._wires.send(record.address, protocol.Staff(record.workers))
        for number in there & record.present:
            worker = self._ledger.workers.get(_address(record, number))
            if worker is not None:
                self._remind(record, number, worker)

    def _remind(self, record: SupervisorRecord, number: int, worker: WorkerRecord) -> None:
        if worker.recalling:
            self._wires.send(record.address, protocol.Recall(number, worker.position))
        if self._doomed:
            for piece in worker.outstanding:
                if piece.ticket in self._doomed:
                    self.end(piece.ticket, worker)

    def end(self, ticket: Ticket, worker: WorkerRecord) -> None:
        """Has a supervisor end those calls of a doomed ticket that one of its workers runs."""
        supervisor, number = protocol.supervisor_of(worker.address)
        for piece in worker.outstanding:
            if piece.ticket is ticket:
                # It may be further than it has said.
                width = piece.hi - piece.lo
                end = protocol.Signal(number, piece.position, width, self._doomed[ticket])
                self._wires.send(supervisor, end)


def _address(record: SupervisorRecord, number: int) -> bytes:
    return protocol.worker_address(record.address, number)
