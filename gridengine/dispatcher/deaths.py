"""What becomes of the jobs of those who died: of workers, and of supervisors with all of theirs.

What the dead had sent while they lived may come on a connection that was looked at before the one
that told of the death. So an end is noted first, and settled when all have been looked at again.
"""

from __future__ import annotations

import bisect
import time

from ..errors import Death, JobCancelled
from ..ledger.ledger import Ledger
from ..ledger.records import Verdict
from ..ledger.task import Outcome, Place, Ticket
from ..schedulers.events import End
from ..states import DeathCause, JobState
from ..transport import messages as protocol
from . import certificates as coroner
from .recalls import Recalls
from .staffing import Crew, Loss, SupervisorRecord
from .task_messages import Blocks

#: Seconds for which a kill from outside is held back on a cluster: the batch system kills a
#: whole queue job at once, so that the supervisor's last word is "killed", and says why only then.
_SECOND_OPINION = 1.5


class Undertaker:
    """Takes in who died, and settles their jobs.

    Args:
        crew: Who was there.
        ledger: What they had to do.
        blocks: What they had in memory.
        recalls: What is no longer wanted of others.
        remote: Whether a batch system has a word to say, too.
        fresh: Whether a worker that leaves is to be replaced.

    Attributes:
        places: Where each worker is.
    """

    def __init__(
        self,
        crew: Crew,
        ledger: Ledger,
        blocks: Blocks,
        recalls: Recalls,
        *,
        remote: bool,
        fresh: bool,
    ) -> None:
        self._crew = crew
        self._ledger = ledger
        self._blocks = blocks
        self._recalls = recalls
        self._remote = remote
        self._fresh = fresh
        self._deaths: list[tuple[float, SupervisorRecord, protocol.Died]] = []
        self._losses: dict[bytes, tuple[float, Loss]] = {}
        self.places: dict[bytes, Place] = {}

    def hear(self, address: bytes, message: protocol.Died, now: float) -> None:
        """Takes in what a supervisor says of the end of one of its workers."""
        supervisor = self._crew.supervisors.get(address)
        if address in self._losses:
            supervisor = self._losses[address][1].supervisor
        # Of one that has not said its first word, or whose end was told before, nothing is known.
        if supervisor is None or message.worker not in supervisor.present:
            return
        supervisor.heard = now
        self._retire(supervisor, message.worker)
        doubtful = self._remote and message.reason == DeathCause.KILLED.value
        due = now + _SECOND_OPINION if doubtful else now
        bisect.insort(self._deaths, (due, supervisor, message), key=lambda entry: entry[0])

    def unburied(self, supervisor: SupervisorRecord) -> list[int]:
        """Returns the numbers of its workers whose death is known, and not settled yet."""
        return [died.worker for _, each, died in self._deaths if each is supervisor]

    def due(self) -> float:
        """Returns when `settle` has something to do next, infinity if nothing is known yet."""
        due = [self._deaths[0][0]] if self._deaths else []
        return min([*due, *(heard for heard, _ in self._losses.values())], default=float("inf"))

    def settle(self, now: float) -> None:
        """Settles the ends that were heard before, of which no more is to be learned."""
        while self._deaths and self._deaths[0][0] < now:
            _, supervisor, message = self._deaths.pop(0)
            self._settle_death(supervisor, message)
        if self._losses:
            told = {supervisor.address for due, supervisor, _ in self._deaths if due <= now}
            for address, (heard, loss) in list(self._losses.items()):
                # What its supervisor has said of a worker's end goes before its own.
                if heard < now and address not in told:
                    del self._losses[address]
                    self._settle_loss(loss)

    def _settle_death(self, supervisor: SupervisorRecord, message: protocol.Died) -> None:
        if message.status == 0 and not message.reason and not self._fresh:
            supervisor.workers = max(0, supervisor.workers - 1)
        supervisor.present.discard(message.worker)
        self._bury(
            protocol.worker_address(supervisor.address, message.worker),
            coroner.end_of(message),
            position=message.position,
            width=message.width,
            final=message.reason in (coroner.TIMEOUT, coroner.SIGNAL),
            timed_out=message.reason == coroner.TIMEOUT,
            output=message.output,
        )

    def lose(self, loss: Loss, now: float) -> None:
        """A supervisor is gone with its workers: so says the scheduler, or its silence."""
        self._losses[loss.supervisor.address] = now, loss
        for number in loss.supervisor.present:
            self._retire(loss.supervisor, number)

    def _retire(self, supervisor: SupervisorRecord, number: int) -> None:
        worker = self._ledger.workers.get(protocol.worker_address(supervisor.address, number))
        if worker is not None:
            self._ledger.retire(worker)

    def _settle_loss(self, loss: Loss) -> None:
        supervisor, end = loss.supervisor, loss.end
        self._deaths = [entry for entry in self._deaths if entry[1] is not supervisor]
        for number in sorted(supervisor.present):
            address = protocol.worker_address(supervisor.address, number)
            worker = self._ledger.workers.get(address)
            first = worker is not None and worker.ran == 0
            # With all the time there is for itself, it will not end the next time either.
            final = first and end.cause is DeathCause.OVER_TIME
            self._bury(
                address,
                end,
                blame=final or coroner.is_the_jobs_fault(end),
                final=final,
                output=self._crew.log_of(supervisor.queue_job),
            )

    def _bury(
        self,
        address: bytes,
        end: End,
        *,
        position: int | None = None,
        width: int = 0,
        blame: bool = True,
        final: bool = False,
        timed_out: bool = False,
        output: str = "",
    ) -> None:
        """A worker is no more; see `Ledger.ended` for what is said about it."""
        place = self.places.pop(address, None)
        if place is None:
            return
        self._blocks.gone(address)
        now = time.monotonic()
        verdicts = self._ledger.ended(
            address, position=position, width=width, blame=blame, final=final
        )
        for verdict in verdicts:
            ticket = verdict.ticket
            if ticket.over:
                continue
            if ticket in self._recalls.doomed:
                self._end_doomed(ticket, place)
            elif timed_out:
                self._fail(verdict, place, coroner.timeout_of(ticket, place))
            else:
                self._fail(verdict, place, coroner.certificate(verdict, place, end, output, now))

    def _fail(self, verdict: Verdict, place: Place, failure: Death | BaseException) -> None:
        ticket, index = verdict.ticket, verdict.index
        ticket.record(Outcome(index, index + 1, b"", (), {index: failure}, 0.0, 0.0, 0, place))
        if ticket.over and ticket.missing:
            self._recalls.take_back(ticket)

    def _end_doomed(self, ticket: Ticket, place: Place) -> None:
        signum = self._recalls.doomed[ticket]
        ticket.exit_signal = signum
        ticket.error = JobCancelled(
            f"job {ticket.name!r} was ended on {place.host} (process {place.pid}) by the program, "
            f"with signal {signum}"
        )
        ticket.move(JobState.CANCELLED)
        self._recalls.take_back(ticket)
