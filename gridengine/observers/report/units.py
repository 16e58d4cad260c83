"""Seconds and bytes, as people read them."""

from __future__ import annotations


def duration_text(seconds: float) -> str:
    """Returns a time with the unit that suits it: ``12 µs``, ``3.4 s``, ``2 h 05 min``."""
    for unit, size in (("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * size:
            return f"{_three_digits(seconds / size)} {unit}"
    if seconds < 59.95:
        return f"{_three_digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min"


def clock_text(seconds: float) -> str:
    """Returns a moment as hours, minutes and seconds since the beginning."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def bytes_text(nbytes: float) -> str:
    """Returns a size with the unit that suits it: ``35 MB``, ``1.5 GB``; they are powers of 2."""
    size = float(nbytes)
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 999.5:
            return f"{_three_digits(size)} {unit}"
        size /= 1024
    return f"{_three_digits(size)} TB"


def _three_digits(number: float) -> str:
    if number >= 99.95 or number == int(number):
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"
