"""Amounts and names of hosts, as the Grid Engine prints them and as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMES = 3  # hosts that are named, when there are more of them

_UNITS = {
    "": 1.0,
    "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
    "K": 1024.0, "M": 1024.0**2, "G": 1024.0**3, "T": 1024.0**4,
}  # fmt: skip


def largest(values: Sequence[str]) -> str | None:
    """Returns the largest of some amounts, None if they are no numbers.

    Its fraction of nothing but zeros is left out.
    """
    numbers = [(number, value) for value in values if (number := _number(value)) is not None]
    return re.sub(r"\.0+(?=\D|$)", "", max(numbers)[1]) if numbers else None


def _number(text: str) -> float | None:
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)([kKmMgGtT]?)", text)
    if match:
        return float(match[1]) * _UNITS[match[2]]
    if re.fullmatch(r"\d+:\d+:\d+", text):
        hours, minutes, seconds = map(int, text.split(":"))
        return 3600.0 * hours + 60 * minutes + seconds
    return None


def lists_hosts(hosts: Sequence[str]) -> str:
    """Returns the names of some hosts, or how many there are."""
    names = list(dict.fromkeys(hosts))
    return ", ".join(names) if len(names) <= _NAMES else f"{len(names)} hosts"
