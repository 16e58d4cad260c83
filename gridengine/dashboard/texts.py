"""Figures as people read them, and users' texts as HTML shows them."""

from __future__ import annotations

import html
import time

from ..logs import printable

#: Letters of a name that are shown in a table or a list.
_NAME = 80


def count(number: float) -> str:
    """Returns a count: ``12,345``."""
    return f"{number:,.0f}"


def size(number: float) -> str:
    """Returns a number of bytes: ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024 or unit == "GiB":
            break
        number /= 1024
    return f"{number:.0f} {unit}" if number >= 100 or unit == "B" else f"{number:.1f} {unit}"


def seconds(number: float) -> str:
    """Returns a time of some seconds: ``350 ms``, ``2.5 s``, ``3:05 min``, ``2:30 h``, ``3 d``."""
    if number < 1:
        return f"{number * 1000:.3g} ms"
    if number < 60:
        return f"{number:.1f} s"
    whole = int(number)
    if number < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    if number < 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02} h"
    return f"{number / 86400:.1f} d"


def clock(when: float) -> str:
    """Returns a time of day here."""
    return time.strftime("%H:%M:%S", time.localtime(when))


def axis_time(when: float) -> float:
    """Returns a time as Bokeh's axes have it: milliseconds, of this host's clocks."""
    return (when + time.localtime(when).tm_gmtoff) * 1000


def name(text: str, longest: int = _NAME) -> str:
    """Returns what users have named something, printable and not too long."""
    text = printable(text).replace("\n", " ")
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def escaped(text: str, longest: int = _NAME) -> str:
    """Returns the same for HTML."""
    return html.escape(name(text, longest))
