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
from ..ledger.task import Outcome, Place, Task
from ..schedulers.events import End
from ..states import DeathCause, JobState
from ..transport import messages
from . import certificates as certificates
from .recalls import Recalls
from .staffing import Loss, Staffing, SupervisorRecord
from .task_messages import Blocks

#: Seconds for which a kill from outside is held back on a cluster: the batch system kills a
#: whole queue job at once, so that the supervisor's last word is "killed", and says why only then.
_SECOND_OPINION = 1.5


class Deaths:
    """Takes in who died, and settles their jobs.

    Args:
        staffing: Who was there.
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
        staffing: Staffing,
        ledger: Ledger,
        blocks: Blocks,
        recalls: Recalls,
        *,
        remote: bool,
        fresh: bool,
    ) -> None:
        self._staffing = staffing
        self._ledger = ledger
        self._blocks = blocks
        self._recalls = recalls
        self._remote = remote
        self._fresh = fresh
        self._deaths: list[tuple[float, SupervisorRecord, messages.Died]] = []
        self._losses: dict[bytes, tuple[float, Loss]] = {}
        self.places: dict[bytes, Place] = {}

    def hear(self, address: bytes, message: messages.Died, now: float) -> None:
        """Takes in what a supervisor says of the end of one of its workers."""
        supervisor = self._staffing.supervisors.get(address)
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

    def _settle_death(self, supervisor: SupervisorRecord, message: messages.Died) -> None:
        if message.status == 0 and not message.reason and not self._fresh:
            supervisor.workers = max(0, supervisor.workers - 1)
        supervisor.present.discard(message.worker)
        self._bury(
            messages.worker_address(supervisor.address, message.worker),
            certificates.end_of(message),
            position=message.position,
            width=message.width,
            final=message.reason in (certificates.TIMEOUT, certificates.SIGNAL),
            timed_out=message.reason == certificates.TIMEOUT,
            output=message.output,
        )

    def lose(self, loss: Loss, now: float) -> None:
        """A supervisor is gone with its workers: so says the scheduler, or its silence."""
        self._losses[loss.supervisor.address] = now, loss
        for number in loss.supervisor.present:
            self._retire(loss.supervisor, number)

    def _retire(self, supervisor: SupervisorRecord, number: int) -> None:
        worker = self._ledger.workers.get(messages.worker_address(supervisor.address, number))
        if worker is not None:
            self._ledger.retire(worker)

    def _settle_loss(self, loss: Loss) -> None:
        supervisor, end = loss.supervisor, loss.end
        self._deaths = [entry for entry in self._deaths if entry[1] is not supervisor]
        for number in sorted(supervisor.present):
            address = messages.worker_address(supervisor.address, number)
            worker = self._ledger.workers.get(address)
            first = worker is not None and worker.ran == 0
            # With all the time there is for itself, it will not end the next time either.
            final = first and end.cause is DeathCause.OVER_TIME
            self._bury(
                address,
                end,
                blame=final or certificates.is_the_jobs_fault(end),
                final=final,
                output=self._staffing.log_of(supervisor.queue_job),
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
            task = verdict.task
            if task.over:
                continue
            if task in self._recalls.killed:
                self._end_killed(task, place)
            elif timed_out:
                self._fail(verdict, place, certificates.timeout_of(task, place))
            else:
                self._fail(
                    verdict, place, certificates.certificate(verdict, place, end, output, now)
                )

    def _fail(self, verdict: Verdict, place: Place, failure: Death | BaseException) -> None:
        task, index = verdict.task, verdict.index
        task.record(Outcome(index, index + 1, b"", (), {index: failure}, 0.0, 0.0, 0, place))
        if task.over and task.missing:
            self._recalls.take_back(task)

    def _end_killed(self, task: Task, place: Place) -> None:
        signum = self._recalls.killed[task]
        task.exit_signal = signum
        task.error = JobCancelled(
            f"job {task.name!r} was ended on {place.host} (process {place.pid}) by the program, "
            f"with signal {signum}"
        )
        task.move(JobState.CANCELLED)
        self._recalls.take_back(task)
