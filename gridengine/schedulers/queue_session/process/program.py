"""The main thread of the session process: orders in, queue jobs out, and news of their ends."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import queue
import time

from . import orphaned_folders
from .account_reader import Accounting, AccountReader
from .batch_system import (
    ENDS_ARE_TOLD,
    BatchSystem,
    Denied,
    Ending,
    Limited,
    QueueState,
    TooLarge,
    Unreachable,
    WaitReason,
)
from .messages import (
    Accounted,
    Ask,
    BatchDelayed,
    BatchRefused,
    BatchTaken,
    Close,
    Closed,
    Delete,
    Hello,
    LogEntry,
    Message,
    QueueJobEnd,
    QueueJobsStanding,
    QueueJobStuck,
    QueueJobsWait,
    SessionReady,
    Submit,
)
from .outage import Outage
from .pending_submit import PendingSubmit
from .pipes import MessageWriter, Orphaned
from .polling import PollingPlan, QueueJob
from .queue_reader import ErrorReasons, QueueReader, QueueStates
from .registry import Registry
from .waiting import WaitingFor, WaitingPlan

_BUSY = 0.05  # seconds between two questions for ended queue jobs, while some have just ended
_IDLE = 0.25  # the same while nothing happens; DRMAA itself learns of an end once a second
_LIMITED = 5.0  # seconds until the site's limit on jobs is tried again
_SETTLE = 5.0  # seconds that queue jobs are waited for whose deletion the master has confirmed
_LEAVE = 600.0  # seconds in which a master that does not answer may come back to delete them


class Program:
    """The session: what lives, what is to be done, and with whom it talks."""

    def __init__(
        self,
        hello: Hello,
        system: BatchSystem,
        writer: MessageWriter,
        inbox: queue.SimpleQueue[object],
    ) -> None:
        self._system = system
        self._writer = writer
        self._inbox = inbox
        self._hello = hello
        self._registry = Registry(hello.registry, hello.parent, system.identity(), self._say)
        self._jobs: dict[str, QueueJob] = {}
        self._arrays: collections.Counter[str] = collections.Counter()
        self._orders: collections.deque[PendingSubmit] = collections.deque()
        self._to_delete: dict[str, None] = {}
        self._endings: dict[str, Ending] = {}
        self._unconfirmed: dict[str, Ending] = {}
        self._accounts = AccountReader(system, inbox.put, self._registry.submitted)
        self._queue = QueueReader(system, inbox.put)
        self._plan = PollingPlan(self._jobs, system.pauses)
        self._waiting = WaitingPlan(self._jobs)
        self._asked: frozenset[str] = frozenset()
        self._settling: frozenset[str] = frozenset()
        self._outage = Outage(self._say, system.master)
        self._pause = _IDLE
        self._limited_until = 0.0
        self._leaving = False
        self._orphaned = False
        self._folders: set[str] = set()
        self._ends_at = 0.0

    # -- the loop ------------------------------------------------------------------------------

    def run(self) -> None:
        """Works until it is told to close, or nobody is there any more to tell it."""
        while not self._connected():
            self._receive(self._outage.retry - time.monotonic())
            if self._leaving:
                return
        while not self._finished():
            self._receive(self._until_next())
            self._work()
        self._leave()

    def _connected(self) -> bool:
        try:
            about = self._system.open(self._hello.contact)
            if self._hello.trial:
                self._system.check_host()
            self._send(SessionReady(*about))
        except Unreachable as error:
            since = self._outage.since or time.monotonic()
            if time.monotonic() - since >= self._hello.patience:
                raise Denied(str(error)) from error
            self._outage.lost(str(error))
            return False
        self._outage.answered()
        self._adopt(self._hello.adopted)
        return True

    def _adopt(self, queue_jobs: tuple[str, ...]) -> None:
        if not queue_jobs:
            return
        now = time.monotonic()
        self._jobs.update({name: QueueJob(now) for name in queue_jobs})
        self._plan.submitted(now)
        for name in queue_jobs:
            self._note([name], "")
        for ending in self._system.recount(queue_jobs):
            self._account(ending)

    def _note(self, queue_jobs: list[str], name: str) -> None:
        self._arrays[_array(queue_jobs[0])] += len(queue_jobs)
        self._registry.add(queue_jobs, name)

    def _receive(self, seconds: float | None) -> None:
        """Waits for a message, and handles all that are there."""
        try:
            wait = seconds
            while True:
                self._handle(self._inbox.get(wait != 0, wait and max(wait, 0.001)))
                wait = 0
        except queue.Empty:
            return

    def _until_next(self) -> float | None:
        if self._orders and time.monotonic() >= max(self._limited_until, self._outage.retry):
            return 0.0
        return self._pause if self._jobs or self._orders else None

    def _work(self) -> None:
        self._pause = min(self._pause * 2, _IDLE)
        if time.monotonic() < self._outage.retry:
            self._pause = _IDLE
            return
        try:
            self._delete()
            self._submit()
            self._collect()
        except Unreachable as error:
            self._outage.lost(str(error))
            for order in self._orders:
                self._delay(order, f"{self._system.master} does not answer: {error}")
        if (asked := self._plan.due(time.monotonic())) is not None:
            self._asked, self._settling = asked, frozenset(self._unconfirmed)
            self._queue.look(asked)

    def _finished(self) -> bool:
        return self._leaving and (not self._jobs or time.monotonic() > self._ends_at)

    def _leave(self) -> None:
        if not self._to_delete:
            with contextlib.suppress(OSError):
                self._registry.close()
        self._send(Closed(len(self._jobs)))
        with contextlib.suppress(Exception):
            self._system.close()
        if self._orphaned:
            orphaned_folders.remove(self._folders, self._registry.program)

    # -- what arrives --------------------------------------------------------------------------

    def _handle(self, thing: object) -> None:
        if isinstance(thing, Submit):
            self._folders.add(os.path.dirname(thing.logs))
            self._orders.append(PendingSubmit.of(thing))
        elif isinstance(thing, Delete):
            self._delete_soon(thing.queue_jobs)
        elif isinstance(thing, Ask):
            self._stand(self._plan.ask_about(thing.queue_jobs, time.monotonic()))
        elif isinstance(thing, Accounting):
            self._learn(thing)
        elif isinstance(thing, QueueStates):
            self._seen(thing)
        elif isinstance(thing, ErrorReasons):
            for name, reason in thing.reasons.items():
                self._send(QueueJobStuck(name, reason))
        elif isinstance(thing, WaitReason):
            told = self._waiting.answered(thing.question, thing.reason, time.monotonic())
            if told is not None:
                self._tell(told, thing.words)
        elif isinstance(thing, LogEntry):
            self._send(thing)
        elif isinstance(thing, (Close, Orphaned)):
            self._orphaned |= isinstance(thing, Orphaned)
            if self._leaving:
                return
            self._leaving = True
            self._ends_at = time.monotonic() + _LEAVE
            self._orders.clear()
            self._delete_soon(tuple(self._jobs))
            if not self._to_delete:
                self._settled()

    def _settled(self) -> None:
        """Notes that nothing is left to be deleted: what follows is the master's business."""
        if self._leaving:
            self._ends_at = time.monotonic() + _SETTLE

    def _delete_soon(self, queue_jobs: tuple[str, ...]) -> None:
        for name in queue_jobs:
            if name in self._jobs and not self._jobs[name].deleted:
                self._jobs[name].deleted = True
                self._to_delete[name] = None
        self._pause = _BUSY

    # -- what is to be done --------------------------------------------------------------------

    def _delete(self) -> None:
        while self._to_delete:
            names = list(itertools.islice(self._to_delete, self._system.deletions))
            self._system.delete(names)
            self._answered()
            for name in names:
                del self._to_delete[name]
                if self._jobs[name].forgotten:
                    self._end(Ending(name, aborted=True), {})
            self._plan.deleted(time.monotonic())
            if not self._to_delete:
                self._settled()

    def _submit(self) -> None:
        """Tries one array: before the next, messages are read, one to close among them."""
        if not self._orders or time.monotonic() < self._limited_until:
            return
        order = self._orders[0]
        try:
            self._submit_array(order)
        except TooLarge as error:
            order.shrink(error.size)
        except Limited as error:
            order.grow()
            self._limited_until = time.monotonic() + _LIMITED
            self._say_limited(order, str(error))
        except Denied as error:
            self._refuse(order, str(error))
        self._answered()

    def _submit_array(self, order: PendingSubmit) -> None:
        names = self._system.submit(order.submit, min(order.left, order.largest))
        now = time.monotonic()
        options = order.submit.options
        self._jobs.update({name: QueueJob(now, request=options) for name in names})
        self._note(names, order.submit.name)
        self._plan.submitted(now)
        self._pause = _BUSY
        order.left -= len(names)
        self._send(BatchTaken(order.submit.batch, tuple(names)))
        if order.left <= 0:
            self._orders.popleft()

    def _refuse(self, order: PendingSubmit, reason: str) -> None:
        self._orders.popleft()
        self._send(BatchRefused(order.submit.batch, reason))

    def _say_limited(self, order: PendingSubmit, reason: str) -> None:
        if self._delay(order, f"{reason}; tried again every {_LIMITED:g} s"):
            what = "1 queue job is" if order.left == 1 else f"{order.left} queue jobs are"
            self._say(f"{what} submitted as soon as the site allows: {reason}")

    def _delay(self, order: PendingSubmit, reason: str) -> bool:
        """Tells why a batch is not submitted yet; returns whether that is news."""
        if order.delayed == reason:
            return False
        order.delayed = reason
        self._send(BatchDelayed(order.submit.batch, reason))
        return True

    def _answered(self) -> None:
        if self._outage.answered():
            self._plan.hurry(time.monotonic())

    # -- what ended ----------------------------------------------------------------------------

    def _collect(self) -> None:
        for ending in self._system.endings(self._jobs):
            job = self._jobs.get(ending.queue_job)
            if job is None:
                continue
            self._pause = _BUSY
            if job.deleted or (ending.exited and ending.status == 0):
                self._end(ending, {})
            elif ending.has_run:
                # What is known is told now; what is written down comes late at many a site.
                self._accounts.ask(ending.queue_job)  # by what `_end` may forget
                self._end(ending, {}, final=False)
            elif ending.aborted:
                self._unconfirmed[ending.queue_job] = ending
                self._plan.at_once(time.monotonic())
            else:
                self._account(ending)

    def _account(self, ending: Ending) -> None:
        self._endings[ending.queue_job] = ending
        self._accounts.ask(ending.queue_job, has_run=bool(ending.usage) or not ending.aborted)

    def _learn(self, told: Accounting) -> None:
        """Takes in what is written down about an end."""
        ending = self._endings.pop(told.queue_job, None)
        if ending is None:
            self._send(Accounted(told.queue_job, told.record))
            return
        job = self._jobs[told.queue_job]
        doubted, job.doubted = job.doubted, False
        # A single look proves nothing by itself.
        if told.record or not doubted or job.missed >= ENDS_ARE_TOLD.misses:
            self._end(ending, told.record)

    def _settle(self, states: dict[str, QueueState] | None) -> None:
        """Decides about those that ended by DRMAA's word: it says so of one in error, too."""
        for name in self._unconfirmed.keys() & self._settling:
            ending = self._unconfirmed.pop(name)
            state = (states or {}).get(name)
            if state is None or state.leaving:
                self._account(ending)
            else:
                self._jobs[name].forgotten = True
        if self._unconfirmed:
            self._plan.at_once(time.monotonic())

    def _end(self, ending: Ending, record: dict[str, str], *, final: bool = True) -> None:
        job = self._jobs.pop(ending.queue_job)
        # Whoever asks about it yet, because the queue or DRMAA told of its end too, asks in vain.
        self._to_delete.pop(ending.queue_job, None)
        self._unconfirmed.pop(ending.queue_job, None)
        self._endings.pop(ending.queue_job, None)
        self._send(QueueJobEnd(**vars(ending), deleted=job.deleted, accounting=record, final=final))
        array = _array(ending.queue_job)
        self._arrays[array] -= 1
        if not self._arrays[array]:
            del self._arrays[array]
            self._registry.remove(array)
            self._limited_until = 0.0

    def _seen(self, seen: QueueStates) -> None:
        blind = seen.states is None and not seen.reason
        result = self._plan.seen(seen.states, self._asked, time.monotonic(), blind=blind)
        self._settle(seen.states)
        if seen.states is not None:
            self._answered()
        elif seen.reason:
            self._outage.lost(seen.reason)
        self._stand(result.standing)
        if result.stuck:
            self._queue.explain(result.stuck)
        if seen.states is not None:
            questions, told = self._waiting.look(time.monotonic())
            self._queue.ask_why(questions)
            for each in told:
                self._tell(each)
        for name in result.gone - self._endings.keys():
            # Nothing else tells of its end; or that was lost, as can happen to DRMAA's news when
            # the master is started anew.
            self._jobs[name].doubted = True
            self._account(Ending(name))

    def _tell(self, told: WaitingFor, words: str = "") -> None:
        self._send(QueueJobsWait(told.queue_jobs, told.reason, told.aloud, words))

    def _stand(self, queue_jobs: frozenset[str]) -> None:
        if queue_jobs:
            live = self._jobs
            suspended = {
                n: live[n].suspended for n in queue_jobs if n in live and live[n].suspended
            }
            self._send(QueueJobsStanding(tuple(sorted(queue_jobs)), suspended))

    # -- what is said --------------------------------------------------------------------------

    def _send(self, message: Message) -> None:
        self._writer.send(message)

    def _say(self, text: str) -> None:
        self._send(LogEntry(text))


def _array(queue_job: str) -> str:
    return queue_job.partition(".")[0]
