"""Bars of a map's progress: those of tqdm, and lines of text where there is no terminal."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from .. import extras
from ..logs import Log, printable
from .map_counts import clock

log = Log(__name__)

#: Seconds between two looks at how far a map is, at least.
_INTERVAL = 0.1

#: Seconds between two lines where there is no terminal: a tenth of the time so far, within these.
#: So a minute has six, and a night five hundred.
_FIRST_LINE, _LAST_LINE = 10.0, 60.0

_KNOWN = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
#: The bar of nothing has what is left of the line cut off at the terminal's edge.
_UNKNOWN = "{desc}: {n_fmt} calls [{elapsed}{postfix}]{bar:b}"

_warned: list[str] = []


class Bar(Protocol):
    """What shows how far a map is.

    Attributes:
        interval: Seconds between two looks at most.
    """

    interval: float

    def show(self, done: int, text: str) -> None:
        """Shows how many calls are done, and what else is to be said."""

    def close(self, done: int, text: str) -> None:
        """Shows that for the last time, and leaves it."""


def maker(given: object, label: str, total: int) -> Callable[[], Bar] | None:
    """Returns what makes the bar that is asked for, None if there is nowhere to draw one.

    Args:
        given: What was given for ``progress=``; None if only ``GRIDENGINE_PROGRESS`` asks for it.
        label: What stands before it if nothing else is given.
        total: How many calls there are, below 0 if that is not known.
    """
    if callable(given):
        return functools.partial(_bar_of, given, label, total)
    if given is None and not _may_be_drawn():
        return None
    label = printable(" ".join((given if isinstance(given, str) else label).split()))
    if sys.stderr is None:
        return None
    if not _is_terminal() and not _in_notebook():
        return functools.partial(Lines, sys.stderr, label, total)
    return functools.partial(_own_bar, label, total)


def check(given: object) -> None:
    """Finds what cannot be meant by an argument ``progress=``.

    Raises:
        TypeError: It is neither True, a text, nor anything that could make a bar.
        ModuleNotFoundError: A bar of tqdm is meant, and it is not installed.
    """
    if not (given is True or isinstance(given, str) or callable(given)):
        raise TypeError(
            f"progress is {given!r}; it takes True, False, a text to stand before the bar, or "
            "what makes bars as tqdm does"
        )
    if not callable(given) and not _has_tqdm():
        raise ModuleNotFoundError(_what_is_missing(), name="tqdm")


def _has_tqdm() -> bool:
    return "tqdm" in sys.modules or importlib.util.find_spec("tqdm") is not None


def _what_is_missing() -> str:
    return "progress bars need tqdm: " + extras.command("progress")


def _may_be_drawn() -> bool:
    if not _is_terminal() and not _in_notebook():
        return False
    if not _has_tqdm():
        if not _warned:
            _warned.append(_what_is_missing())
            log.warning("GRIDENGINE_PROGRESS is set, but %s", _warned[0])
        return False
    return True


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (AttributeError, ValueError):
        # Something else that was put there, or it was closed.
        return False


def _in_notebook() -> bool:
    # What a kernel of Jupyter puts there.
    return type(sys.stderr).__module__.startswith("ipykernel.")


class TqdmBar:
    """A bar of tqdm's, or of any class with its methods ``update`` and ``close``.

    Args:
        bar: It.
        closing_draws: Whether it need not be drawn before it is closed.

    Raises:
        TypeError: It has not these methods.
    """

    def __init__(self, bar: Any, *, closing_draws: bool = False) -> None:
        if not all(callable(getattr(bar, name, None)) for name in ("update", "close")):
            raise TypeError(
                f"progress has made {bar!r}, which has no update() and close() as tqdm's bars have"
            )
        self._bar = bar
        self._closing_draws = closing_draws
        self._done = 0
        self._shown: tuple[int, str, int] | None = None
        self._begin = time.monotonic()
        self.interval = max(_INTERVAL, getattr(bar, "mininterval", 0.0))

    def show(self, done: int, text: str) -> None:
        # A new second is news, too: it shows that the program is alive.
        shown = done, text, int(time.monotonic() - self._begin)
        if shown == self._shown:
            return
        self._shown = shown
        new, self._done = done - self._done, done
        if hasattr(self._bar, "set_postfix_str"):
            self._bar.set_postfix_str(text, refresh=False)
        if new or not hasattr(self._bar, "refresh"):
            self._bar.update(new)
        else:
            self._bar.refresh()

    def close(self, done: int, text: str) -> None:
        if self._closing_draws:
            # What is added is counted alone: a second picture would be the same.
            self._bar.miniters = math.inf
        try:
            self.show(done, text)
        finally:
            self._bar.close()


class Lines:
    """A line of text from time to time, and the last one at the end.

    Args:
        file: Where they are written.
        label: What stands before each.
        total: How many calls there are, below 0 if that is not known.
    """

    interval = 0.5

    def __init__(self, file: TextIO, label: str, total: int) -> None:
        self._file = file
        self._label = f"{label}: " if label else ""
        self._total = total
        self._begin = time.monotonic()
        self._due = self._begin + _FIRST_LINE
        self._last = 0, ""

    def show(self, done: int, text: str) -> None:
        self._last = done, text
        now = time.monotonic()
        if now >= self._due:
            self._due = now + min(_LAST_LINE, max(_FIRST_LINE, (now - self._begin) / 10))
            self._write()

    def close(self, done: int, text: str) -> None:
        self._last = done, text
        self._write()

    def _write(self) -> None:
        done, text = self._last
        so_far = f"{done} calls"
        if self._total > 0:
            so_far = f"{done}/{self._total} ({100 * done // self._total} %)"
        rest = ", ".join(filter(None, [clock(time.monotonic() - self._begin), text]))
        self._file.write(f"{self._label}{so_far} [{rest}]\n")
        self._file.flush()


def _bar_of(make: Callable[..., Any], label: str, total: int) -> Bar:
    return TqdmBar(make(total=total if total >= 0 else None, desc=label))


def _own_bar(label: str, total: int) -> Bar:
    from tqdm import auto

    bar = _own_class(auto.tqdm)(
        total=total if total >= 0 else None,
        desc=label,
        unit="call",
        **_shape(),
        # Who draws looks at the clock.
        mininterval=0,
        miniters=0,
        bar_format=_KNOWN if total > 0 else _UNKNOWN,
        # Not drawn before there is something to show; a notebook asks for its place at once.
        delay=0 if _in_notebook() else _INTERVAL,
    )
    bar.delay = 0
    return TqdmBar(bar, closing_draws=True)


def _shape() -> dict[str, int | bool]:
    """Returns what tqdm is told of the size of the terminal."""
    if _is_terminal():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # One that knows no size, as under `script`, in a container or in an editor, says 0.
            # tqdm believes it, and draws nothing.
            if 0 in os.get_terminal_size(sys.stderr.fileno()):
                return {"ncols": 79, "nrows": 24}
    return {"dynamic_ncols": True}


@functools.cache
def _own_class(base: type) -> Any:
    """Returns a class of bars that starts no thread and no process of tqdm's.

    Its lock between processes has the process of `multiprocessing` started that tracks resources,
    where that does not fork.
    """
    from tqdm.std import TqdmDefaultWriteLock

    more: dict[str, object] = {"monitor_interval": 0}
    if not hasattr(base, "_lock"):
        more["_lock"] = TqdmDefaultWriteLock.th_lock
    return type("MapBar", (base,), more)
