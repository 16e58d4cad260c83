"""What the dispatcher's thread does: messages to ledger events, ledger orders to messages.

The `Clerk` keeps the `Ledger` (who does what) and asks the `Crew` (who is there); `Wires` carry
its messages. All of it is called by one thread, that of `gridengine.dispatcher.dispatcher`, and
unpickles nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from ..errors import JobCancelled, SchedulerError
from ..ledger.ledger import Ledger, transit
from ..ledger.records import Assignment, WorkerRecord
from ..ledger.task import Place, Ticket, outcome_of
from ..logs import Log
from ..schedulers.base import Scheduler
from ..settings import BLOCK_SECONDS, Settings
from ..states import JobState
from ..transport import messages as protocol
from ..transport.local import Wires
from ..transport.shared_memory import Arena
from .deaths import Undertaker
from .recalls import Recalls
from .reconciliation import RollCall
from .staffing import Crew, Hopeless, Loss, SupervisorRecord
from .task_messages import Blocks

log = Log(__name__)

#: Bytes per second that a network is given credit for, before a block that is on its way to an
#: idle worker counts as lost.
_SLOWEST = 1e6

#: Bytes per second that each worker of a cluster is likely to get of the network, when all are
#: served at once. What is still on its way is not taken back to be sent to somebody else.
_LIKELY = 5e6

#: Workers whose supervisor has not been heard yet, that are remembered. It says so within
#: milliseconds; a peer that makes up names shall not fill the memory with them.
_EARLY = 10_000


#: Turns in which ends are not settled because more is there to be read, one after the other.
_TURNS = 20


class Clerk:
    """Serves the tickets of one hub.

    Args:
        wires: To the supervisors and workers.
        crew: Hires and dismisses them.
        scheduler: What they are workers of.
        settings: The numbers.
        arena: Memory that the workers on this host see too.

    Attributes:
        ledger: The book.
    """

    def __init__(
        self,
        wires: Wires,
        crew: Crew,
        scheduler: Scheduler,
        settings: Settings,
        arena: Arena | None = None,
    ) -> None:
        self._wires = wires
        self._crew = crew
        self._scheduler = scheduler
        self._settings = settings
        self.ledger = Ledger(
            settings.infrastructure_retries,
            fresh=scheduler.fresh,
            bandwidth=_LIKELY if scheduler.remote else math.inf,
        )
        self._blocks = Blocks(arena)
        self._recalls = Recalls(wires, self.ledger)
        self._rollcall = RollCall(wires, self.ledger, self._recalls)
        self._undertaker = Undertaker(
            crew, self.ledger, self._blocks, self._recalls,
            remote=scheduler.remote, fresh=scheduler.fresh,
        )  # fmt: skip
        self._places = self._undertaker.places
        self._early: dict[bytes, protocol.Ready] = {}
        self._idle_since: dict[bytes, float] = {}
        self._look = 0.0
        self._unsettled = 0
        self._due = 0.0

    # ------------------------------------------------------------------ from time to time

    def hand_out(self, now: float) -> None:
        """Puts waiting work to work, and does what has no event."""
        if self._recalls.doomed:
            # What came back from a worker meanwhile shall not go to another one.
            self._cancel_waiting(set(self._recalls.doomed))
        for order in self.ledger.assign(now):
            self._send(order)
        for worker in self.ledger.out_of_time():
            self._wires.send(worker.address, protocol.Leave())
        if now >= self._look:
            self._look = now + self._look_around(now)
        for kind in self.ledger.kinds():
            try:
                self._crew.staff(kind, self.ledger.wanted(kind), self._set_staff)
            except SchedulerError as error:
                self._understand(Hopeless(kind, str(error)))

    def _look_around(self, now: float) -> float:
        """Does what has no event; returns the seconds until the next time."""
        for loss in self._crew.silent(now):
            self._undertaker.lose(loss, now)
        for worker in self.ledger.recalls(now):
            self._recalls.balance(worker)
        self._dismiss_idle(now)
        for worker in self.ledger.workers.values():
            self._say_released(worker)
        self._tidy(now)
        return BLOCK_SECONDS if self.ledger.lopsided() else min(0.5, self._settings.heartbeat)

    def _tidy(self, now: float) -> None:
        """Gives memory back that nobody has needed for a while."""
        if now >= self._due:
            self._due = now + self._settings.heartbeat
            self._blocks.trim()

    def _dismiss_idle(self, now: float) -> None:
        linger = self._scheduler.linger
        if linger is None:
            return
        idle: dict[bytes, float] = {}
        for kind in self._crew.known_kinds():
            if self.ledger.backlog(kind):
                continue
            self._crew.dismiss_pending(kind)
            for worker in self.ledger.idle_since(kind):
                since = idle[worker.address] = self._idle_since.get(worker.address, now)
                if now - since >= linger:
                    self.ledger.retire(worker)
                    self._wires.send(worker.address, protocol.Leave())
        self._idle_since = idle

    def _set_staff(self, supervisor: bytes, workers: int) -> None:
        self._wires.send(supervisor, protocol.Staff(workers))

    def patience(self, now: float) -> float:
        """Returns the seconds until `hand_out` must be called again, whatever happens."""
        return max(0.0, min(self._look, self._undertaker.due()) - now)

    # ------------------------------------------------------------------ to the workers

    def _send(self, order: Assignment) -> None:
        address = order.worker.address
        block, frames = self._blocks.block(order, self._places[address])
        self._wires.send(address, block, frames)

    def forget(self, key: bytes) -> None:
        """Has all workers let go of a function, and of the arrays in it."""
        for address in self._blocks.forget(key):
            worker = self.ledger.workers.get(address)
            if worker is not None:
                self._send_nothing(worker, [key], [])

    def _say_released(self, worker: WorkerRecord) -> None:
        """Tells a worker that has nothing to do what of its memory it may use again."""
        released = [] if worker.outstanding else self._blocks.released(worker.address)
        if released:
            self._send_nothing(worker, [], released)

    def _send_nothing(self, worker: WorkerRecord, forget: list[bytes], released: list[int]) -> None:
        """Sends a block without work, for what else is in it."""
        nothing = protocol.Run(worker.block, worker.position, [], forget, [], [], released)
        self._wires.send(worker.address, nothing)

    # ------------------------------------------------------------------ from the workers

    def listen(self) -> None:
        """Takes in what supervisors and workers have said."""
        now = time.monotonic()
        for address, message, frames in self._wires.receive():
            try:
                self._hear(address, message, frames, now)
            except (ValueError, KeyError, IndexError) as error:
                self._wires.complain(address, f"dropped nonsense: {error!r}")
        # Not before all that the dead had sent while they lived; but who floods this program shall
        # not keep it from ever seeing an end.
        self._unsettled = self._unsettled + 1 if self._wires.more else 0
        if self._unsettled % _TURNS == 0:
            self._undertaker.settle(now)

    def _hear(
        self, address: bytes, message: protocol.ToHost, frames: list[Any], now: float
    ) -> None:
        if type(message) is protocol.Done:
            worker = self.ledger.workers.get(address)
            if worker is not None:
                self._record(worker, message, frames, now)
        elif isinstance(message, protocol.Beat):
            self._hear_of_life(address, message, now)
        elif isinstance(message, protocol.Ready):
            self._welcome_worker(address, message, now)
        elif isinstance(message, protocol.Supervising):
            self._welcome_supervisor(address, message, now)
        elif isinstance(message, protocol.Idle):
            self._hear_of_rest(address, message.block, now)
        elif isinstance(message, protocol.Died):
            self._undertaker.hear(address, message, now)
        elif isinstance(message, protocol.Recalled):
            worker_address = protocol.worker_address(address, message.worker)
            self.ledger.recalled(worker_address, message.position, message.end, now)
        elif isinstance(message, protocol.Missed):
            self._blocks.knows_nothing(address)
            self.ledger.missed(address, message.ticket, message.attempt)
        elif isinstance(message, protocol.Probe):
            self._wires.send(address, protocol.Here(protocol.VERSION))

    def _hear_of_life(self, address: bytes, message: protocol.Beat, now: float) -> None:
        record = self._crew.supervisors.get(address)
        if record is not None:
            record.heard = now
            self._rollcall.answer(record, message.workers, self._undertaker.unburied(record))
        elif self._crew.was_lost(address):
            self._wires.send(address, protocol.Stop())
        else:
            self._wires.send(address, protocol.Introduce())

    def _hear_of_rest(self, address: bytes, block: int, now: float) -> None:
        worker = self.ledger.workers.get(address)
        if worker is None:
            return
        if not worker.outstanding:
            if worker.leaving:
                self._wires.send(address, protocol.Leave())
            return
        on_its_way = block < worker.block
        patience = self._settings.patience + transit(worker, _SLOWEST)
        if on_its_way and now - worker.heard < patience:
            return
        # Lost with a connection that broke, and what was in it of functions too.
        self._blocks.knows_nothing(address)
        if on_its_way:
            self._recalls.say(self.ledger.recall(worker))
        else:
            self.ledger.idle(address, block, now)

    def _record(
        self, worker: WorkerRecord, message: protocol.Done, frames: list[Any], now: float
    ) -> None:
        self._blocks.give_back(worker.address, message.released)
        self._blocks.borrow(worker.address, frames, message.shared)
        _check(message, frames)
        try:
            self._record_all(worker, message.results, frames, now)
        finally:
            self.ledger.answered(worker)

    def _record_all(
        self, worker: WorkerRecord, results: list[protocol.Result], frames: list[Any], now: float
    ) -> None:
        place = self._places[worker.address]
        own: Sequence[Any] = ()
        at = 0
        for result in results:
            if frames:
                own = frames[at : at + result.frames]
                at += result.frames
            ticket = self.ledger.done(
                worker, result.ticket, result.attempt, result.lo, result.hi,
                wall=result.wall, failed=bool(result.failures), now=now,
            )  # fmt: skip
            if ticket is None:
                continue
            payload = result.payload
            if not payload and own:
                payload, own = own[0], own[1:]
            ticket.record(
                outcome_of(
                    (
                        result.lo, result.hi, payload, own, result.failures,
                        result.wall, result.cpu, result.peak_memory, place,
                    )
                )
            )  # fmt: skip
            if ticket.size > 1 and ticket.over and ticket.missing:
                self._recalls.take_back(ticket)

    def _welcome_supervisor(
        self, address: bytes, message: protocol.Supervising, now: float
    ) -> None:
        if message.version != protocol.VERSION:
            self._wires.complain(
                address, f"a supervisor on {message.host} speaks another version of the protocol"
            )
            self._wires.send(address, protocol.Stop())
            return
        if self._crew.was_lost(address):
            self._wires.send(address, protocol.Stop())
            return
        if address in self._crew.supervisors:
            return
        if message.kind not in self._crew.known_kinds():
            raise ValueError(f"no supervisor of this program's: {message}")
        record = SupervisorRecord(
            address, message.queue_job, message.kind, message.host, message.pid, now
        )
        if message.time_left:
            record.deadline = now + message.time_left
        self._crew.arrived(record)
        early, self._early = self._early, {}
        for worker, ready in early.items():
            self._welcome_worker(worker, ready, now)

    def _welcome_worker(self, address: bytes, message: protocol.Ready, now: float) -> None:
        supervisor = self._crew.supervisors.get(protocol.supervisor_of(address)[0])
        if supervisor is None:
            # Its supervisor, on a connection of its own, has not been heard yet.
            self._early[address] = message
            if len(self._early) > _EARLY:
                del self._early[next(iter(self._early))]
            return
        if address in self.ledger.workers:
            return
        try:
            self._blocks.arrived(address, message.arena)
        except OSError as error:
            # As a rule it has died since, and its supervisor will say so.
            self._wires.complain(address, f"no worker: its memory cannot be seen: {error}")
            return
        supervisor.present.add(protocol.supervisor_of(address)[1])
        self._places[address] = Place(supervisor.host, message.pid, supervisor.queue_job)
        self.ledger.joined(
            address, supervisor.kind, now, deadline=supervisor.deadline, team=supervisor.address
        )

    # ------------------------------------------------------------------ from the scheduler

    def hear_scheduler(self) -> None:
        """Takes in what the scheduler has said."""
        for news in self._crew.events():
            self._understand(news)

    def _understand(self, news: Loss | Hopeless) -> None:
        if isinstance(news, Loss):
            self._undertaker.lose(news, time.monotonic())
            return
        if self.ledger.staff(news.kind):
            log.warning("no more workers can be had: %s", news.reason)
            return
        for ticket in self.ledger.give_up(news.kind):
            if not ticket.over:
                ticket.error = SchedulerError(news.reason)
                ticket.move(JobState.FAILED)

    # ------------------------------------------------------------------ taking back

    def cancel(self, tickets: list[Ticket]) -> None:
        """Takes tickets back; running ones are killed."""
        self._cancel_waiting(set(tickets))
        for ticket in tickets:
            self.signal(ticket, 9)

    def _cancel_waiting(self, tickets: set[Ticket]) -> None:
        for ticket in self.ledger.cancel_waiting(tickets):
            ticket.error = JobCancelled(f"job {ticket.name!r} was cancelled before it ran")
            ticket.move(JobState.CANCELLED)

    def drop(self, tickets: list[Ticket]) -> None:
        """Cancels tickets; a call that runs already may end, but nobody hears of it."""
        self._cancel_waiting(set(tickets))
        for ticket in tickets:
            if not ticket.over:
                ticket.error = JobCancelled(f"job {ticket.name!r} was cancelled")
                ticket.move(JobState.CANCELLED)
                self._recalls.take_back(ticket)

    def signal(self, ticket: Ticket, signum: int) -> None:
        """Ends one job with a signal, or takes it back if it does not run."""
        self._cancel_waiting({ticket})
        if ticket.over:
            return
        self._recalls.doom(ticket, signum)

    def abandon(self, error: Exception) -> None:
        """Ends all tickets with ``error``."""
        for ticket in self.ledger.tickets():
            ticket.error = error
            ticket.move(JobState.CANCELLED if isinstance(error, JobCancelled) else JobState.FAILED)

    def close(self) -> None:
        """Lets go of the workers' memory."""
        self._blocks.close()

    def say_goodbye(self) -> None:
        """Tells all supervisors to stop."""
        for address in self._crew.supervisors:
            self._wires.send(address, protocol.Stop())


def _check(message: protocol.Done, frames: list[Any]) -> None:
    """Looks at what the types of a message do not say.

    Raises:
        ValueError: It speaks of frames, or of calls, that it is not about.
    """
    announced = 0
    for result in message.results:
        announced += result.frames
        if (
            result.failures
            and not result.lo <= min(result.failures) <= max(result.failures) < result.hi
        ):
            raise ValueError("failures of calls that were not answered for")
    if announced != len(frames):
        raise ValueError(f"{announced} frames announced, {len(frames)} sent")
