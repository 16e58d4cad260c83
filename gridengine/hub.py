"""The dispatcher's one thread: bytes to ledger events, ledger orders to bytes.

One `Hub` serves all maps and jobs of one scheduler::

    any thread ── submit(), cancel(), signal() ──▶ inbox ─┐
                                                          ▼
    workers ◀──────── Wires (ZeroMQ) ────────▶ Hub ──▶ Ledger (who does what)
                                                  └──▶ Crew   (who is there) ──▶ Session

A user's thread puts a ticket into the inbox and wakes the hub only if it sleeps; the hub ends a
ticket, which wakes whoever waits for it. The hub unpickles nothing.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import zmq

from . import coroner, protocol
from .blocks import Blocks
from .crew import Crew, Hopeless, Loss, SupervisorRecord
from .errors import Death, JobCancelled, SchedulerError
from .launch import (
    Launch,
    environment_for_nodes,
    import_path,
    private_folder,
    thread_limits,
)
from .ledger import Assignment, Ledger, Verdict, WorkerRecord
from .schedulers.base import End, Scheduler
from .settings import BLOCK_SECONDS, Settings
from .states import DeathCause, JobState
from .ticket import Outcome, Place, Ticket, Usage
from .wires import Wires

log = logging.getLogger(__name__)

#: Messages taken in before work is handed out again.
_MESSAGES = 500

#: Seconds for which a kill from outside is held back on a cluster: the batch system kills a
#: whole queue job at once, so that the supervisor's last word is "killed", and says why only then.
_SECOND_OPINION = 1.5

_NO_USAGE = Usage(0.0, 0.0, 0)


class Hub:
    """Hands the tickets of one scheduler to its workers.

    Args:
        scheduler: Starts the workers.
        host: Overrides ``GRIDENGINE_HOST``.
        ports: Overrides ``GRIDENGINE_PORTS``.

    Raises:
        SchedulerError: The scheduler or the network cannot be used.
    """

    def __init__(self, scheduler: Scheduler, *, host: str = "", ports: str = "") -> None:
        settings = Settings.read()
        self._settings = settings
        # A copy: the hub must not keep alive what its user has let go.
        self._scheduler = copy.copy(scheduler)
        self._released = False
        self._folder = _new_folder(settings, scheduler.remote)
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._wires = Wires(
                "" if scheduler.remote else self._folder,
                host or settings.host,
                ports or settings.ports,
            )
            undo.callback(self._wires.close)
            self._session = scheduler.open()
            undo.pop_all()
        logs = os.path.join(self._folder, "logs")
        os.mkdir(logs, 0o700)
        self._crew = Crew(self._session, scheduler, settings, self._launch(), self._folder, logs)
        self._ledger = Ledger(settings.infrastructure_retries)
        self._new: collections.deque[Ticket] = collections.deque()
        self._inbox: collections.deque[Callable[[], None]] = collections.deque()
        self._asleep = False
        self._closing = False
        self._places: dict[bytes, Place] = {}
        self._blocks = Blocks()
        self._doomed: dict[Ticket, int] = {}
        self._deaths: list[tuple[float, SupervisorRecord, protocol.Died]] = []
        self._early: list[tuple[bytes, protocol.Ready]] = []
        self._idle_since: dict[bytes, float] = {}
        self._look = 0.0
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name="gridengine", daemon=True)
        self._thread.start()

    def _launch(self) -> Launch:
        keys = self._wires.keys
        remote = self._scheduler.remote
        threads = getattr(self._scheduler, "slots", 1)
        environ = (
            environment_for_nodes(os.environ, threads)
            if remote
            else thread_limits(os.environ, threads)
        )
        return Launch(
            endpoints=self._wires.endpoints,
            server_key=keys.server_public if keys else "",
            public_key=keys.public if keys else "",
            secret_key=keys.secret if keys else "",
            persistent=not remote,
            heartbeat=self._settings.heartbeat,
            patience=self._settings.patience,
            parent=0 if remote else os.getpid(),
            queue_job=self._scheduler.queue_job_name,
            cwd=os.getcwd(),
            sys_path=import_path(),
            environ=environ,
        )

    # ------------------------------------------------------------------ any thread

    @property
    def closed(self) -> bool:
        """True once the hub takes no more tickets."""
        return self._closing or not self._thread.is_alive()

    def kind_of(self, resources: Mapping[str, object]) -> int:
        """Returns the kind of tickets that need these resources.

        Raises:
            ValueError, TypeError: The scheduler cannot take one of them.
        """
        return self._crew.kind_of(self._scheduler.resources_of(resources))

    def submit(self, ticket: Ticket) -> None:
        """Has a ticket run; never blocks.

        Raises:
            SchedulerError: The scheduler was closed.
        """
        if self.closed:
            raise SchedulerError(f"{self._scheduler!r} was closed")
        self._new.append(ticket)
        self._wake()

    def pace(self, function: bytes) -> float | None:
        """Returns the seconds that a call of this function takes, None if not yet known."""
        return self._ledger.pace(function)

    @property
    def possible_workers(self) -> int:
        """How many workers there may be at one time."""
        return self._scheduler.max_queue_jobs * self._scheduler.workers_per_queue_job

    def staff(self, kind: int = 0) -> int:
        """Returns how many workers are there; where they come at once, how many may be."""
        if self._scheduler.remote:
            return max(1, self._ledger.staff(kind))
        return self.possible_workers

    def cancel(self, tickets: Iterable[Ticket]) -> None:
        """Takes tickets back; running ones are killed."""
        wanted = list(tickets)
        self._ask(lambda: self._cancel(wanted))

    def drop(self, tickets: Iterable[Ticket]) -> None:
        """Cancels tickets; a call that runs already may end, but nobody hears of it."""
        wanted = list(tickets)
        self._ask(lambda: self._drop(wanted))

    def signal(self, ticket: Ticket, signum: int) -> None:
        """Ends one job with a signal, or takes it back if it does not run."""
        self._ask(lambda: self._signal(ticket, signum))

    def unfinished(self) -> list[Ticket]:
        """Returns the tickets that are not over and for which the program shall wait."""
        answer: list[Ticket] = []
        answered = threading.Event()

        def look() -> None:
            self._take_in()
            answer.extend(t for t in self._ledger.tickets() if not t.daemon)
            answered.set()

        self._ask(look)
        while not answered.wait(0.1):
            if self.closed:
                break
        return answer

    def release(self) -> None:
        """Has the hub close by itself as soon as it has nothing left to do."""
        self._released = True
        self._wake()

    def close(self) -> None:
        """Ends all workers; jobs that are not over are cancelled. Idempotent."""
        if not self._closing:
            self._closing = True
            self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _ask(self, request: Callable[[], None]) -> None:
        self._inbox.append(request)
        self._wake()

    def _wake(self) -> None:
        # The hub says that it sleeps before it looks into its inbox for the last time.
        if self._asleep:
            self._asleep = False
            with contextlib.suppress(OSError):
                os.write(self._wake_write, b"\0")

    # ------------------------------------------------------------------ the loop

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException as error:
            log.exception("the dispatcher's thread has failed")
            self._abandon(SchedulerError(f"the dispatcher has failed: {error!r}"))
            raise
        finally:
            self._closing = True
            self._shut_down()

    def _loop(self) -> None:
        poller = zmq.Poller()
        for descriptor in (*self._wires.descriptors(), self._wake_read, self._session.fileno()):
            poller.register(descriptor, zmq.POLLIN)
        while not self._closing:
            self._take_in()
            if self._released and not self._ledger.tickets():
                return
            now = time.monotonic()
            self._hand_out(now)
            self._asleep = True
            idle = not self._new and not self._inbox and not self._closing
            ready = dict(poller.poll(self._timeout(now) if idle else 0))
            self._asleep = False
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
            if self._wires.socket in ready:
                self._listen()
            self._wires.answer_the_door()
            if self._session.fileno() in ready:
                for news in self._crew.events():
                    self._hear_scheduler(news)

    def _timeout(self, now: float) -> float:
        """Returns how long to sleep, in milliseconds."""
        if self._deaths:
            return max(0.0, self._deaths[0][0] - now) * 1000
        return max(0.0, self._look - now) * 1000

    def _take_in(self) -> None:
        while self._inbox:
            self._inbox.popleft()()
        new, submit = self._new, self._ledger.submit
        while new:
            ticket = new.popleft()
            if not ticket.over:
                submit(ticket)

    def _hand_out(self, now: float) -> None:
        if self._doomed:
            # What came back from a worker meanwhile shall not go to another one.
            self._cancel_waiting(set(self._doomed))
        for order in self._ledger.assign(now):
            self._send(order)
        if now >= self._look:
            self._look = now + self._look_around(now)
        for kind in self._ledger.kinds():
            self._crew.staff(kind, self._ledger.wanted(kind), self._set_staff)

    def _look_around(self, now: float) -> float:
        """Does what has no event; returns the seconds until the next time."""
        self._examine_deaths(now)
        for loss in self._crew.silent(now):
            self._lose(loss)
        slow = self._ledger.recalls(now)
        for worker in slow:
            self._recall(worker)
        self._dismiss_idle(now)
        return BLOCK_SECONDS if self._ledger.lopsided() else min(0.5, self._settings.heartbeat)

    def _dismiss_idle(self, now: float) -> None:
        linger = self._scheduler.linger
        if linger is None:
            return
        idle: dict[bytes, float] = {}
        for kind in self._crew.known_kinds():
            if self._ledger.backlog(kind):
                continue
            self._crew.dismiss_pending(kind)
            for worker in self._ledger.idle_since(kind):
                since = idle[worker.address] = self._idle_since.get(worker.address, now)
                if now - since >= linger:
                    self._ledger.retire(worker)
                    self._wires.send(worker.address, protocol.Leave())
        self._idle_since = idle

    def _set_staff(self, supervisor: bytes, workers: int) -> None:
        self._wires.send(supervisor, protocol.Staff(workers))

    # ------------------------------------------------------------------ to the workers

    def _send(self, order: Assignment) -> None:
        address = order.worker.address
        block, frames = self._blocks.block(order, self._places[address])
        self._wires.send(address, block, frames)

    def _recall(self, worker: WorkerRecord) -> None:
        supervisor, number = protocol.supervisor_of(worker.address)
        self._wires.send(supervisor, protocol.Recall(number, worker.position))

    # ------------------------------------------------------------------ from the workers

    def _listen(self) -> None:
        now = time.monotonic()
        for address, message, frames in self._wires.receive(_MESSAGES):
            try:
                self._hear(address, message, frames, now)
            except (ValueError, KeyError, IndexError):
                log.warning("dropped nonsense from %r", address[:40], exc_info=True)
        # Not before all that the dead had sent while they lived.
        self._examine_deaths(now)

    def _hear(
        self, address: bytes, message: protocol.ToHost, frames: list[Any], now: float
    ) -> None:
        if type(message) is protocol.Done:
            worker = self._ledger.workers.get(address)
            if worker is not None:
                self._record(worker, message, frames, now)
        elif isinstance(message, protocol.Beat):
            self._crew.heard(address, now)
            if address in self._crew.supervisors:
                self._wires.send(address, protocol.Beat())
        elif isinstance(message, protocol.Ready):
            self._welcome_worker(address, message, now)
        elif isinstance(message, protocol.Supervising):
            self._welcome_supervisor(address, message, now)
        elif isinstance(message, protocol.Idle):
            self._ledger.idle(address, message.block, now)
        elif isinstance(message, protocol.Died):
            self._hear_of_death(address, message, now)
        elif isinstance(message, protocol.Recalled):
            worker_address = protocol.worker_address(address, message.worker)
            self._ledger.recalled(worker_address, message.position, now)
        elif isinstance(message, protocol.Probe):
            self._wires.send(address, protocol.Here(protocol.VERSION))

    def _record(
        self, worker: WorkerRecord, message: protocol.Done, frames: list[Any], now: float
    ) -> None:
        place = self._places[worker.address]
        at = 0
        for result in message.results:
            own = frames[at : at + result.frames]
            at += result.frames
            ticket = self._ledger.done(
                worker, result.ticket, result.attempt, result.lo, result.hi,
                wall=result.wall, failed=bool(result.failures), now=now,
            )  # fmt: skip
            if ticket is None:
                continue
            payload = result.payload
            if not payload and own:
                payload, own = own[0], own[1:]
            usage = Usage(result.wall, result.cpu, result.peak_memory)
            ticket.record(
                Outcome(result.lo, result.hi, payload, own, result.failures, usage, place)
            )
            if ticket.size > 1 and ticket.over and ticket.missing:
                self._take_back(ticket)

    def _welcome_supervisor(
        self, address: bytes, message: protocol.Supervising, now: float
    ) -> None:
        if message.version != protocol.VERSION:
            log.warning("a supervisor on %s speaks another version of the protocol", message.host)
            self._wires.send(address, protocol.Stop())
            return
        self._crew.arrived(
            SupervisorRecord(
                address, message.queue_job, message.kind, message.host, message.pid, 0, now
            )
        )
        early, self._early = self._early, []
        for worker, ready in early:
            self._welcome_worker(worker, ready, now)

    def _welcome_worker(self, address: bytes, message: protocol.Ready, now: float) -> None:
        supervisor = self._crew.supervisors.get(protocol.supervisor_of(address)[0])
        if supervisor is None:
            # Its supervisor, on a connection of its own, has not been heard yet.
            self._early.append((address, message))
            return
        if address in self._ledger.workers:
            return
        self._places[address] = Place(supervisor.host, message.pid, supervisor.queue_job)
        self._blocks.arrived(address)
        self._ledger.joined(address, supervisor.kind, now)

    # ------------------------------------------------------------------ deaths

    def _hear_of_death(self, address: bytes, message: protocol.Died, now: float) -> None:
        supervisor = self._crew.supervisors.get(address)
        if supervisor is None:
            return
        supervisor.heard = now
        doubtful = self._scheduler.remote and message.reason == DeathCause.KILLED.value
        due = now + _SECOND_OPINION if doubtful else now
        self._deaths.append((due, supervisor, message))
        self._deaths.sort(key=lambda entry: entry[0])

    def _examine_deaths(self, now: float) -> None:
        while self._deaths and self._deaths[0][0] <= now:
            _, supervisor, message = self._deaths.pop(0)
            if message.status == 0 and not message.reason:
                supervisor.workers = max(0, supervisor.workers - 1)
            address = protocol.worker_address(supervisor.address, message.worker)
            self._bury(
                address,
                coroner.end_of(message),
                position=message.position,
                width=message.width,
                final=message.reason in (coroner.TIMEOUT, coroner.SIGNAL),
                timed_out=message.reason == coroner.TIMEOUT,
            )

    def _lose(self, loss: Loss) -> None:
        """A supervisor is gone with its workers: so says the scheduler, or its silence."""
        supervisor, end = loss.supervisor, loss.end
        self._deaths = [entry for entry in self._deaths if entry[1] is not supervisor]
        for address in [a for a in self._places if a.startswith(supervisor.address + b".")]:
            worker = self._ledger.workers.get(address)
            first = worker is not None and worker.ran == 0
            # With all the time there is for itself, it will not end the next time either.
            final = first and end.cause is DeathCause.OVER_TIME
            self._bury(address, end, blame=final or coroner.is_the_jobs_fault(end), final=final)

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
    ) -> None:
        """A worker is no more; see `Ledger.ended` for what is said about it."""
        place = self._places.pop(address, None)
        if place is None:
            return
        self._blocks.gone(address)
        now = time.monotonic()
        verdicts = self._ledger.ended(
            address, now, position=position, width=width, blame=blame, final=final
        )
        for verdict in verdicts:
            ticket = verdict.ticket
            if ticket.over:
                continue
            if ticket in self._doomed:
                self._end_doomed(ticket, place)
            elif timed_out:
                self._fail(verdict, place, coroner.timeout_of(ticket, place))
            else:
                self._fail(verdict, place, coroner.certificate(verdict, place, end, now))

    def _fail(self, verdict: Verdict, place: Place, failure: Death | BaseException) -> None:
        ticket, index = verdict.ticket, verdict.index
        ticket.record(Outcome(index, index + 1, b"", (), {index: failure}, _NO_USAGE, place))
        if ticket.over and ticket.missing:
            self._take_back(ticket)

    def _hear_scheduler(self, news: Loss | Hopeless) -> None:
        if isinstance(news, Loss):
            self._lose(news)
            return
        if self._ledger.staff(news.kind):
            log.warning("no more workers can be had: %s", news.reason)
            return
        for ticket in self._ledger.give_up(news.kind):
            if not ticket.over:
                ticket.error = SchedulerError(news.reason)
                ticket.move(JobState.FAILED)

    # ------------------------------------------------------------------ taking back

    def _cancel(self, tickets: list[Ticket]) -> None:
        self._cancel_waiting(set(tickets))
        for ticket in tickets:
            self._signal(ticket, 9)

    def _cancel_waiting(self, tickets: set[Ticket]) -> None:
        self._take_in()
        for ticket in self._ledger.cancel_waiting(tickets):
            ticket.error = JobCancelled(f"job {ticket.name!r} was cancelled before it ran")
            ticket.move(JobState.CANCELLED)

    def _drop(self, tickets: list[Ticket]) -> None:
        self._cancel_waiting(set(tickets))
        for ticket in tickets:
            if not ticket.over:
                ticket.error = JobCancelled(f"job {ticket.name!r} was cancelled")
                ticket.move(JobState.CANCELLED)
                self._take_back(ticket)

    def _take_back(self, ticket: Ticket) -> None:
        """The rest of a ticket that is over is no longer wanted."""
        for worker in self._ledger.cancel(ticket):
            if not worker.recalling:
                self._recall(self._ledger.recall(worker))

    def _signal(self, ticket: Ticket, signum: int) -> None:
        self._cancel_waiting({ticket})
        if ticket.over:
            return
        self._doomed[ticket] = signum
        ticket.when_over(lambda: self._doomed.pop(ticket, None))
        for worker in list(self._ledger.workers.values()):
            supervisor, number = protocol.supervisor_of(worker.address)
            for piece in worker.outstanding:
                if piece.ticket is ticket:
                    if not worker.recalling:
                        self._recall(self._ledger.recall(worker))
                    self._wires.send(supervisor, protocol.Signal(number, piece.position, signum))

    def _end_doomed(self, ticket: Ticket, place: Place) -> None:
        signum = self._doomed.get(ticket, 15)
        ticket.exit_signal = signum
        ticket.error = JobCancelled(
            f"job {ticket.name!r} was ended on {place.host} (process {place.pid}) by the program, "
            f"with signal {signum}"
        )
        ticket.move(JobState.CANCELLED)
        self._take_back(ticket)

    # ------------------------------------------------------------------ the end

    def _abandon(self, error: Exception) -> None:
        self._take_in()
        for ticket in self._ledger.tickets():
            ticket.error = error
            ticket.move(JobState.CANCELLED if isinstance(error, JobCancelled) else JobState.FAILED)

    def _shut_down(self) -> None:
        for address in self._crew.supervisors:
            self._wires.send(address, protocol.Stop())
        self._session.close()
        self._abandon(JobCancelled(f"{self._scheduler!r} was closed before the job was over"))
        self._wires.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        shutil.rmtree(self._folder, ignore_errors=True)


def _new_folder(settings: Settings, remote: bool) -> str:
    if not remote:
        return tempfile.mkdtemp(prefix="gridengine-")
    parent = settings.run_dir or os.path.join(os.path.expanduser("~"), ".gridengine")
    return tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=private_folder(parent))
