"""`Executor`: the interface of ``concurrent.futures`` for calls in other processes, anywhere."""

from __future__ import annotations

import concurrent.futures
import copy
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ...schedulers.arguments import whole_number
from ...schedulers.choice import current, scheduler_of_own
from ...schedulers.limits import with_workers, workers_of
from ...serialization.by_value.explain import short_repr
from ..callables import check_callable
from .calls import ExecutorCalls
from .map import results_of_map

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from ...schedulers.base import Scheduler
    from ...schedulers.choice import SchedulerLike

    P = ParamSpec("P")

T = TypeVar("T")


class Executor(concurrent.futures.Executor):
    """A `concurrent.futures.Executor` whose calls run in other processes, on any scheduler.

    Its futures are `concurrent.futures.Future`s. Besides `cancel`, which takes back what no worker
    has been given yet, they have ``terminate()`` and ``kill()``, which end a call that runs; it is
    cancelled then. A call whose worker dies fails with `JobDied`; the executor and all other calls
    go on.

    A context manager: leaving it waits for all calls, but by Ctrl-C or ``sys.exit``, which end
    them. The end of the program waits for them, too.

    Example:
        >>> import gridengine
        >>> with gridengine.Executor(2, scheduler="process") as executor:
        ...     executor.submit(pow, 2, 10).result()
        1024

    Args:
        max_workers: Calls that run at the same time, at most. By default as many as the scheduler
            has workers.
        scheduler: Where they run: ``"process"``, ``"grid_engine"``, ``"slurm"``, ``"inline"``,
            one of `gridengine.schedulers`, or a class or function that makes one. By default
            what `gridengine.schedulers.current` is now. With ``max_workers`` or ``initializer`` the
            executor has workers of its own, those of a scheduler like it, and ends them when it is
            shut down. Otherwise it shares them with whatever else uses the scheduler.
        initializer: What each worker calls before its first call. If it raises, all calls fail
            with `concurrent.futures.BrokenExecutor`.
        initargs: Its arguments.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument has an impossible value.
        SchedulerUnavailable: The scheduler cannot be used here.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        scheduler: SchedulerLike | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
    ) -> None:
        if max_workers is not None:
            max_workers = _checked(max_workers)
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer is {short_repr(initializer)}, which cannot be called")
        used, owned = scheduler_of_own(current if scheduler is None else scheduler)
        if max_workers is not None:
            if scheduler is not None:
                max_workers = min(max_workers, workers_of(used))
            used, owned = with_workers(used, max_workers), True
        if initializer is not None:
            used, owned = _with_initializer(used, initializer, tuple(initargs)), True
        # dask and others ask for it.
        self._max_workers = workers_of(used)
        self._calls = ExecutorCalls(used, owned)
        weakref.finalize(self, self._calls.let_go).atexit = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Has ``fn(*args, **kwargs)`` called by a worker. Returns at once.

        Args:
            fn: Any callable: lambdas, closures and functions of ``__main__`` too.
            args: For it.
            kwargs: For it.

        Returns:
            Its future. If ``fn`` or an argument cannot travel, that fails with `PackingError`.

        Raises:
            TypeError: ``fn`` cannot be called, or is a coroutine function.
            RuntimeError: The executor was shut down, or its initializer has failed.
            SchedulerError: The scheduler cannot be used.
        """
        check_callable("fn", fn)
        return self._calls.submit(fn, args, kwargs)

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """As the builtin, in parallel. All calls are submitted now, whether results are asked for.

        Args:
            fn: As for `submit`.
            iterables: Its arguments. Without ``buffersize`` they are drawn to their end now.
            timeout: Seconds from now in which the last result is asked for.
            chunksize: Calls that go to a worker together, and fail together.
            buffersize: Results at most, or chunks of them, that are under way or there and have
                not been asked for.

        Returns:
            The values, in the order of the items. To let go of it cancels what has not begun.

        Raises:
            TypeError, ValueError: An argument is impossible.
            RuntimeError: As `submit`.
            SchedulerError: As `submit`.
            BaseException: When a result is asked for: what its call raised, or `TimeoutError`.
        """
        check_callable("fn", fn)
        return results_of_map(self._calls, fn, iterables, timeout, chunksize, buffersize)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls, and ends the workers of its own when all are over. Idempotent.

        Args:
            wait: Whether to wait for that.
            cancel_futures: Whether to cancel what no worker has been given yet.
        """
        self._calls.refuse("cannot schedule new futures after shutdown")
        if cancel_futures:
            self._calls.cancel()
        if wait:
            self._calls.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if error is not None and not isinstance(error, Exception):
            # Ctrl-C: whoever wants to leave waits for nothing that may take long.
            self._calls.refuse("cannot schedule new futures after shutdown")
            self._calls.terminate()
        return super().__exit__(kind, error, traceback)

    @property
    def _broken(self) -> bool:
        # Those of `concurrent.futures` have it, and there are programs that look at it.
        return self._calls.broken


def _checked(max_workers: int) -> int:
    if whole_number("max_workers", max_workers, -sys.maxsize) < 1:
        # In the words of `concurrent.futures`.
        raise ValueError(f"max_workers must be greater than 0, and is {max_workers}")
    return max_workers


def _with_initializer(
    scheduler: Scheduler, initializer: Callable[..., object], initargs: tuple[Any, ...]
) -> Scheduler:
    """Returns a scheduler like another one, whose workers call something first."""
    changed = copy.copy(scheduler)
    changed.initializer, changed.initargs = initializer, initargs
    return changed
