"""Maps for `asyncio`: what `gridengine.map`, `imap` and `imap_unordered` are elsewhere.

::

    values = await gridengine.aio.map(f, items)

    async for value in gridengine.aio.imap(f, items):
        ...

A `gridengine.Job` that was started is awaited as it is: ``value = await job``.
"""

from __future__ import annotations

from .client.async_maps import map_in_thread, values_in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
    from typing import Any, TypeVar

    from .schedulers.choice import SchedulerLike

    R = TypeVar("R")

__all__ = ["imap", "imap_unordered", "map"]


async def map(
    f: Callable[..., R],
    *iterables: Iterable[Any] | AsyncIterable[Any],
    scheduler: SchedulerLike | None = None,
    reraise: bool = True,
    chunksize: int | None = None,
    timeout: float | None = None,
) -> list[R]:
    """As `gridengine.map`, awaited; the loop goes on meanwhile.

    While it runs it has a thread of its own, which draws the items, packs and unpacks; of
    asynchronous iterables the loop draws. A task that is cancelled takes back what is not done, and
    ends what runs.

    Args:
        f: Any callable, as for `gridengine.map`. It runs in a worker, and is no coroutine function.
        iterables: The arguments, as for the builtin; of any length. Each is an ordinary or an
            asynchronous iterable.
        scheduler: As for `gridengine.map`.
        reraise: As for `gridengine.map`.
        chunksize: As for `gridengine.map`.
        timeout: As for `gridengine.map`.

    Returns:
        The values, in the order of the items.

    Raises:
        RuntimeError: ``f`` raised StopIteration, which no coroutine can: it is the ``__cause__``;
            or no event loop of asyncio runs.
        BaseException: Else as `gridengine.map`, or what drawing an asynchronous iterable raised.
    """
    options = {
        "scheduler": scheduler, "reraise": reraise, "chunksize": chunksize, "timeout": timeout,
    }  # fmt: skip
    return await map_in_thread(f, iterables, options)


def imap(
    f: Callable[..., R],
    *iterables: Iterable[Any] | AsyncIterable[Any],
    scheduler: SchedulerLike | None = None,
    reraise: bool = True,
    chunksize: int | None = None,
    buffersize: int | None = None,
    timeout: float | None = None,
) -> AsyncGenerator[R, None]:
    """As `gridengine.imap`, for ``async for``; the loop goes on meanwhile.

    Nothing is begun before the first result is asked for. From then on it has a thread of its own,
    as `map`, in which results are made a little ahead of who asks for them. The results of
    asynchronous items come as soon as they are there, however long the next item takes to come.

    Leaving the loop early and ``aclose()``, or cancelling the task, takes back what is not done,
    and ends what runs. A generator that was left without ``aclose()`` ends when it is let go of.

    Args:
        f: As for `map`.
        iterables: As for `map`.
        scheduler: As for `gridengine.map`.
        reraise: As for `gridengine.imap`.
        chunksize: As for `gridengine.map`.
        buffersize: Calls at most that are drawn from the iterables and whose results have not
            been asked for; each result then waits until the one before was taken. By default as
            many as keep the workers busy.
        timeout: Seconds from when the first result is asked for until the last one is there.

    Yields:
        The values, in the order of the items.

    Raises:
        RuntimeError: As `map`; of StopAsyncIteration too.
        BaseException: As `map`, all of it when the results are asked for.
    """
    options = {
        "scheduler": scheduler, "reraise": reraise, "chunksize": chunksize,
        "buffersize": buffersize, "timeout": timeout,
    }  # fmt: skip
    return values_in_thread(f, iterables, options)


def imap_unordered(
    f: Callable[..., R],
    *iterables: Iterable[Any] | AsyncIterable[Any],
    scheduler: SchedulerLike | None = None,
    reraise: bool = True,
    chunksize: int | None = None,
    buffersize: int | None = None,
    timeout: float | None = None,
) -> AsyncGenerator[R, None]:
    """As `imap`, but the results come in the order in which they are done.

    So a slow call is in nobody's way. Who wants to know which item a result is of has ``f``
    return that too.
    """
    options = {
        "scheduler": scheduler, "reraise": reraise, "chunksize": chunksize,
        "buffersize": buffersize, "timeout": timeout, "ordered": False,
    }  # fmt: skip
    return values_in_thread(f, iterables, options)
