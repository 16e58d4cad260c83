"""At every beat: what a supervisor has is compared with what is known of it here.

A message that is on its way when a connection breaks may be lost, in either direction. Whatever
shows at a beat to have been lost is said again, or asked for; nothing of it does harm if it was
only late.
"""

from __future__ import annotations

from collections.abc import Collection

from ..ledger.ledger import Ledger
from ..transport import messages
from ..transport.local import Connections
from .recalls import Recalls
from .staffing import SupervisorRecord


class Reconciliation:
    """Answers the beats of supervisors.

    Args:
        connections: To them, and to their workers.
        ledger: What the workers have to do.
        recalls: What they were told not to do.
    """

    def __init__(self, connections: Connections, ledger: Ledger, recalls: Recalls) -> None:
        self._connections = connections
        self._ledger = ledger
        self._recalls = recalls

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
        self._connections.send(record.address, messages.Beat(gone))
        for number in there - record.present:
            address = messages.worker_address(record.address, number)
            self._connections.send(address, messages.Introduce())
        if len(there) < record.workers and not dead:
            self._connections.send(record.address, messages.Staff(record.workers))
        for number in there & record.present:
            worker = self._ledger.workers.get(messages.worker_address(record.address, number))
            if worker is not None:
                self._recalls.remind(worker)
