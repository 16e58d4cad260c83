"""`Pool`: `multiprocessing.Pool`, on any scheduler."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ...ledger.task import Task
from ...schedulers.arguments import whole_number
from ...schedulers.limits import workers_of
from ...serialization.functions import pack_function
from ...serialization.serializer import pack_arguments
from ...states import Mode
from ..call_options import PLAIN
from .async_result import AsyncResult, CallResult, MapResult
from .calls import RUN, PoolCalls
from .imap import IMapIterator, IMapUnorderedIterator
from .scheduler import scheduler_of_pool

if TYPE_CHECKING:
    from typing_extensions import Self

    from ...schedulers.choice import SchedulerLike

R = TypeVar("R")

#: Chunks that a map has for each worker, as `multiprocessing` makes them.
_CHUNKS_PER_WORKER = 4


class Pool:
    """Calls functions in worker processes: `multiprocessing.Pool`, on any scheduler.

    A context manager: leaving it takes back what is not done, as `terminate`.

    Example:
        >>> import gridengine
        >>> with gridengine.Pool(2) as pool:
        ...     pool.map(abs, [-1, 2, -3])
        [1, 2, 3]

    Args:
        processes: Workers at one time, at most; by default as many as the scheduler has.
        initializer: What each worker calls before anything else.
        initargs: Its arguments.
        maxtasksperchild: Tasks, which are calls of `apply` and chunks of maps, after which a worker
            makes room for another one; None for as long as the pool is there.
        context: Without a meaning: workers are no children of the program. It is taken for those
            who have one to pass.
        scheduler: Where they run: ``"process"``, ``"grid_engine"``, ``"slurm"``, ``"inline"``,
            one of `gridengine.schedulers`, or a class or function that makes one. By default
            what `gridengine.schedulers.current` is. With any of the other arguments it is a copy of
            it, with workers of its own, which end with the pool.

    Raises:
        TypeError, ValueError: An argument is impossible.
        SchedulerError: The scheduler cannot be used.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: object = None,
        *,
        scheduler: SchedulerLike | None = None,
    ) -> None:
        own, owned = scheduler_of_pool(
            scheduler, processes, initializer, initargs, maxtasksperchild
        )
        calls = PoolCalls(own, owned)
        # Its workers start now; what cannot begin need not be closed.
        calls.dispatcher()
        self._calls = calls
        self._processes = workers_of(own)

    # ------------------------------------------------------------------ single calls

    def apply(
        self,
        func: Callable[..., R],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},  # as multiprocessing's; it is only read
    ) -> R:
        """Returns ``func(*args, **kwds)``, called in a worker.

        Raises:
            ValueError: The pool is not running.
            BaseException: As `AsyncResult.get`.
        """
        __tracebackhide__ = True
        return self.apply_async(func, args, kwds).get_here()

    def apply_async(
        self,
        func: Callable[..., R],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},  # as multiprocessing's; it is only read
        callback: Callable[[R], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult[R]:
        """As `apply`, but returns at once.

        Args:
            func: What is called.
            args: Its positional arguments.
            kwds: Its keyword arguments.
            callback: Called with the value, in a thread of the pool: one after the other, so it
                should not take long. What it raises is told `threading.excepthook`.
            error_callback: The same with the exception, if there is no value.

        Raises:
            ValueError: The pool is not running.
            SchedulerError: The scheduler cannot be used.
        """
        self._calls.check_running()
        calls = self._calls
        dispatcher = calls.dispatcher()
        result: CallResult[R] = CallResult(self, calls, callback, error_callback)
        try:
            function = PLAIN.placed(pack_function(func, "func"), *dispatcher.surroundings)
            arguments = tuple(args), dict(kwds)
            payload, frames = pack_arguments(arguments)
        except Exception as error:
            result.fail(error)
            return result
        task = Task(
            function,
            Mode.CALL,
            payload,
            dispatcher.sharing.frames(frames) if frames else frames,
            name=function.name,
            arguments=arguments,
        )
        result.run(dispatcher, task)
        return result

    # ------------------------------------------------------------------ maps

    def map(
        self, func: Callable[[Any], R], iterable: Iterable[Any], chunksize: int | None = None
    ) -> list[R]:
        """Returns ``list(map(func, iterable))``, called in the workers.

        All calls are made, whatever one of them raises, but for those behind it in its chunk.

        Args:
            func: What is called.
            iterable: Its arguments.
            chunksize: Calls that go to a worker together; by default a quarter of what each of
                the workers would have.

        Raises:
            ValueError: The pool is not running.
            BaseException: As `AsyncResult.get`.
        """
        __tracebackhide__ = True
        return self.map_async(func, iterable, chunksize).get_here()

    def map_async(
        self,
        func: Callable[[Any], R],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[R]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult[list[R]]:
        """As `map`, but returns when the arguments have been drawn; callbacks as `apply_async`.

        Raises:
            ValueError: The pool is not running.
            SchedulerError: The scheduler cannot be used.
            BaseException: What drawing the arguments has raised.
        """
        return self._map(func, iterable, Mode.MAP, chunksize, callback, error_callback)

    def starmap(
        self,
        func: Callable[..., R],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
    ) -> list[R]:
        """As `map`, for a function of several arguments, of which each item has all.

        Raises:
            ValueError: The pool is not running.
            BaseException: As `AsyncResult.get`.
        """
        __tracebackhide__ = True
        return self.starmap_async(func, iterable, chunksize).get_here()

    def starmap_async(
        self,
        func: Callable[..., R],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[R]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult[list[R]]:
        """As `starmap`, but returns when the arguments have been drawn; see `map_async`.

        Raises:
            ValueError: The pool is not running.
            SchedulerError: The scheduler cannot be used.
            BaseException: What drawing the arguments has raised.
        """
        return self._map(func, iterable, Mode.STARMAP, chunksize, callback, error_callback)

    def _map(
        self,
        func: Callable[..., R],
        iterable: Iterable[Any],
        mode: Mode,
        chunksize: int | None,
        callback: Callable[[list[R]], object] | None,
        error_callback: Callable[[BaseException], object] | None,
    ) -> AsyncResult[list[R]]:
        self._calls.check_running()
        # What is drawn later shall be what it is now.
        items: Sequence[Any] = iterable if type(iterable) in (range, tuple) else list(iterable)  # type: ignore[assignment]
        if chunksize is None:
            chunksize = -(-len(items) // (_CHUNKS_PER_WORKER * self._processes)) or 1
        size = whole_number("chunksize", chunksize, 1)
        result: MapResult[R] = MapResult(self, self._calls, callback, error_callback)
        try:
            function = pack_function(func, "func")
        except Exception as error:
            result.fail(error)
            return result
        chunks = (items[at : at + size] for at in range(0, len(items), size))
        result.run(function, mode, chunks)
        return result

    def imap(
        self, func: Callable[[Any], R], iterable: Iterable[Any], chunksize: int = 1
    ) -> IMapIterator[R]:
        """Returns an iterator over the results, in order, as they come.

        It begins at once. The iterable is drawn from in a thread of the pool, and only a little
        ahead of who takes the results, so that it may be without end; `join` has all of it drawn.

        Args:
            func: What is called.
            iterable: Its arguments.
            chunksize: Calls that go to a worker together.

        Raises:
            ValueError: The pool is not running; or ``chunksize`` is less than 1.
            PackingError: The function cannot travel.
            SchedulerError: The scheduler cannot be used.
        """
        results: IMapIterator[R] = IMapIterator(self, self._calls)
        self._begin(results, func, iterable, chunksize)
        return results

    def imap_unordered(
        self, func: Callable[[Any], R], iterable: Iterable[Any], chunksize: int = 1
    ) -> IMapUnorderedIterator[R]:
        """As `imap`, but the results come in the order in which their chunks are done.

        Raises:
            ValueError: The pool is not running; or ``chunksize`` is less than 1.
            PackingError: The function cannot travel.
            SchedulerError: The scheduler cannot be used.
        """
        results: IMapUnorderedIterator[R] = IMapUnorderedIterator(self, self._calls)
        self._begin(results, func, iterable, chunksize)
        return results

    def _begin(
        self,
        results: IMapIterator[R],
        func: Callable[[Any], R],
        iterable: Iterable[Any],
        chunksize: int,
    ) -> None:
        self._calls.check_running()
        size = whole_number("chunksize", chunksize, 1)
        results.run(pack_function(func, "func"), iterable, size)

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Takes no more calls. The workers end when those that were asked for are over."""
        self._calls.close()

    def terminate(self) -> None:
        """Takes back what is not done and ends what runs; returns when that is so.

        What had no result yet raises `JobCancelled`; its callbacks are not called.
        """
        self._calls.terminate()

    def join(self) -> None:
        """Waits until all calls are over, and all callbacks; to be called after `close`.

        Raises:
            ValueError: The pool was not closed.
            RuntimeError: It is called in a callback of the pool.
        """
        if self._calls.state == RUN:
            raise ValueError("Pool is still running")
        if self._calls.telling.is_current():
            raise RuntimeError("a callback of the pool cannot wait for all callbacks: join later")
        self._calls.join()

    def __enter__(self) -> Self:
        self._calls.check_running()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.terminate()

    def __repr__(self) -> str:
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return f"<{name} state={self._calls.state} pool_size={self._processes}>"

    def __reduce__(self) -> Any:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def __del__(
        self, _warn: Any = warnings.warn, _run: str = RUN, _over: Any = sys.is_finalizing
    ) -> None:
        # At the end of the interpreter, when modules are empty, its workers have been ended; and
        # what this needs by then is there.
        calls: PoolCalls | None = getattr(self, "_calls", None)
        if calls is not None and calls.state == _run:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)
            if not _over():
                calls.abandon()
