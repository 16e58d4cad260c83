"""The calls of a task in the program itself, as a worker runs them."""

from __future__ import annotations

import bdb
import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..serialization import by_value
from ..serialization.batches import unpack_each
from ..serialization.exceptions import FailureHere, add_note, below_the_worker
from ..serialization.function_options import FunctionWithOptions
from ..serialization.packed import Function, Packed
from ..serialization.serializer import pack, unpack
from ..states import Mode
from ..transport.shared_memory import gather
from .calls import Items, Span, pack_failure, pack_values, run_slice
from .seeds import NumberedItems, SeededCalls, streams_of

#: What ends the program, or its debugger, and not the job alone.
_OF_THE_PROGRAM = (KeyboardInterrupt, bdb.BdbQuit)


class InlineCalls:
    """The calls of one task, to be run as often as it is tried.

    Args:
        function: What is called; see `unpack_function`.
        mode: How it is applied.
        payload: The packed arguments.
        frames: The buffers that they refer to; they stay as they are.
        first: The number of the first of them within its map.
        apart: Whether the arguments of each call are packed by themselves.
        fail_fast: Whether the first failure makes the other calls unwanted.

    Attributes:
        options: What else is to be done with them, None for nothing.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        mode: Mode,
        payload: bytes,
        frames: Sequence[Any],
        *,
        first: int,
        apart: bool,
        fail_fast: bool,
    ) -> None:
        self.options = function if type(function) is FunctionWithOptions else None
        if self.options is not None:
            function = self.options.function
        single = mode is Mode.CALL
        self._function = functools.partial(_call, function) if single else function
        self._mode = mode
        self._payload = payload
        self._frames = frames
        self._first = first
        self._apart = apart
        self._fail_fast = fail_fast
        self._pid = os.getpid()

    def run(self, lo: int, hi: int) -> tuple[Span, int]:
        """Runs the calls from ``lo`` to ``hi`` (not included); returns how far it came, too.

        Raises:
            KeyboardInterrupt, BdbQuit, SystemExit: The program is to end, or to leave its debugger.
            ShortOfMemory: There is none for the arguments.
        """
        span = Span(lo, self.options)
        items: Items = (_Single if self._mode is Mode.CALL else _Many)(self._arguments)
        function, mode = self._function, self._mode
        seed = None if self.options is None else self.options.seed
        if seed is not None:
            function, mode = SeededCalls(function, mode, seed), Mode.STARMAP
            items = NumberedItems(items, self._first)
        span.end = hi
        with streams_of(seed):
            end = run_slice(
                function, mode, items, lo, span, self._fail_fast, self._die_in_a_fork, _fail
            )
        return span, end

    def packed(self, span: Span) -> Packed:
        """Returns the values of some calls, packed, in memory of their own.

        Of those that cannot travel ``span`` has a failure afterwards.
        """
        if self._mode is not Mode.CALL:
            payload, frames = pack_values(span.values, span.lo, span.failures)
        elif span.failures:
            return b"", ()
        else:
            try:
                payload, frames = pack(span.values[0], "the result", upward=True)
            except Exception as error:
                span.failures[0] = _fail(error)
                return b"", ()
        return payload, copied(frames)

    def _arguments(self) -> Any:
        unpacked = unpack_each if self._apart else unpack
        with by_value.from_here():
            return unpacked(self._payload, copied(self._frames))

    def _die_in_a_fork(self) -> None:
        # A call that forked, and whose child came back here, would have the program go on twice.
        if os.getpid() != self._pid:
            os._exit(0)


class _Many:
    """The arguments of the calls of a map, unpacked when the first is due."""

    def __init__(self, unpacked: Callable[[], Items]) -> None:
        self._unpacked = unpacked
        self._items: Items | None = None

    def __getitem__(self, part: slice) -> Iterable[Any]:
        if self._items is None:
            self._items = self._unpacked()
        items = self._items[part]
        return items if isinstance(items, Sequence) else _unpacked_here(items)


def _unpacked_here(items: Iterable[Any]) -> Iterable[Any]:
    # While one is unpacked, but not while its call runs.
    drawn = iter(items)
    while True:
        with by_value.from_here():
            try:
                item = next(drawn)
            except StopIteration:
                return
        yield item


class _Single:
    """The arguments of the one call of a job."""

    def __init__(self, unpacked: Callable[[], Any]) -> None:
        self._unpacked = unpacked

    def __getitem__(self, part: slice) -> Iterable[Any]:
        return (self._unpacked() for _ in range(1))


def _call(function: Callable[..., Any], arguments: tuple[Any, Any]) -> Any:
    args, kwargs = arguments
    return function(*args, **kwargs)


def unpack_function(function: Function) -> Callable[..., Any]:
    """Returns a function, made anew; one that raises, if it cannot be made."""
    try:
        with by_value.from_here():
            made: Callable[..., Any] = unpack(function.payload, copied(function.frames))
    except Exception as error:
        broken = error
        add_note(broken, "raised while the function was unpacked")
        return failing(broken)
    return made


def failing(error: BaseException) -> Callable[..., Any]:
    """Returns a function that raises an exception, whatever it is called with."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def copied(frames: Sequence[Any]) -> Sequence[Any]:
    """Returns copies of buffers, which whoever unpacks them may change."""
    return [bytearray(frame) for frame in gather(frames)] if frames else ()


def _fail(error: BaseException) -> bytes:
    """Returns what a call has raised, packed.

    Raises:
        BaseException: It itself, if it is for the program.
    """
    if isinstance(error, _OF_THE_PROGRAM) or _leaves_pdb(error):
        raise error
    failure = FailureHere(pack_failure(error))
    failure.trace = below_the_worker(error)
    return failure


def _leaves_pdb(error: BaseException) -> bool:
    # From Python 3.14 on, to quit from a breakpoint is to end the program.
    trace = error.__traceback__ if isinstance(error, SystemExit) else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == "pdb"
