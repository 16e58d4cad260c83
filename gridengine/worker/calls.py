"""Calls of a function in this process: values and failures, and how many calls at a time."""

from __future__ import annotations

import itertools
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from ..errors import JobExited, PackingError, format_bytes
from ..serialization.exceptions import add_note, pack_error
from ..serialization.function_options import FunctionWithOptions
from ..serialization.packed import Packed, ShortOfMemory
from ..serialization.serializer import pack
from ..settings import SLICE_SECONDS
from ..states import Mode
from . import os_support
from .progress_page import MAX_WIDTH
from .termination import Terminated

RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Kilobytes on Linux, bytes on macOS (getrusage(2) of each)."""


class Items(Protocol):
    """The arguments of calls, of which a part can be had; made just before they are needed."""

    def __getitem__(self, part: slice, /) -> Iterable[Any]:
        """Returns the arguments of some neighbouring calls."""


class Span:
    """The calls of a map from ``lo`` on, which will be answered for together.

    Attributes:
        lo: The first.
        end: The one behind the last that may be run before somebody is asked; see `run_slice`.
        values: What they returned, None for those that failed.
        first: The first that has not been answered for yet.
        failures: What others from there on raised, packed, by the number of the call.
        again: Those of them that may be tried again.
        short: Those of them that had too little memory.
        cpu: Processor time of this process at the begin, in seconds.
        begin: When it was.
    """

    __slots__ = ("_options", "_part", "again", "begin", "cpu", "end", "failures", "first", "lo",
                 "short", "values")  # fmt: skip

    def __init__(self, lo: int, options: FunctionWithOptions | None = None) -> None:
        self._options = options
        self.lo = self.first = self.end = lo
        self.again: list[int] = []
        self.short: list[int] = []
        self.values: list[Any] = []
        self.failures: dict[int, bytes] = {}
        # What is drawn from now, and the number of the first call that it is for.
        self._part: tuple[int, Iterable[Any]] = lo, ()
        self.cpu = time.process_time()
        self.begin = time.perf_counter()

    def note(
        self, call: int, error: BaseException, fail: Callable[[BaseException], bytes] | None
    ) -> None:
        """Notes what a call has raised; see `run_slice`."""
        self.failures[call] = (fail or pack_failure)(error)
        if self._options is not None and self._options.may_be_tried_again(error):
            self.again.append(call)
        if os_support.was_kept_from_memory(error):
            self.short.append(call)

    def part(self, items: Items, at: int) -> Iterable[Any]:
        """Returns the arguments of the calls from ``at`` on that may be run now."""
        part = items[at : self.end]
        if type(part) is range:
            part = list(part)
        self._part = at, part
        # A signal may have come meanwhile.
        if type(part) is list:
            del part[self.end - at :]
        return part

    @property
    def now(self) -> int:
        """The call that runs."""
        return self.lo + len(self.values)

    def cut(self) -> None:
        """Has no more calls run than the one that runs now; by the handler of a signal."""
        first, part = self._part
        if type(part) is list and self.now < self.end:
            # An iterator over a list ends where the list does. The end first: see `part`.
            self.end = self.now + 1
            del part[self.end - first :]

    def answered(self, end: int, when: float, cpu: float) -> None:
        """Notes that those before ``end`` are, as of a moment, with so much processor time."""
        self.first = end
        # A signal may come when a failure has been noted, and its call is not among the values yet.
        self.failures = {call: error for call, error in self.failures.items() if call >= end}
        self.again = [call for call in self.again if call >= end]
        self.short = [call for call in self.short if call >= end]
        self.begin, self.cpu = when, self.cpu + cpu

    def parts(self, end: int) -> Iterator[tuple[int, int, dict[int, bytes], bool, bool]]:
        """Yields runs of calls that are answered for together, up to ``end`` (not included).

        Of each the first call and the one behind the last, the failures among them, whether these
        are final, and whether they had too little memory.
        """
        again = [call for call in (*self.again, *self.short) if call < end]
        edges = sorted({self.first, end, *again, *(call + 1 for call in again)})
        for lo, hi in itertools.pairwise(edges):
            among = {call: failure for call, failure in self.failures.items() if lo <= call < hi}
            yield lo, hi, among, lo not in self.again, lo in self.short


def run_slice(
    function: Callable[..., Any],
    mode: int,
    items: Items,
    at: int,
    span: Span,
    fail_fast: bool,
    after: Callable[[], object] | None = None,
    fail: Callable[[BaseException], bytes] | None = None,
) -> int:
    """Runs the calls from ``at`` to `Span.end` (not included), and notes in it how they ended.

    Args:
        function: What is called.
        mode: How it is applied to an item.
        items: The arguments.
        at: The first call.
        span: Gets values and failures. Its end is set before: a signal that comes at once looks at
            it.
        fail_fast: Whether the first failure makes the rest unwanted.
        after: Called after the last call, and after each that failed.
        fail: Returns what a call has raised, ready to travel; by default `pack_failure`. What it
            raises comes through.

    Returns:
        How far it came: to the end, be it where `Span.cut` has put that, or to a failure that makes
        the rest unwanted.

    Raises:
        Terminated: This process shall end.
        ShortOfMemory: There is none for the arguments of a call.
    """
    apply: Any = itertools.starmap if mode == Mode.STARMAP else map
    # The end may come nearer meanwhile.
    while at < span.end:
        given = len(span.values)
        error: BaseException | None = None
        try:
            # What was yielded before an exception stays in the list.
            span.values.extend(apply(function, span.part(items, at)))
        except (Terminated, ShortOfMemory):
            # What runs is not to go on, be it a call of a call.
            raise
        except BaseException as raised:
            error = raised
        if after is not None:
            after()
        at += len(span.values) - given
        if at < span.end:
            # An iterator that ended early was ended by the function.
            error = error or StopIteration()
            if not is_success(error):
                span.note(at, error, fail)
            span.values.append(None)
            at += 1
            if span.failures and fail_fast:
                break
    return at


def pack_values(values: list[Any], first: int, failures: dict[int, bytes]) -> Packed:
    """Returns the values of some calls, ready to travel.

    Args:
        values: They.
        first: The number of the first call.
        failures: Gets one of each value that cannot travel, in whose place None does.
    """
    try:
        return pack(values, "the results", upward=True)
    except PackingError:
        # One of them cannot travel; the others shall.
        able = [_checked(value, call, failures) for call, value in enumerate(values, first)]
        return pack(able, "the results", upward=True)


def _checked(value: object, call: int, failures: dict[int, bytes]) -> object:
    try:
        pack(value, "the result", upward=True)
    except PackingError as error:
        failures[call] = pack_failure(error)
        return None
    return value


def next_width(width: int, seconds: float) -> int:
    """Returns how many calls shall be run at a time, after ``width`` took so many seconds."""
    if seconds > SLICE_SECONDS:
        return max(1, width // 2)
    return min(width * 4, MAX_WIDTH) if seconds < SLICE_SECONDS / 4 else width


def is_success(error: BaseException) -> bool:
    """Returns True for the ``sys.exit()`` with which a program ends well."""
    return isinstance(error, SystemExit) and error.code in (None, 0)


def pack_failure(error: BaseException) -> bytes:
    """Returns what a call has raised, ready to travel."""
    if isinstance(error, SystemExit):
        code = error.code
        status = code if isinstance(code, int) else 0 if code is None else 1
        error = JobExited(f"the job called sys.exit({code!r})", status)
    if isinstance(error, MemoryError):
        add_note(error, _memory_note())
    return pack_error(error)


def _memory_note() -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    granted = "without a limit" if limit == resource.RLIM_INFINITY else f"of {format_bytes(limit)}"
    return (
        f"out of memory: the worker had {format_bytes(peak)} resident {granted} of address "
        "space (h_vmem on a Grid Engine); ask for more"
    )
