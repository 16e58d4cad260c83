"""`JobDispatcher`: a batch of jobs, dispatched together and joined together."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..dispatcher.dispatcher import Dispatcher
from ..dispatcher.registry import cancelled, dispatcher_for
from ..dispatcher.waiting import wait
from ..errors import TimeoutError
from ..ledger.task import Task
from ..logs import Log
from ..schedulers.choice import current, scheduler_of_own
from ..serialization.by_value.explain import short_repr
from ..settings import port_range
from .job import Job

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..schedulers.choice import SchedulerLike

log = Log(__name__)


class JobDispatcher:
    """Dispatches jobs to the workers of a scheduler, and gathers their results.

    A context manager: leaving it joins what was dispatched, or cancels it after an exception.

    Args:
        scheduler: A scheduler, the name of one, or a class or function that makes one. What was
            made so for it, the dispatcher closes; those of `gridengine.schedulers.current` and
            ``best_available``, of a name, and one that was passed in, stay open, with their
            workers.
        host: Name, address or interface at which workers shall find this program. By default
            ``GRIDENGINE_HOST``, or else all addresses of this host.
        ports: A range such as ``"54000-55000"`` to listen in. By default ``GRIDENGINE_PORTS``,
            or else any.

    Attributes:
        scheduler: The scheduler.
        start_time: When the last `dispatch` began, in seconds since the epoch; None before.
        end_time: When the last `join` found all jobs over; None before.

    Raises:
        TypeError: ``scheduler`` is no scheduler, nor makes one.
        ValueError: It is no name of one.
        GridEngineError: ``ports`` is no range.
        SchedulerUnavailable: The scheduler cannot be used here.
    """

    def __init__(
        self,
        scheduler: SchedulerLike = current,
        *,
        host: str = "",
        ports: str = "",
    ) -> None:
        port_range(ports)
        made, self._owned = scheduler_of_own(scheduler)
        self._host = host
        self._ports = ports
        self._dispatcher: Dispatcher | None = None
        self._jobs: list[Job[Any]] = []
        self._tasks: list[Task] = []
        self._began = self._ended = 0.0
        self.scheduler = made
        self.start_time: float | None = None
        self.end_time: float | None = None

    def dispatch(self, jobs: Iterable[Job[Any]]) -> None:
        """Starts jobs on this dispatcher's scheduler. Returns at once.

        If one of them cannot be started, those before it are cancelled.

        Raises:
            TypeError: They are no jobs.
            RuntimeError: The jobs of an earlier call have not been joined, or one of these
                was started before.
            PackingError: One of them cannot travel (also a TypeError).
            SchedulerError: The scheduler cannot be used.
        """
        if self._jobs:
            raise RuntimeError("jobs were dispatched before: join() them first")
        waiting = _checked(jobs)
        self._dispatcher = dispatcher_for(self.scheduler, self._host, self._ports)
        self.start_time, self.end_time = time.time(), None
        self._began = time.monotonic()
        try:
            for job in waiting:
                self._tasks.append(job.start_on(self._dispatcher))
                self._jobs.append(job)
        except BaseException:
            self._cancel()
            raise

    def join(self, timeout: float | None = None, *, reraise: bool = True) -> list[Any]:
        """Waits for the dispatched jobs and returns their results, in order.

        Args:
            timeout: Seconds to wait, for all of them together.
            reraise: Whether to raise the first exception, in order. Otherwise exceptions
                stand in the list; `gridengine.raised` tells them from returned ones.

        Raises:
            TimeoutError: They are not over yet; they go on, and may be joined again.
            BaseException: What the first job that failed has raised.
        """
        __tracebackhide__ = True  # as in `gridengine.client.map.map`
        end = None if timeout is None else time.monotonic() + timeout
        for job, task in zip(self._jobs, self._tasks, strict=True):
            # Not `Job.join`, which prints what is raised here.
            patience = None if end is None else max(0.0, end - time.monotonic())
            if job.is_alive() and not wait(task, patience):
                alive = sum(each.is_alive() for each in self._jobs)
                why = f"; {job.name} {reason}" if (reason := job.state_reason) else ""
                raise TimeoutError(f"{alive} of {len(self._jobs)} jobs are not over{why}")
        if self._jobs:
            self.end_time, self._ended = time.time(), time.monotonic()
        jobs, self._jobs, self._tasks = self._jobs, [], []
        errors = [job.exception for job in jobs]
        if reraise:
            for error in errors:
                if error is not None:
                    raise error
        return [
            job.result if error is None else error for job, error in zip(jobs, errors, strict=True)
        ]

    @property
    def elapsed_time(self) -> float | None:
        """Seconds from `dispatch` to the end of `join`, or until now; None before."""
        if self.start_time is None:
            return None
        return (time.monotonic() if self.end_time is None else self._ended) - self._began

    def __repr__(self) -> str:
        jobs = "1 job" if len(self._jobs) == 1 else f"{len(self._jobs)} jobs"
        return f"<{type(self).__name__}({self.scheduler!r}, {jobs})>"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows of it; waits for nothing."""
        from .job_html import batch_html

        return batch_html(type(self).__name__, self.scheduler, list(self._jobs), self.elapsed_time)

    def close(self) -> None:
        """Cancels what was dispatched and not joined. Idempotent."""
        self._cancel()
        if self._owned:
            self.scheduler.close()

    def _cancel(self) -> None:
        tasks, self._jobs, self._tasks = self._tasks, [], []
        unfinished = [task for task in tasks if not task.over]
        # All at once: the dispatcher looks through what waits for each time it is asked.
        if unfinished and self._dispatcher is not None:
            self._dispatcher.cancel(unfinished)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        unfinished = sum(not task.over for task in self._tasks)
        if error is not None and unfinished:
            log.warning("%s", cancelled(unfinished))
        try:
            if error is None and self._jobs:
                self.join()
        finally:
            self.close()


def _checked(jobs: Iterable[Job[Any]]) -> list[Job[Any]]:
    """Returns the jobs, all of them before the first is started.

    Raises:
        TypeError: One of them is none.
    """
    if isinstance(jobs, Job):
        raise TypeError("dispatch() takes an iterable of jobs: dispatch([job]) for one of them")
    listed = list(jobs)
    for place, job in enumerate(listed):
        if not isinstance(job, Job):
            raise TypeError(
                f"dispatch() takes jobs, but number {place} is {short_repr(job)}; "
                "a call becomes one by gridengine.Job(target=..., args=...)"
            )
    return listed
