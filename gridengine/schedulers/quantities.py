"""Amounts of memory and time, as batch systems write them, and which requests are for what."""

from __future__ import annotations

import re

from ..states import DeathCause

_UNITS = {"k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_UNITS |= {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}

#: In the names of resources: h_vmem, m_mem_free, h_rss, s_data; h_rt, s_cpu, walltime.
_MEMORY = re.compile(r"mem|_(?:rss|data|stack)\Z")
_TIME = re.compile(r"_(?:rt|cpu)\Z|time")


def parse_memory(text: str) -> int:
    """Returns the bytes of ``4G``, ``1.100GB`` or ``512``; 0 if it is none of the kind."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)B?\s*", text)
    if match is None:
        return 0
    return int(float(match[1]) * _UNITS.get(match[2], 1))


def parse_time(text: str) -> float:
    """Returns the seconds of ``00:10:00`` or ``600``; 0 if it is none of the kind."""
    if not re.fullmatch(r"[\d:.]+", text):
        return 0.0
    try:
        parts = [float(part or 0) for part in text.split(":")]
    except ValueError:
        return 0.0
    return sum(part * 60.0**power for power, part in enumerate(reversed(parts)))


def wanted_after(resource: str) -> DeathCause | None:
    """Returns the death after which more of a resource helps, None if that is not known of it."""
    if _TIME.search(resource):
        return DeathCause.OVER_TIME
    return DeathCause.OUT_OF_MEMORY if _MEMORY.search(resource) else None
