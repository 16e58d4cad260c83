"""What the dispatcher's thread does: messages to ledger events, ledger orders to messages.

`Handlers` keep the `Ledger` (who does what) and ask the `Staffing` (who is there); `Connections`
carry their messages. One thread calls all of it, that of `gridengine.dispatcher.dispatcher`, and it
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
from ..ledger.task import Place, Task, outcome_of
from ..logs import Log
from ..schedulers.base import Scheduler
from ..settings import BLOCK_SECONDS, Settings
from ..states import JobState
from ..transport import messages
from ..transport.local import Connections
from ..transport.shared_memory import Arena
from .deaths import Deaths
from .recalls import Recalls
from .reconciliation import Reconciliation
from .staffing import Hopeless, Loss, Staffing, SupervisorRecord
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


class Handlers:
    """Serves the tasks of one dispatcher.

    Args:
        connections: To the supervisors and workers.
        staffing: Hires and dismisses them.
        scheduler: What they are workers of.
        settings: The numbers.
        arena: Memory that the workers on this host see too.

    Attributes:
        ledger: The book.
    """

    def __init__(
        self,
        connections: Connections,
        staffing: Staffing,
        scheduler: Scheduler,
        settings: Settings,
        arena: Arena | None = None,
    ) -> None:
        self._connections = connections
        self._staffing = staffing
        self._scheduler = scheduler
        self._settings = settings
        self.ledger = Ledger(
            settings.infrastructure_retries,
            fresh=scheduler.fresh,
            bandwidth=_LIKELY if scheduler.remote else math.inf,
        )
        self._blocks = Blocks(arena)
        self._recalls = Recalls(connections, self.ledger)
        self._reconciliation = Reconciliation(connections, self.ledger, self._recalls)
        self._deaths = Deaths(
            staffing, self.ledger, self._blocks, self._recalls,
            remote=scheduler.remote, fresh=scheduler.fresh,
        )  # fmt: skip
        self._places = self._deaths.places
        self._early: dict[bytes, messages.Ready] = {}
        self._idle_since: dict[bytes, float] = {}
        self._look = 0.0
        self._unsettled = 0
        self._due = 0.0

    # ------------------------------------------------------------------ from time to time

    def hand_out(self, now: float) -> None:
        """Puts waiting work to work, and does what has no event."""
        if self._recalls.killed:
            # What came back from a worker meanwhile shall not go to another one.
            self._cancel_waiting(set(self._recalls.killed))
        for order in self.ledger.assign(now):
            self._send(order)
        for worker in self.ledger.out_of_time():
            self._connections.send(worker.address, messages.Leave())
        if now >= self._look:
            self._look = now + self._look_around(now)
        for kind in self.ledger.kinds():
            try:
                self._staffing.staff(kind, self.ledger.wanted(kind), self._set_staff)
            except SchedulerError as error:
                self._understand(Hopeless(kind, str(error)))

    def _look_around(self, now: float) -> float:
        """Does what has no event; returns the seconds until the next time."""
        for loss in self._staffing.silent(now):
            self._deaths.lose(loss, now)
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
        for kind in self._staffing.known_kinds():
            if self.ledger.backlog(kind):
                continue
            self._staffing.dismiss_pending(kind)
            for worker in self.ledger.idle_since(kind):
                since = idle[worker.address] = self._idle_since.get(worker.address, now)
                if now - since >= linger:
                    self.ledger.retire(worker)
                    self._connections.send(worker.address, messages.Leave())
        self._idle_since = idle

    def _set_staff(self, supervisor: bytes, workers: int) -> None:
        self._connections.send(supervisor, messages.Staff(workers))

    def patience(self, now: float) -> float:
        """Returns the seconds until `hand_out` must be called again, whatever happens."""
        return max(0.0, min(self._look, self._deaths.due()) - now)

    # ------------------------------------------------------------------ to the workers

    def _send(self, order: Assignment) -> None:
        address = order.worker.address
        block, frames = self._blocks.block(order, self._places[address])
        self._connections.send(address, block, frames)

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
        nothing = messages.Run(worker.block, worker.position, [], forget, [], [], released)
        self._connections.send(worker.address, nothing)

    # ------------------------------------------------------------------ from the workers

    def listen(self) -> None:
        """Takes in what supervisors and workers have said."""
        now = time.monotonic()
        for address, message, frames in self._connections.receive():
            try:
                self._hear(address, message, frames, now)
            except (ValueError, KeyError, IndexError) as error:
                self._connections.complain(address, f"dropped nonsense: {error!r}")
        # Not before all that the dead had sent while they lived; but who floods this program shall
        # not keep it from ever seeing an end.
        self._unsettled = self._unsettled + 1 if self._connections.more else 0
        if self._unsettled % _TURNS == 0:
            self._deaths.settle(now)

    def _hear(
        self, address: bytes, message: messages.ToHost, frames: list[Any], now: float
    ) -> None:
        if type(message) is messages.Done:
            worker = self.ledger.workers.get(address)
            if worker is not None:
                self._record(worker, message, frames, now)
        elif isinstance(message, messages.Beat):
            self._hear_of_life(address, message, now)
        elif isinstance(message, messages.Ready):
            self._welcome_worker(address, message, now)
        elif isinstance(message, messages.Supervising):
            self._welcome_supervisor(address, message, now)
        elif isinstance(message, messages.Idle):
            self._hear_of_rest(address, message.block, now)
        elif isinstance(message, messages.Died):
            self._deaths.hear(address, message, now)
        elif isinstance(message, messages.Recalled):
            worker_address = messages.worker_address(address, message.worker)
            self.ledger.recalled(worker_address, message.position, message.end, now)
        elif isinstance(message, messages.Missed):
            self._blocks.knows_nothing(address)
            self.ledger.missed(address, message.task, message.attempt)
        elif isinstance(message, messages.Probe):
            self._connections.send(address, messages.Here(messages.VERSION))

    def _hear_of_life(self, address: bytes, message: messages.Beat, now: float) -> None:
        record = self._staffing.supervisors.get(address)
        if record is not None:
            record.heard = now
            self._reconciliation.answer(record, message.workers, self._deaths.unburied(record))
        elif self._staffing.was_lost(address):
            self._connections.send(address, messages.Stop())
        else:
            self._connections.send(address, messages.Introduce())

    def _hear_of_rest(self, address: bytes, block: int, now: float) -> None:
        worker = self.ledger.workers.get(address)
        if worker is None:
            return
        if not worker.outstanding:
            if worker.leaving:
                self._connections.send(address, messages.Leave())
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
        self, worker: WorkerRecord, message: messages.Done, frames: list[Any], now: float
    ) -> None:
        self._blocks.give_back(worker.address, message.released)
        self._blocks.borrow(worker.address, frames, message.shared)
        _check(message, frames)
        try:
            self._record_all(worker, message.results, frames, now)
        finally:
            self.ledger.answered(worker)

    def _record_all(
        self, worker: WorkerRecord, results: list[messages.Result], frames: list[Any], now: float
    ) -> None:
        place = self._places[worker.address]
        own: Sequence[Any] = ()
        at = 0
        for result in results:
            if frames:
                own = frames[at : at + result.frames]
                at += result.frames
            task = self.ledger.done(
                worker, result.task, result.attempt, result.lo, result.hi,
                wall=result.wall, failed=bool(result.failures), now=now,
            )  # fmt: skip
            if task is None:
                continue
            payload = result.payload
            if not payload and own:
                payload, own = own[0], own[1:]
            task.record(
                outcome_of(
                    (
                        result.lo, result.hi, payload, own, result.failures,
                        result.wall, result.cpu, result.peak_memory, place,
                    )
                )
            )  # fmt: skip
            if task.size > 1 and task.over and task.missing:
                self._recalls.take_back(task)

    def _welcome_supervisor(
        self, address: bytes, message: messages.Supervising, now: float
    ) -> None:
        if message.version != messages.VERSION:
            self._connections.complain(
                address, f"a supervisor on {message.host} speaks another version of the protocol"
            )
            self._connections.send(address, messages.Stop())
            return
        if self._staffing.was_lost(address):
            self._connections.send(address, messages.Stop())
            return
        if address in self._staffing.supervisors:
            return
        if message.kind not in self._staffing.known_kinds():
            raise ValueError(f"no supervisor of this program's: {message}")
        record = SupervisorRecord(
            address, message.queue_job, message.kind, message.host, message.pid, now
        )
        if message.time_left:
            record.deadline = now + message.time_left
        self._staffing.arrived(record)
        early, self._early = self._early, {}
        for worker, ready in early.items():
            self._welcome_worker(worker, ready, now)

    def _welcome_worker(self, address: bytes, message: messages.Ready, now: float) -> None:
        supervisor = self._staffing.supervisors.get(messages.supervisor_of(address)[0])
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
            self._connections.complain(address, f"no worker: its memory cannot be seen: {error}")
            return
        supervisor.present.add(messages.supervisor_of(address)[1])
        self._places[address] = Place(supervisor.host, message.pid, supervisor.queue_job)
        self.ledger.joined(
            address,
            supervisor.kind,
            now,
            deadline=supervisor.deadline,
            failure_group=supervisor.address,
        )

    # ------------------------------------------------------------------ from the scheduler

    def hear_scheduler(self) -> None:
        """Takes in what the scheduler has said."""
        for news in self._staffing.events():
            self._understand(news)

    def _understand(self, news: Loss | Hopeless) -> None:
        if isinstance(news, Loss):
            self._deaths.lose(news, time.monotonic())
            return
        if self.ledger.staff(news.kind):
            log.warning("no more workers can be had: %s", news.reason)
            return
        for task in self.ledger.give_up(news.kind):
            if not task.over:
                task.error = SchedulerError(news.reason)
                task.move(JobState.FAILED)

    # ------------------------------------------------------------------ taking back

    def cancel(self, tasks: list[Task]) -> None:
        """Takes tasks back; running ones are killed."""
        self._cancel_waiting(set(tasks))
        for task in tasks:
            self.signal(task, 9)

    def _cancel_waiting(self, tasks: set[Task]) -> None:
        for task in self.ledger.cancel_waiting(tasks):
            task.error = JobCancelled(f"job {task.name!r} was cancelled before it ran")
            task.move(JobState.CANCELLED)

    def drop(self, tasks: list[Task]) -> None:
        """Cancels tasks; a call that runs already may end, but nobody hears of it."""
        self._cancel_waiting(set(tasks))
        for task in tasks:
            if not task.over:
                task.error = JobCancelled(f"job {task.name!r} was cancelled")
                task.move(JobState.CANCELLED)
                self._recalls.take_back(task)

    def signal(self, task: Task, signum: int) -> None:
        """Ends one job with a signal, or takes it back if it does not run."""
        self._cancel_waiting({task})
        if task.over:
            return
        self._recalls.doom(task, signum)

    def abandon(self, error: Exception) -> None:
        """Ends all tasks with ``error``."""
        for task in self.ledger.tasks():
            task.error = error
            task.move(JobState.CANCELLED if isinstance(error, JobCancelled) else JobState.FAILED)

    def close(self) -> None:
        """Lets go of the workers' memory."""
        self._blocks.close()

    def say_goodbye(self) -> None:
        """Tells all supervisors to stop."""
        for address in self._staffing.supervisors:
            self._connections.send(address, messages.Stop())


def _check(message: messages.Done, frames: list[Any]) -> None:
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
