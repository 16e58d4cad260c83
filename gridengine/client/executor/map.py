"""`Executor.map`: futures of calls or of chunks of them, and their results one by one."""

from __future__ import annotations

import collections
import itertools
import operator
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calls import ExecutorCalls
    from .future import CallFuture

    _Futures = Iterator[CallFuture[Any]]


def results_of_map(
    calls: ExecutorCalls,
    function: Callable[..., Any],
    iterables: tuple[Iterable[Any], ...],
    timeout: float | None,
    chunksize: int,
    buffersize: int | None,
) -> Generator[Any, None, None]:
    """Submits the calls of a map, and returns its results; see `Executor.map`.

    Raises:
        TypeError, ValueError: An argument is impossible; the texts are those of
            ``concurrent.futures``.
    """
    if operator.index(chunksize) < 1:
        raise ValueError("chunksize must be >= 1.")
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError("buffersize must be an integer or None")
    if buffersize is not None and buffersize < 1:
        raise ValueError("buffersize must be None or > 0")
    end = None if timeout is None else time.monotonic() + timeout
    items = zip(*iterables)  # noqa: B905  # as the builtin
    if chunksize == 1:
        more: _Futures = (calls.submit(function, args, {}) for args in items)
    else:
        more = (calls.submit_chunk(function, chunk) for chunk in _chunks(items, chunksize))
    futures = collections.deque(itertools.islice(more, buffersize))
    return _results(futures, more, chunked=chunksize > 1, end=end)


def _chunks(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while chunk := list(itertools.islice(items, size)):
        yield chunk


def _results(
    futures: collections.deque[CallFuture[Any]], more: _Futures, *, chunked: bool, end: float | None
) -> Generator[Any, None, None]:
    try:
        while futures:
            patience = None if end is None else end - time.monotonic()
            future = futures[0]
            # What it has raised refers to this frame, and the frame shall not refer to it.
            try:
                value = future.result(patience)
            finally:
                if future.done():
                    futures.popleft()
                del future
            # Before the values: who asks for the next one shall not find idle workers.
            futures.extend(itertools.islice(more, 1))
            if chunked:
                value.reverse()
                while value:
                    yield value.pop()
            else:
                holder = [value]
                del value
                yield holder.pop()
    finally:
        for future in futures:
            future.cancel()
        futures.clear()
