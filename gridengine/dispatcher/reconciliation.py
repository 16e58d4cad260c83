"""At every beat: what a supervisor has is compared with what is known of it here.

A message that is on its way when a connection breaks may be lost, in either direction. Whatever
shows at a beat to have been lost is said again, or asked for; nothing of it does harm if it was
only late.
"""

from __future__ import annotations

from collections.abc import Collection

from ..ledger.ledger import Ledger
from ..transport import messages as protocol
from ..transport.local import Wires
from .recalls import Recalls
from .staffing import SupervisorRecord


class RollCall:
    """Answers the beats of supervisors.

    Args:
        wires: To them, and to their workers.
        ledger: What the workers have to do.
        recalls: What they were told not to do.
    """

    def __init__(self, wires: Wires, ledger: Ledger, recalls: Recalls) -> None:
        self._wires = wires
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
        self._wires.send(record.address, protocol.Beat(gone))
        for number in there - record.present:
            address = protocol.worker_address(record.address, number)
            self._wires.send(address, protocol.Introduce())
        if len(there) < record.workers and not dead:
            self._wires.send(record.address, protocol.Staff(record.workers))
        for number in there & record.present:
            worker = self._ledger.workers.get(protocol.worker_address(record.address, number))
            if worker is not None:
                self._recalls.remind(worker)
