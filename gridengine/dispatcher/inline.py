"""A dispatcher without workers: it runs each task itself, before `submit` returns."""

from __future__ import annotations

import functools
import os
import resource
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from .. import nesting
from ..errors import InitializerError, JobCancelled, SchedulerError
from ..ledger.durations import Durations
from ..ledger.events import JobRetried, JobsStarted, JobStarted
from ..ledger.lead import Lead
from ..ledger.observers import Observers
from ..ledger.task import Outcome, Place, Task
from ..schedulers.base import Scheduler, enter
from ..schedulers.inline import InlineScheduler
from ..serialization.own_surroundings import own_surroundings_of
from ..serialization.packed import ShortOfMemory
from ..settings import REMEMBERED_DURATIONS, Settings
from ..states import JobState
from ..worker.calls import RSS_UNIT
from ..worker.inline import InlineCalls, failing, unpack_function
from ..worker.known_functions import initializer_error
from ..worker.own_surroundings import Surroundings
from .inbox import guarded
from .new_state import surroundings_of
from .new_task_messages import initializer_of
from .opening import open_mails
from .overview import overview_of_inline
from .sharing import Sharing
from .state_reasons import NoStateReasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ledger.observers import Observer
    from ..schedulers.asked import Asked


class InlineDispatcher:
    """Has the interface of `gridengine.dispatcher.dispatcher.Dispatcher`, which says more.

    Any thread may use it, and a task that it runs may submit others. What is asked of it about a
    task that runs is done when that leaves it to: nobody can end a call that runs.

    Args:
        scheduler: What maps and jobs within the tasks use that name no other.

    Attributes:
        inline: True, and False of a `Dispatcher`.
        surroundings: ``cwd`` and ``env`` of the scheduler.
        forsaken: Whether this is a copy, in a fork of the program.
        lead: As of a `Dispatcher`.
        overview: Returns what there is now, for people.
        remote: As of a `Dispatcher`.
        sharing: Makes large buffers ready.
        shows_progress: As of a `Dispatcher`.
        state_reasons: As of a `Dispatcher`.
    """

    inline = True
    fresh = False
    possible_workers = 1

    def __init__(self, scheduler: Scheduler) -> None:
        # Whose user may let go of it.
        self._scheduler = weakref.ref(scheduler)
        self._name = repr(scheduler)
        self.surroundings = surroundings_of(scheduler)
        # Until it has been called, and what came of that.
        self._initializer: Callable[[], object] | None = initializer_of(scheduler)
        self._uninitialized: InitializerError | None = None
        self._durations = Durations()
        self.lead = Lead()
        self._observers = Observers()
        # Maps of several threads may begin and end at once.
        self._changing = threading.Lock()
        settings = Settings.read(arguments=scheduler.settings)
        open_mails(settings, self._observers)
        self.shows_progress, self.remote = settings.progress, False
        # As in a worker, calls one after the other share what their function holds.
        self._functions: dict[bytes, Callable[..., Any]] = {}
        # What runs, and in which thread.
        self._running: dict[Task, int] = {}
        self.overview = functools.partial(overview_of_inline, self._running)
        self.state_reasons = NoStateReasons()
        self.maps: dict[object, Callable[[], int]] = {}
        self._closing = self._released = False
        self.forsaken = False
        self.sharing = Sharing(None, keep=False)

    # ------------------------------------------------------------------ a task

    def submit(self, *tasks: Task) -> None:
        """Runs tasks.

        Raises:
            SchedulerError: The scheduler was closed.
            KeyboardInterrupt, BdbQuit, SystemExit: The program is to end, or to leave its debugger;
                the tasks that are not over are cancelled.
        """
        for task in tasks:
            self._submit(task)

    def _submit(self, task: Task) -> None:
        if self._closing:
            raise SchedulerError(f"{self._name} was closed")
        if self._observers.callbacks:
            self._observers.jobs_submitted([task])
        self._running[task] = threading.get_ident()
        # Nested jobs run here, too.
        leave = enter(self._scheduler() or InlineScheduler())
        try:
            self._run(task)
        except ShortOfMemory as error:
            task.end(JobState.FAILED, error)
            self._tell_of_end(task)
        except BaseException as error:
            self._cancel(task, f"{type(error).__name__} has left job {task.name!r}")
            raise
        finally:
            leave()
            del self._running[task]
        if self._released and not self._running:
            self._closing = True

    def _run(self, task: Task) -> None:
        surroundings = Surroundings()
        try:
            surroundings.enter(*own_surroundings_of(task.function))
            function = self._unpacked(task)
        except OSError as error:
            function = failing(error)
        try:
            self._run_calls(task, function)
        finally:
            surroundings.leave()

    def _run_calls(self, task: Task, function: Callable[..., Any]) -> None:
        calls = InlineCalls(
            function, task.mode, task.payload, task.frames,
            first=task.first, apart=task.apart, fail_fast=task.fail_fast,
        )  # fmt: skip
        task.place = Place(os.uname().nodename, os.getpid(), nesting.queue_job())
        task.move(JobState.RUNNING)
        task.attempts += 1
        lo, errors = 0, 0
        while lo < task.size and task.wanted:
            outcome, may_be_tried_again = self._outcome_of(task, calls, lo)
            if task.over:
                # Cancelled by another thread: nobody wants it.
                return
            if may_be_tried_again and errors < task.error_retries:
                errors += 1
                task.attempts += 1
                self._tell_of_retry(task, outcome)
                continue
            lo, errors = outcome.hi, 0
            task.record(outcome)
            if self._observers.callbacks:
                self._observers.answered(task, outcome)
            if task.over:
                return

    def _outcome_of(self, task: Task, calls: InlineCalls, lo: int) -> tuple[Outcome, bool]:
        """Runs calls from ``lo`` on: all, or one where each may be tried again by itself.

        Returns how they ended, and whether one has failed that may be.
        """
        hi = lo + 1 if task.error_retries else task.size
        assert task.place is not None
        if self._observers.callbacks:
            host, pid, _ = task.place
            job = JobStarted(task.id, task.name, lo, hi, task.attempts)
            self._observers.tell(JobsStarted((job,), host, pid))
        before = resource.getrusage(resource.RUSAGE_SELF)
        span, end = calls.run(lo, hi)
        wall = time.perf_counter() - span.begin
        self._durations.learn(task.function.key, wall / (end - lo))
        payload, frames = calls.packed(span)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        if not payload and frames:
            payload, frames = frames[0], frames[1:]
        outcome = Outcome(
            lo, end, payload, frames, span.failures, wall, cpu, after.ru_maxrss * RSS_UNIT,
            task.place,
        )  # fmt: skip
        return outcome, bool(span.failures if calls.options is None else span.again)

    def _tell_of_retry(self, task: Task, outcome: Outcome) -> None:
        if self._observers.callbacks:
            where = outcome.lo, outcome.hi
            self._observers.tell(JobRetried(task.id, task.name, *where, "it raised"))

    def _unpacked(self, task: Task) -> Callable[..., Any]:
        self._initialize()
        if self._uninitialized is not None:
            return failing(self._uninitialized.with_traceback(None))
        key = task.function.key
        function = self._functions.get(key)
        if function is None:
            function = unpack_function(task.function)
            if len(self._functions) >= REMEMBERED_DURATIONS:
                self._functions.clear()
            self._functions[key] = function
        return function

    def _initialize(self) -> None:
        initializer, self._initializer = self._initializer, None
        if initializer is None:
            return
        try:
            initializer()
        except Exception as error:
            self._uninitialized = initializer_error(initializer, error)

    # ------------------------------------------------------------------ what else may be asked

    @property
    def closed(self) -> bool:
        """True once it takes no more tasks."""
        return self._closing

    def set_requests(self, task: Task, asked: Asked) -> None:
        """Does nothing: requests are for a batch system."""

    def forget(self, function: bytes) -> None:
        """Lets go of a function that will not be called again."""
        self._functions.pop(function, None)

    def usual_duration(self, function: bytes) -> float | None:
        """Returns the seconds that a call of this function takes, None if not yet known."""
        return self._durations.usual(function)

    def staff(self, kind: int | None = 0) -> int:
        """Returns how many workers are there: the thread that asks."""
        return 1

    def cancel(self, tasks: Iterable[Task], signum: int | None = None) -> None:
        """Takes tasks back; of one that runs in another thread nobody hears any more."""
        for task in tasks:
            if not task.over:
                task.exit_signal = signum or signal.SIGTERM
                self._cancel(task, f"job {task.name!r} was cancelled while it ran in this process")

    def drop(self, tasks: Iterable[Task]) -> None:
        """As `cancel`."""
        self.cancel(tasks)

    def _cancel(self, task: Task, why: str) -> None:
        task.end(JobState.CANCELLED, JobCancelled(why))
        self._tell_of_end(task)

    def _tell_of_end(self, task: Task) -> None:
        if self._observers.callbacks:
            self._observers.job_ended(task)

    def observe(self, observer: Observer) -> Callable[[], object]:
        """Has an observer hear all events from now on, in the thread where they happen.

        Returns:
            What ends that.
        """
        guard = guarded(observer, self._observers)
        with self._changing:
            self._observers.add(guard)
        return lambda: self._forget(guard)

    def _forget(self, observer: Observer) -> None:
        with self._changing:
            self._observers.remove(observer)

    def task(self, number: int) -> Task | None:
        """Returns the task of a number, None if it does not run."""
        return next((task for task in list(self._running) if task.id == number), None)

    def unfinished(self) -> list[Task]:
        """Returns what other threads run and the program shall wait for."""
        # Not what this one runs: it would wait for itself.
        return [task for task in self._of_other_threads() if not task.daemon]

    def _of_other_threads(self) -> list[Task]:
        here = threading.get_ident()
        return [task for task, thread in list(self._running.items()) if thread != here]

    def release(self) -> None:
        """Has it close by itself as soon as nothing runs."""
        self._released = True
        if not self._running:
            self._closing = True

    def close(self) -> None:
        """Takes no more tasks; those that other threads run are cancelled. Idempotent."""
        self.begin_to_close()
        self.cancel(self._of_other_threads())

    def begin_to_close(self) -> None:
        """Takes no more tasks."""
        self._closing = True

    def hurry(self) -> None:
        """Does nothing: to close it takes no time."""

    def forsake(self) -> None:
        """To be called in a fork of the program."""
        self._closing = self.forsaken = True
