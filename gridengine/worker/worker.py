"""The worker: takes blocks of calls, runs them, sends the outcomes."""

from __future__ import annotations

import collections
import itertools
import os
import pickle
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import JobExited, PackingError, format_bytes
from ..serialization.batches import Each, unpack_each
from ..serialization.exceptions import add_note, pack_error
from ..serialization.serializer import pack, unpack
from ..settings import FLUSH_SECONDS, SLICE_SECONDS
from ..states import Mode
from ..transport import messages
from ..transport.messages import Beat, Call, Done, Ready, Result, Run, Stop, Unseen
from ..transport.shared_memory import (
    Arena,
    Loan,
    OpenArena,
    gather,
    insert_borrowed,
    replace_loans,
)
from .connection import Connection
from .output import Output
from .progress_page import MAX_WIDTH, ProgressPage
from .termination import Terminated, Termination

#: Kilobytes on Linux, bytes on macOS (getrusage(2) of each).
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Worker:
    """Runs calls until it is told to leave.

    Args:
        connection: To the dispatcher. It gives up waiting after a heartbeat, so that a worker
            without work says that it has none.
        page: Shared with the supervisor.
        output: Shared with it too.
        termination: Whether this process shall end.
        on_deadline: Called when a job with a time limit begins.
        arena: Memory that the program sees too.
    """

    def __init__(
        self,
        connection: Connection,
        page: ProgressPage,
        output: Output,
        termination: Termination,
        on_deadline: Callable[[], None],
        arena: Arena | None = None,
    ) -> None:
        self._connection = connection
        self._page = page
        self._output = output
        self._termination = termination
        self._on_deadline = on_deadline
        self._arena = arena
        self._lent: dict[int, Loan] = {}
        self._theirs: dict[str, OpenArena] = {}
        self._released: collections.deque[int] = collections.deque()
        self._functions: dict[bytes, Callable[..., Any]] = {}
        self._broken: dict[bytes, BaseException] = {}
        self._results: list[Result] = []
        self._frames: list[Any] = []
        self._flushed = time.perf_counter()
        self._sent = 0
        self._pid = os.getpid()
        self._parent = os.getppid()

    def run(self, *, once: bool = False) -> None:
        """Works until the dispatcher says that it is enough, or for one block."""
        where = self._arena.path if self._arena is not None else ""
        self._say(Ready(self._pid, where))
        while True:
            message, frames = self._receive()
            if type(message) is Run:
                self._run_block(message, frames)
                # Before the answer is sent, which also says what memory is not used any more.
                del message, frames
                if once:
                    self._flush()
                    # Nobody else could say it again.
                    self._connection.drain()
                    return
            elif type(message) is Unseen:
                self._arena = None
            elif type(message) is Stop:
                self._flush()
                return

    def _say(
        self, message: object, frames: Sequence[Any] = (), *, sign_of_life: bool = False
    ) -> None:
        # Noted first: of a message that is cut off the host shall know that it was the last.
        self._sent += 1
        self._page.set_sent(self._sent)
        self._connection.send([messages.encode(message), *frames], sign_of_life=sign_of_life)

    def _receive(self) -> tuple[object, list[Any]]:
        """Returns the next message; says what is done, and rests, if there is none yet."""
        if not self._connection.ready():
            self._flush()
        message = self._connection.receive()
        while message is None:
            self._while_idle()
            message = self._connection.receive()
        header, *frames = message
        return messages.decode_to_node(header), frames

    def _while_idle(self) -> None:
        if os.getppid() != self._parent:
            # Where the kernel does not end a worker with its supervisor.
            os._exit(1)
        self._say(Beat(), sign_of_life=True)
        if self._arena is not None:
            self._arena.trim()

    # ------------------------------------------------------------------ a block

    def _run_block(self, block: Run, frames: list[Any]) -> None:
        for offset in block.released:
            self._lent.pop(offset, None)
        if block.shared:
            insert_borrowed(frames, block.shared, self._open(block.arena), self._released.append)
        for key in block.forget:
            self._functions.pop(key, None)
            self._broken.pop(key, None)
        at = 0
        if block.functions:
            # To unpack a function may be the end already: then its first call has done it.
            self._page.claim(block.position, 1)
        for definition in block.functions:
            self._learn(definition.key, definition.payload, frames[at : at + definition.frames])
            at += definition.frames
        position = block.position
        for call in block.calls:
            own = frames[at : at + call.frames]
            at += call.frames
            if call.mode == Mode.CALL:
                self._run_single(call, own, position)
            else:
                self._run_many(call, own, position)
            position += call.hi - call.lo
            if time.perf_counter() - self._flushed > FLUSH_SECONDS:
                self._flush()

    def _open(self, arena: str) -> OpenArena:
        if arena not in self._theirs:
            self._theirs[arena] = OpenArena(arena)
        return self._theirs[arena]

    def _learn(self, key: bytes, payload: bytes, frames: Sequence[Any]) -> None:
        try:
            self._functions[key] = unpack(payload, frames)
        except BaseException as error:
            self._end_if_asked()
            add_note(error, "raised while the function was unpacked in the worker")
            self._broken[key] = error

    def _function(self, key: bytes) -> Callable[..., Any]:
        if key in self._broken:
            raise self._broken[key]
        return self._functions[key]

    def _run_single(self, call: Call, frames: list[Any], position: int) -> None:
        if self._page.claim(position, 1) == position:
            return
        self._output.begin()
        if call.timeout:
            self._page.set_deadline(time.monotonic() + call.timeout)
            self._on_deadline()
        before = resource.getrusage(resource.RUSAGE_SELF)
        begin = time.perf_counter()
        failures = {}
        try:
            args, kwargs = unpack(call.payload, frames)
            value = self._function(call.function)(*args, **kwargs)
            packed, buffers = pack(value, "the result", upward=True)
        except BaseException as error:
            self._end_if_asked()
            packed, buffers = b"", ()
            if not _is_success(error):
                failures[0] = _pack_failure(error)
            else:
                packed = pickle.dumps(None)
        else:
            self._end_if_asked()
        wall = time.perf_counter() - begin
        if call.timeout:
            self._page.set_deadline(0)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        self._add(call, 0, 1, packed, buffers, failures, wall, cpu, after.ru_maxrss * _RSS_UNIT)

    def _run_many(self, call: Call, frames: list[Any], position: int) -> None:
        """Runs the calls of a map in slices, each noted before it begins.

        A slice is as many calls as take about a millisecond: one, if they are slow.
        """
        clock = time.perf_counter
        try:
            items = (unpack_each if call.apart else unpack)(call.payload, frames)
            function = self._function(call.function)
        except BaseException as error:
            self._end_if_asked()
            self._fail_all(call, position, _pack_failure(error))
            return
        self._output.begin()
        span = _Span(call.lo)
        at, width = call.lo, 1
        while at < call.hi and not (span.failures and call.fail_fast):
            start = position + at - call.lo
            end = self._page.claim(start, 1 if call.one_at_a_time else min(width, call.hi - at))
            if end == start:
                break
            begin = clock()
            at = self._run_slice(call, function, items, at, at + end - start, span)
            now = clock()
            width = _next_width(width, now - begin)
            if at < call.hi and now - max(self._flushed, span.begin) > FLUSH_SECONDS:
                self._answer(call, span, at)
                self._flush()
                span = _Span(at)
        if span.lo < at:
            self._answer(call, span, at)

    def _fail_all(self, call: Call, position: int, failure: bytes) -> None:
        """Answers for calls that cannot be run: for those that were not taken back meanwhile."""
        at = call.lo
        while at < call.hi:
            start = position + at - call.lo
            end = self._page.claim(start, min(call.hi - at, MAX_WIDTH))
            if end == start:
                return
            failures = dict.fromkeys(range(at, at + end - start), failure)
            self._add(call, at, at + end - start, b"", (), failures, 0.0, 0.0, 0)
            at += end - start

    def _run_slice(
        self,
        call: Call,
        function: Callable[..., Any],
        items: Sequence[Any] | Each,
        at: int,
        end: int,
        span: _Span,
    ) -> int:
        """Returns how far it came: to ``end``, or to a failure that makes the rest unwanted."""
        apply: Any = itertools.starmap if call.mode == Mode.STARMAP else map
        while at < end:
            given = len(span.values)
            error: BaseException | None = None
            try:
                # What was yielded before an exception stays in the list.
                span.values.extend(apply(function, items[at:end]))
            except BaseException as raised:
                error = raised
            self._end_if_asked()
            at += len(span.values) - given
            if at < end:
                # An iterator that ended early was ended by the function.
                error = error or StopIteration()
                if not _is_success(error):
                    span.failures[at] = _pack_failure(error)
                span.values.append(None)
                at += 1
                if span.failures and call.fail_fast:
                    break
        return at

    def _answer(self, call: Call, span: _Span, end: int) -> None:
        wall = time.perf_counter() - span.begin
        cpu = time.process_time() - span.cpu
        values, lo, failures = span.values, span.lo, span.failures
        try:
            packed, buffers = pack(values, "the results", upward=True)
        except PackingError:
            # One of them cannot travel; the others shall.
            values = [self._checked(lo + i, value, failures) for i, value in enumerate(values)]
            packed, buffers = pack(values, "the results", upward=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
        self._add(call, lo, end, packed, buffers, failures, wall, cpu, peak)

    def _checked(self, index: int, value: object, failures: dict[int, bytes]) -> object:
        try:
            pack(value, "the result", upward=True)
        except PackingError as error:
            failures[index] = _pack_failure(error)
            return None
        return value

    def _end_if_asked(self) -> None:
        # A job that forked, and whose child came back here, has made a second worker of itself.
        if os.getpid() != self._pid:
            os._exit(0)
        # Whatever the job has made of that.
        if self._termination.asked:
            raise Terminated

    # ------------------------------------------------------------------ outcomes

    def _add(
        self,
        call: Call,
        lo: int,
        hi: int,
        payload: bytes,
        buffers: Sequence[Any],
        failures: dict[int, bytes],
        wall: float,
        cpu: float,
        peak_memory: int,
    ) -> None:
        frames = gather(buffers) if self._arena is None else self._arena.lend_large(buffers)
        self._frames.extend(frames)
        self._results.append(
            Result(
                call.task, call.attempt, lo, hi, payload, len(frames), failures, wall, cpu,
                peak_memory,
            )
        )  # fmt: skip

    def _flush(self) -> None:
        self._flushed = time.perf_counter()
        if not self._results and not self._released:
            return
        _flush_output()
        frames, shared = replace_loans(self._frames)
        self._lent.update((frame.offset, frame) for frame in self._frames if type(frame) is Loan)
        released = [self._released.popleft() for _ in range(len(self._released))]
        self._say(Done(self._results, shared, released), frames)
        self._results = []
        self._frames = []


class _Span:
    """The calls of a map from ``lo`` on, which will be answered for together."""

    __slots__ = ("begin", "cpu", "failures", "lo", "values")

    def __init__(self, lo: int) -> None:
        self.lo = lo
        self.values: list[Any] = []
        self.failures: dict[int, bytes] = {}
        self.cpu = time.process_time()
        self.begin = time.perf_counter()


def _next_width(width: int, seconds: float) -> int:
    if seconds > SLICE_SECONDS:
        return max(1, width // 2)
    return min(width * 4, MAX_WIDTH) if seconds < SLICE_SECONDS / 4 else width


def _is_success(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in (None, 0)


def _pack_failure(error: BaseException) -> bytes:
    if isinstance(error, SystemExit):
        code = error.code
        status = code if isinstance(code, int) else 0 if code is None else 1
        error = JobExited(f"the job called sys.exit({code!r})", status)
    if isinstance(error, MemoryError):
        add_note(error, _memory_note())
    return pack_error(error)


def _memory_note() -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    granted = "without a limit" if limit == resource.RLIM_INFINITY else f"of {format_bytes(limit)}"
    return (
        f"out of memory: the worker had {format_bytes(peak)} resident {granted} of address "
        "space (h_vmem on a Grid Engine); ask for more"
    )


def _flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        # Not `contextlib.suppress`: it costs more than the flush, before every answer.
        try:  # noqa: SIM105
            stream.flush()
        # Closed, or replaced, by the job: its output is its own affair.
        except Exception:  # noqa: S110
            pass
