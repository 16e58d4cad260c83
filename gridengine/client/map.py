"""`map`: the everyday face."""

from __future__ import annotations

import math
import operator
import time

from .. import nesting
from ..dispatcher.registry import dispatcher_for
from ..schedulers import best_available
from ..schedulers.arguments import whole_number
from ..schedulers.base import checked_scheduler, innermost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from typing import Any, TypeVar

    from ..schedulers.base import Scheduler

    R = TypeVar("R")

#: Calls of a map of unknown length, as far as the number of workers goes.
_MANY = 1_000_000


def map(
    f: Callable[..., R],
    *iterables: Iterable[Any],
    scheduler: Scheduler | None = None,
    reraise: bool = True,
    chunksize: int | None = None,
    timeout: float | None = None,
) -> list[R]:
    """Applies ``f`` to the items of iterables, in parallel; equal to ``list(map(f, ...))``.

    Example:
        >>> import gridengine
        >>> with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        ...     gridengine.map(abs, [-1, 2, -3], scheduler=scheduler)
        [1, 2, 3]

    Args:
        f: Any callable: lambdas, closures and functions of ``__main__`` too.
        iterables: The arguments, as for the builtin; of any length, generators too. They are
            drawn from only a little ahead of the workers.
        scheduler: Where to run; by default `gridengine.schedulers.current`: that of the ``with``
            around it, or the best that there is. Within a job that is what the job was granted:
            with one core the calls run in the job's own process.
        reraise: Whether to raise an exception as soon as it is known, of several the first in
            order, and cancel what has not begun. Otherwise exceptions stand in the list in the
            place of values; `raised` tells them from exceptions that ``f`` returned.
        chunksize: Calls that go to a worker together. By default by the time they take.
        timeout: Seconds for the whole map. An item that is just being drawn is waited for.

    Returns:
        The values, in the order of the items.

    Raises:
        BaseException: What ``f`` raised, with the remote traceback as its ``__cause__``.
        JobError: A call ended in another way; see `gridengine.errors`.
        TimeoutError: The time was over; all calls were cancelled (also the builtin's).
        PackingError: ``f`` or an item cannot travel (also a TypeError).
        SchedulerError: The scheduler cannot be used.
        TypeError, ValueError: An argument is impossible.
    """
    if not callable(f):
        raise TypeError(f"f is {_shown(f)}, which cannot be called")
    if not iterables:
        raise TypeError("map() must have at least one iterable")
    if chunksize is not None:
        chunksize = whole_number("chunksize", chunksize, 1)
    end = math.inf if timeout is None else time.monotonic() + timeout
    length = min(operator.length_hint(each, -1) for each in iterables)
    runs = _runs(
        f, iterables, scheduler, length=length, chunksize=chunksize, reraise=reraise, end=end
    )
    results: list[R] = []
    try:
        for values in runs:
            results += values
    except RuntimeError as error:
        # A call may raise StopIteration, but the stream, which is a generator, cannot.
        if isinstance(error.__cause__, StopIteration) and raised(error.__cause__):
            raise error.__cause__ from error.__cause__.__cause__
        raise
    finally:
        runs.close()
    return results


def _runs(
    f: Callable[..., R],
    iterables: tuple[Iterable[Any], ...],
    scheduler: Scheduler | None,
    *,
    length: int,
    chunksize: int | None,
    reraise: bool,
    end: float,
) -> Generator[list[R], None, None]:
    single = len(iterables) == 1
    items = iterables[0] if single else zip(*iterables)  # noqa: B905  # as the builtin
    scheduler = innermost() if scheduler is None else checked_scheduler(scheduler)
    if scheduler is None and end == math.inf and nesting.runs_in_place():
        from ..states import Mode
        from .in_place import stream_in_place

        mode = Mode.MAP if single else Mode.STARMAP
        return stream_in_place(f, items, mode, chunksize=chunksize, reraise=reraise)
    dispatcher = dispatcher_for(
        scheduler or best_available(), calls=_MANY if length < 0 else length
    )
    # Now, when the first workers are on their way: they start in the meantime.
    from ..serialization.functions import pack_function
    from ..states import Mode
    from .map_stream import stream

    return stream(
        dispatcher,
        pack_function(f, "the function"),
        items,
        Mode.MAP if single else Mode.STARMAP,
        length=length,
        chunksize=chunksize,
        reraise=reraise,
        end=end,
    )


def raised(value: object) -> bool:
    """Returns True for an exception that a job raised, in a list made with ``reraise=False``.

    False for one that the function returned as its value, and for all else.
    """
    from ..errors import JobError
    from ..serialization.exceptions import RemoteTraceback

    if not isinstance(value, BaseException):
        return False
    return isinstance(value.__cause__, RemoteTraceback) or isinstance(value, JobError)


def _shown(value: object) -> str:
    from ..serialization.by_value.explain import short_repr

    return short_repr(value)
