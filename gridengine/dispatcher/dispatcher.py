"""The dispatcher's one thread, and how others speak to it.

One `Dispatcher` serves all maps and jobs of one scheduler::

    any thread ── submit(), cancel() ──▶ inbox ─┐
                                                ▼
    workers ◀──▶ Connections ──▶ Handlers ──▶ DispatcherState ──▶ OrderExecution ──▶ Connections
                                    ▲                                    │
                                 Session ◀───────────────────────────────┘

A user's thread puts a task into the inbox and wakes the dispatcher only if it sleeps; the
dispatcher ends a task, which wakes whoever waits for it. The dispatcher unpickles nothing.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..errors import JobCancelled, SchedulerError
from ..logs import Log
from ..schedulers.base import Scheduler
from ..settings import Settings
from ..transport.shared_memory import Arena
from ..transport.wake_pipe import WakePipe
from .asking import T, answer
from .call_requests import CallRequests
from .early_start import EarlyStart
from .inbox import Inbox, guarded
from .new_state import new_state, surroundings_of
from .opening import open_here, open_network, open_observers
from .printing import printer
from .run_folder import new_shared_folder, remove_shared_folder
from .sharing import Sharing
from .shutdown import Shutdown
from .viewers import Viewers

# What takes long to import, msgspec and ZeroMQ, is so where it is needed: when the first workers
# have been started, and are on their way in the meantime.
if TYPE_CHECKING:
    from ..ledger.observers import Observer
    from ..ledger.task import Task
    from ..schedulers.asked import Asked

log = Log(__name__)


class Dispatcher:
    """Hands the tasks of one scheduler to its workers.

    Args:
        scheduler: Starts the workers.
        host: Overrides ``GRIDENGINE_HOST``.
        ports: Overrides ``GRIDENGINE_PORTS``.
        ahead: What was started for it, None if the workers are on other hosts.

    Attributes:
        maps: Those that are drawn from, and how many calls each will still submit.
        forsaken: Whether this is a copy, in a fork of the program.
        lead: How far ahead of what they run workers are given work.
        overview: Returns what there is now, for people.
        remote: Whether workers are on other hosts.
        sharing: Makes large buffers ready for the workers.
        shows_progress: Whether a map shows how far it is if it is not told.
        stacks: Asks where tasks are that run.
        state_reasons: Tells why tasks wait.
        surroundings: ``cwd`` and ``env`` of the scheduler.

    Raises:
        SchedulerError: The scheduler or the network cannot be used.
    """

    inline = False  # `gridengine.dispatcher.inline` has one that runs tasks itself.

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        host: str = "",
        ports: str = "",
        ahead: EarlyStart | None = None,
    ) -> None:
        self._settings = settings = Settings.read(arguments=scheduler.settings)
        self.shows_progress, self.remote = settings.progress, scheduler.remote
        # A copy: the dispatcher must not keep alive what its user has let go.
        self._scheduler = copy.copy(scheduler)
        self._is_open = False
        self.maps: dict[object, Callable[[], int]] = {}
        self._over, self._opened = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="gridengine", daemon=True)
        try:
            # Before there are workers: where processes are limited they would leave no room for it.
            self._thread.start()
            with contextlib.ExitStack() as undo:
                self._open(undo, ahead, host or settings.host, ports or settings.ports)
                undo.pop_all()
                self._is_open = True
        finally:
            self._opened.set()

    def _open(
        self, undo: contextlib.ExitStack, ahead: EarlyStart | None, host: str, ports: str
    ) -> None:
        scheduler, settings = self._scheduler, self._settings
        self.surroundings = surroundings_of(scheduler)
        # For what nodes are told, and what queue jobs print.
        self._folder = new_shared_folder(settings.run_dir) if scheduler.remote else None
        if self._folder is not None:
            undo.callback(remove_shared_folder, self._folder)
        self._arena = None if scheduler.remote else Arena.make()
        if self._arena is not None:
            undo.callback(self._arena.close)
        self.sharing = Sharing(self._arena, keep=scheduler.remote and not scheduler.fresh)
        known = undo, scheduler, settings
        self._connections, self._queue_jobs = (
            open_here(*known, ahead, share=self._arena is not None)
            if ahead is not None
            else open_network(*known, host, ports, self._folder)
        )
        self._requests = CallRequests(scheduler, self._queue_jobs.kind_of)
        early = ahead is not None and ahead.workers > 0
        slots_of = self._queue_jobs.slots_of
        self._state = new_state(scheduler, settings, slots_of, started_early=early)
        self.lead = self._state.ledger.lead
        self._event_log = open_observers(undo, scheduler, settings, self._state.observers)
        from .handlers import Handlers
        from .job_output import new_job_output
        from .new_task_messages import new_task_messages
        from .order_execution import OrderExecution
        from .overview import overview_of
        from .stacks import StackQuestions
        from .state_reasons import StateReasons
        from .tidying import Tidying

        output = new_job_output(scheduler, settings, self._connections, self._state, self._ask)
        given = scheduler, settings, self._arena, self.sharing, output.is_unwanted
        calls = new_task_messages(*given)
        parts = self._connections, self._state, self._queue_jobs, calls, output
        self.overview = functools.partial(overview_of, self._state, self.maps)
        self.state_reasons = StateReasons(self._state, scheduler)
        self.stacks = StackQuestions(self._connections, self._state, self._ask)
        self._handlers = Handlers(*parts, self.stacks)
        self._execution = OrderExecution(*parts)
        looked_after = calls, self._execution, self._handlers
        self._tidying = Tidying(settings.heartbeat, *looked_after, self._state.has_work)
        self._viewers = Viewers(self, repr(scheduler), settings)
        self._news = self._queue_jobs.session.fileno()
        self._inbox = Inbox()
        self._new = self._inbox.tasks
        self.forsaken = self._woken = self._released = False
        self._closing = self._ending = self._hurried = self._gone = False
        # Why no more can be done, if it is not that somebody has closed it.
        self._failure = ""
        self._pipe = WakePipe()
        self._wake = self._pipe.rouse

    # ------------------------------------------------------------------ any thread

    @property
    def closed(self) -> bool:
        """True once the dispatcher takes no more tasks."""
        return self._closing

    def set_requests(self, task: Task, asked: Asked) -> None:
        """Has a task ask the batch system for something; see `CallRequests.set_on`."""
        self._requests.set_on(task, asked)

    def forget(self, function: bytes) -> None:
        """Has the workers let go of a function that will not be called again."""
        self._ask(lambda: self._execution.forget(function))

    def submit(self, *tasks: Task) -> None:
        """Has tasks run; never blocks.

        Raises:
            SchedulerError: The scheduler was closed.
        """
        if self._closing:
            raise self._refusal()
        self._new.extend(tasks)
        self._wake()
        if self._gone:
            self._thread.join()
            if not all(task.over for task in tasks):
                raise self._refusal()

    def _refusal(self) -> SchedulerError:
        return SchedulerError(self._failure or f"{self._scheduler!r} was closed")

    def usual_duration(self, function: bytes) -> float | None:
        """Returns the seconds that a call of this function takes, None if not yet known."""
        return self._state.ledger.usual_duration(function)

    @property
    def possible_workers(self) -> int:
        """How many workers there may be at one time."""
        return self._scheduler.max_queue_jobs * self._scheduler.workers_per_queue_job

    @property
    def fresh(self) -> bool:
        """Whether each job gets a worker of its own."""
        return self._scheduler.fresh

    def staff(self, kind: int | None = 0) -> int:
        """Returns how many workers are there; where they come at once, how many may be.

        Args:
            kind: Theirs, None for all.
        """
        if self._scheduler.remote:
            ledger = self._state.ledger
            return max(1, len(ledger.workers) if kind is None else ledger.staff(kind))
        return self.possible_workers if kind is None else self._queue_jobs.most_workers(kind)

    def cancel(self, tasks: Iterable[Task], signum: int | None = None) -> None:
        """Takes tasks back, any number at once; those that run are ended.

        With a signal, or else they are asked to, and killed after ``GRIDENGINE_GRACE`` seconds.
        """
        if signum is None:
            signum = signal.SIGTERM if self._settings.grace else signal.SIGKILL
        self._inbox.unwanted.append((list(tasks), signum))
        self._wake()

    def drop(self, tasks: Iterable[Task]) -> None:
        """Cancels tasks; a call that runs already may end, but nobody hears of it."""
        self._ask(functools.partial(self._state.cancellation.drop, list(tasks)))

    def observe(self, observer: Observer) -> Callable[[], object]:
        """Has an observer hear all events from now on, in the dispatcher's thread.

        First it hears which queue jobs and workers are there. One that raises is not asked again,
        and the log says so.

        Returns:
            What ends that: when it has returned, in any thread, no more is heard.
        """
        observers = self._state.observers
        guard = guarded(observer, observers)
        self._inbox.observers.append(guard)
        self._wake()
        return lambda: self._answer(lambda: observers.remove(guard))

    def task(self, number: int) -> Task | None:
        """Returns the task of a number, None if there is none, or it is over."""
        tasks = self._answer(self._state.tasks) or ()
        return next((task for task in tasks if task.id == number), None)

    def unfinished(self) -> list[Task]:
        """Returns the tasks that are not over and for which the program shall wait."""
        look = lambda: [task for task in self._state.tasks() if not task.daemon]  # noqa: E731
        return self._answer(look) or []

    def release(self) -> None:
        """Has the dispatcher close by itself as soon as it has nothing left to do."""
        self._released = True
        self._wake()

    def close(self) -> None:
        """Ends all workers; jobs that are not over are cancelled, as by `cancel`. Idempotent.

        Raises:
            KeyboardInterrupt: It came meanwhile; then nothing that runs was waited for.
        """
        self.begin_to_close()
        if self.forsaken or threading.current_thread() is self._thread:
            return
        try:
            # Not `join`: before Python 3.13 that takes a thread for ended when Ctrl-C comes.
            self._over.wait()
        except BaseException:
            self.hurry()
            self._over.wait()
            raise
        self._thread.join()
        printer.finish()

    def hurry(self) -> None:
        """Has a dispatcher that closes kill what runs, without waiting for it any longer."""
        self._hurried = True
        self._wake()

    def begin_to_close(self) -> None:
        """As `close`, but returns at once."""
        if not self._closing:
            self._closing = True
            self._wake()

    def forsake(self) -> None:
        """To be called in a fork of the program, whose copy of the dispatcher has no thread."""
        self._closing = self.forsaken = True
        if self._is_open:
            self._viewers.forsake()

    def _ask(self, request: Callable[[], None]) -> None:
        self._inbox.requests.append(request)
        self._wake()

    def _answer(self, look: Callable[[], T]) -> T | None:
        if threading.current_thread() is self._thread:
            return look()
        return answer(self._ask, look, lambda: self.closed)

    # ------------------------------------------------------------------ the loop

    def _run(self) -> None:
        # The program may have it end the process; that a worker has hung up shall not.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        self._opened.wait()
        if not self._is_open:
            return
        try:
            self._loop()
        except BaseException as error:
            # First of all: whatever fails next, nobody shall wait for ever.
            self._failure = f"the dispatcher has failed: {error!r}"
            self._abandon(SchedulerError(self._failure))
            log.exception("the dispatcher's thread has failed")
            raise
        finally:
            self._closing = True
            try:
                self._shut_down()
            finally:
                self._over.set()

    def _loop(self) -> None:
        self._connections.watch(self._pipe.read_end)
        self._connections.watch(self._news)
        self._inbox.empty_into(self._state)
        while not (self._closing or (self._released and not self._state.tasks())):
            self._turn()
        self._closing = self._ending = True
        shutdown = Shutdown(self._state, self._execution, self._turn, lambda: self._hurried)
        shutdown.end_jobs(self._settings.grace, self._too_early())
        if self._scheduler.remote:
            shutdown.wait_for_queue_jobs()

    def _turn(self) -> None:
        """Does what is to be done, waits for what comes, and takes that in."""
        now = time.monotonic()
        self._state.tick(now)
        self._execution.execute()
        self._tidying.tidy(now)
        if self._woken:
            # Not before what it was woken for has been done; and while nobody wakes it.
            self._pipe.empty()
        self._pipe.fall_asleep()
        asked = self._inbox or (self._hurried if self._ending else self._closing)
        patience = 0.0 if asked else max(0.0, min(self._state.due(now), self._viewers.due) - now)
        ready = self._connections.wait(patience)
        self._pipe.rise()
        self._woken = self._pipe.read_end in ready
        self._handlers.listen()
        if self._news in ready:
            self._handlers.hear_scheduler()
        self._viewers.look(ready, self._connections.watch, now)
        self._inbox.empty_into(self._state)

    def _abandon(self, error: Exception) -> None:
        self._inbox.empty_into(self._state)
        self._state.end_all(self._state.tasks(), error)

    def _shut_down(self) -> None:
        # Each step, even if another one fails; the last one in is the first one out.
        with contextlib.ExitStack() as steps:
            if self._event_log is not None:
                steps.callback(self._event_log.close)
            if self._folder is not None:
                steps.callback(remove_shared_folder, self._folder)
            steps.callback(self._pipe.close)
            steps.callback(self._handlers.close)
            if self._arena is not None:
                steps.callback(self._arena.close)
            steps.callback(self._execution.close)
            steps.callback(self._connections.close)
            steps.callback(self._viewers.close)
            steps.callback(self._end_the_rest)
            steps.callback(self._queue_jobs.session.close)
            steps.callback(self._execution.say_goodbye)

    def _end_the_rest(self) -> None:
        # From here on `submit` sees that nobody will look any more.
        self._gone = True
        self._abandon(self._refusal() if self._failure else self._too_early())

    def _too_early(self) -> JobCancelled:
        return JobCancelled(f"{self._scheduler!r} was closed before the job was over")
