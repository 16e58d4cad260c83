"""Maps for `asyncio`: what `gridengine.map`, `imap` and `imap_unordered` are elsewhere.

::

    values = await gridengine.aio.map(f, items)

    async for value in gridengine.aio.imap(f, items):
        ...

A `gridengine.Job` that was started is awaited as it is: ``value = await job``.
"""

from __future__ import annotations

from .client.asynchronous.maps import map_in_thread, values_in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
    from typing import Any, Literal, TypeAlias, TypeVar, overload

    from typing_extensions import Unpack

    from .client.call_options import ImapOptions, MapOptions

    A = TypeVar("A")
    B = TypeVar("B")
    Items: TypeAlias = Iterable[A] | AsyncIterable[A]
    R = TypeVar("R")

__all__ = ["imap", "imap_unordered", "map"]


# What type checkers take it for, as `gridengine.client.map` has it.
# fmt: off
if TYPE_CHECKING:
    @overload
    async def map(
        f: Callable[[A], R], a: Items[A], /, *,
        reraise: Literal[True] = ..., **options: Unpack[MapOptions],
    ) -> list[R]: ...
    @overload
    async def map(
        f: Callable[[A], R], a: Items[A], /, *,
        reraise: bool, **options: Unpack[MapOptions],
    ) -> list[R | BaseException]: ...
    @overload
    async def map(
        f: Callable[[A, B], R], a: Items[A], b: Items[B], /, *,
        reraise: Literal[True] = ..., **options: Unpack[MapOptions],
    ) -> list[R]: ...
    @overload
    async def map(
        f: Callable[[A, B], R], a: Items[A], b: Items[B], /, *,
        reraise: bool, **options: Unpack[MapOptions],
    ) -> list[R | BaseException]: ...
    @overload
    async def map(
        f: Callable[..., R], a: Items[Any], b: Items[Any], c: Items[Any], /, *more: Items[Any],
        reraise: Literal[True] = ..., **options: Unpack[MapOptions],
    ) -> list[R]: ...
    @overload
    async def map(
        f: Callable[..., R], a: Items[Any], b: Items[Any], c: Items[Any], /, *more: Items[Any],
        reraise: bool, **options: Unpack[MapOptions],
    ) -> list[R | BaseException]: ...
# fmt: on


async def map(
    f: Callable[..., Any], *iterables: Items[Any], reraise: bool = True, **options: Any
) -> list[Any]:
    """As `gridengine.map`, awaited; the loop goes on meanwhile.

    While it runs it has a thread of its own, which draws the items, packs and unpacks; of
    asynchronous iterables the loop draws. A task that is cancelled takes back what is not done, and
    ends what runs.

    Args:
        f: Any callable, as for `gridengine.map`. It runs in a worker, and is no coroutine function.
        iterables: The arguments, as for the builtin; of any length. Each is an ordinary or an
            asynchronous iterable.
        reraise: As for `gridengine.map`.
        options: What else `gridengine.map` takes.

    Returns:
        The values, in the order of the items.

    Raises:
        RuntimeError: ``f`` raised StopIteration, which no coroutine can: it is the ``__cause__``;
            or no event loop of asyncio runs.
        BaseException: Else as `gridengine.map`, or what drawing an asynchronous iterable raised.
    """
    __tracebackhide__ = True  # as in `gridengine.client.map.map`
    return await map_in_thread(f, iterables, {"reraise": reraise, **options})


# fmt: off
if TYPE_CHECKING:
    @overload
    def imap(
        f: Callable[[A], R], a: Items[A], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R, None]: ...
    @overload
    def imap(
        f: Callable[[A], R], a: Items[A], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R | BaseException, None]: ...
    @overload
    def imap(
        f: Callable[[A, B], R], a: Items[A], b: Items[B], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R, None]: ...
    @overload
    def imap(
        f: Callable[[A, B], R], a: Items[A], b: Items[B], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R | BaseException, None]: ...
    @overload
    def imap(
        f: Callable[..., R], a: Items[Any], b: Items[Any], c: Items[Any], /, *more: Items[Any],
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R, None]: ...
    @overload
    def imap(
        f: Callable[..., R], a: Items[Any], b: Items[Any], c: Items[Any], /, *more: Items[Any],
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R | BaseException, None]: ...
# fmt: on


def imap(
    f: Callable[..., Any], *iterables: Items[Any], reraise: bool = True, **options: Any
) -> AsyncGenerator[Any, None]:
    """As `gridengine.imap`, for ``async for``; the loop goes on meanwhile.

    Nothing is begun before the first result is asked for. From then on it has a thread of its own,
    as `map`, in which results are made a little ahead of who asks for them. The results of
    asynchronous items come as soon as they are there, however long the next item takes to come.

    Leaving the loop early and ``aclose()``, or cancelling the task, takes back what is not done,
    and ends what runs. A generator that was left without ``aclose()`` ends when it is let go of.

    Args:
        f: As for `map`.
        iterables: As for `map`.
        reraise: As for `gridengine.imap`.
        options: What else `gridengine.imap` takes. With ``buffersize`` each result waits until the
            one before was taken; and a ``timeout`` begins when the first result is asked for.

    Yields:
        The values, in the order of the items.

    Raises:
        RuntimeError: As `map`; of StopAsyncIteration too.
        BaseException: As `map`, all of it when the results are asked for.
    """
    return values_in_thread(f, iterables, {"reraise": reraise, **options})


# fmt: off
if TYPE_CHECKING:
    @overload
    def imap_unordered(
        f: Callable[[A], R], a: Items[A], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R, None]: ...
    @overload
    def imap_unordered(
        f: Callable[[A], R], a: Items[A], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R | BaseException, None]: ...
    @overload
    def imap_unordered(
        f: Callable[[A, B], R], a: Items[A], b: Items[B], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R, None]: ...
    @overload
    def imap_unordered(
        f: Callable[[A, B], R], a: Items[A], b: Items[B], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R | BaseException, None]: ...
    @overload
    def imap_unordered(
        f: Callable[..., R], a: Items[Any], b: Items[Any], c: Items[Any], /, *more: Items[Any],
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R, None]: ...
    @overload
    def imap_unordered(
        f: Callable[..., R], a: Items[Any], b: Items[Any], c: Items[Any], /, *more: Items[Any],
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> AsyncGenerator[R | BaseException, None]: ...
# fmt: on


def imap_unordered(
    f: Callable[..., Any], *iterables: Items[Any], reraise: bool = True, **options: Any
) -> AsyncGenerator[Any, None]:
    """As `imap`, but the results come in the order in which they are done.

    So a slow call is in nobody's way. Who wants to know which item a result is of has ``f``
    return that too.
    """
    return values_in_thread(f, iterables, {"reraise": reraise, "ordered": False, **options})
