"""What to ask for next time, by what calls have used.

Time: the largest of half more than what 99 of 100 calls took and a tenth more than the longest
took, and a minute for the start of the worker; in full minutes.

Memory: a fifth more than what 99 of 100 calls had, at least what the largest had, and 256 MB; as a
round number. Resident memory is what is measured; ``h_vmem`` limits the address space, which is
larger by libraries and the stacks of threads.
"""

from __future__ import annotations

import math

_TIME_FACTOR, _TIME_FACTOR_OF_LONGEST, _START = 1.5, 1.1, 60.0
_MEMORY_FACTOR, _LIBRARIES = 1.2, 256 * 1024**2

#: Requests for memory are among eight in each doubling.
_STEPS = 8

#: How the time is made, in words.
TIME_FORMULA = (
    "the longer of p99 + 50 % and the longest call + 10 %, and a minute for the start of the "
    "worker, in full minutes"
)

#: How the memory is made, in words.
MEMORY_FORMULA = (
    "the larger of p99 + 20 % and the largest, and 256 MB for what counts as address space, as a "
    "round number"
)


def time_to_request(p99: float, longest: float) -> int:
    """Returns seconds to be asked for, by those that calls have taken."""
    seconds = max(p99 * _TIME_FACTOR, longest * _TIME_FACTOR_OF_LONGEST) + _START
    return math.ceil(round(seconds, 3) / 60) * 60


def memory_to_request(p99: int, largest: int, slots: int = 1) -> int:
    """Returns bytes to be asked for, for each slot, by those that workers have had."""
    wanted = (max(int(p99 * _MEMORY_FACTOR), largest) + _LIBRARIES) / slots
    step = max(1024**2, (1 << (int(wanted).bit_length() - 1)) // _STEPS)
    return math.ceil(wanted / step) * step


def time_text(seconds: int) -> str:
    """Returns seconds as a Grid Engine takes them: ``02:00:00``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}"


def memory_text(nbytes: int) -> str:
    """Returns bytes as a Grid Engine takes them: ``512M``."""
    return f"{math.ceil(nbytes / 1024**2)}M"
