"""Times and amounts of memory: how programs give them, and how Slurm reads and writes them.

Slurm reads a bare number as minutes and as megabytes. A program's number is seconds and bytes, as
for every scheduler; a text without a unit is asked what it means.
"""

from __future__ import annotations

import datetime
import math
import re

_TIME_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MEMORY_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_MEBIBYTE = 1024**2
_LEAST_MEMORY = 1024**2  # less is a forgotten unit: an interpreter alone takes 10 MB
_ENDLESS = ("UNLIMITED", "INFINITE")


def seconds_asked(name: str, value: object) -> float:
    """Returns the seconds of a time that a program asks for, infinity for no limit.

    Args:
        name: That of the argument, for messages.
        value: A text such as ``"00:30:00"``, ``"1-12:00:00"`` or ``"30m"``, seconds, or a
            timedelta.

    Raises:
        TypeError: It is none of these.
        ValueError: It is no time, or not clear; the message says what to write.
    """
    if isinstance(value, str):
        return _seconds_of_text(name, value.strip())
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError(f"{name}={value!r}; it takes '00:30:00', seconds or a timedelta")
    seconds = float(value)
    if not seconds > 0:
        raise ValueError(f"{name}={value!r}; it takes more than 0 seconds")
    return seconds


def _seconds_of_text(name: str, text: str) -> float:
    if text.upper() in _ENDLESS:
        return math.inf
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.lower()):
        seconds = float(match[1]) * _TIME_UNITS[match[2]]
    elif re.fullmatch(r"\d+", text):
        raise ValueError(
            f"{name}={text!r} is minutes to Slurm, and may be meant as seconds; "
            f"write '{text}m', '00:{text:0>2}:00' or the number of seconds"
        )
    else:
        seconds = seconds_told(text)
    if seconds <= 0:
        raise ValueError(f"{name}={text!r}; it takes '00:30:00', '1-12:00:00' or '30m', say")
    return seconds


def seconds_told(text: str) -> float:
    """Returns the seconds of ``M``, ``M:S``, ``H:M:S``, ``D-H``, ``D-H:M`` or ``D-H:M:S``.

    That of no limit, and of what is no time, is 0.
    """
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text.strip())
    if match is None:
        return 0.0
    days, first, second, third = (int(part or 0) for part in match.groups())
    if match[1] is not None or match[4] is not None:
        return 86400.0 * days + 3600 * first + 60 * second + third
    return 60.0 * first + second


def time_option(seconds: float) -> str:
    """Returns a time as sbatch reads it: ``D-HH:MM:SS``."""
    if math.isinf(seconds):
        return "UNLIMITED"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days}-' if days else ''}{hours:02}:{minutes:02}:{rest:02}"


def bytes_asked(name: str, value: object) -> int:
    """Returns the bytes that a program asks for, 0 for all that a node has.

    Args:
        name: That of the argument, for messages.
        value: A text such as ``"4G"``, or bytes.

    Raises:
        TypeError: It is neither.
        ValueError: It is no amount of memory, not clear, or too little; the message says what to
            write.
    """
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", value.strip().upper())
        if match is None:
            raise ValueError(f"{name}={value!r} is no amount of memory; write '4G', say")
        if not match[2] and float(match[1]):
            raise ValueError(
                f"{name}={value!r} is megabytes to Slurm, and may be meant as bytes; "
                f"write '{match[1]}M' or the number of bytes"
            )
        nbytes = math.ceil(float(match[1]) * _MEMORY_UNITS[match[2]])
    elif isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}={value!r}; it takes a text such as '4G', or bytes")
    else:
        nbytes = int(value.__index__())
    if nbytes < 0 or 0 < nbytes < _LEAST_MEMORY:
        raise ValueError(
            f"{name}={value!r} is {nbytes} bytes, in which no Python starts; write '4G', say"
        )
    return nbytes


def bytes_told(text: str) -> int:
    """Returns the bytes of ``1234K``, ``4G`` or ``1.50G``, 0 if it is none of the kind.

    A number without a unit is megabytes, as Slurm has it.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)[nc]?", text.strip())
    return int(float(match[1]) * _MEMORY_UNITS[match[2] or "M"]) if match else 0


def memory_option(nbytes: int) -> str:
    """Returns an amount of memory as sbatch reads it, in whole megabytes."""
    return f"{-(-nbytes // _MEBIBYTE)}M" if nbytes else "0"
