"""The cores that a batch system has chosen for a queue job."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping


def bound_cores(own: Mapping[str, str]) -> set[int]:
    """Returns the processors that the Grid Engine has chosen, none if it has not.

    That is ``SGE_BINDING``, of ``qsub -binding`` (submit(1)): their numbers, or text such as
    ``NONE``.

    Args:
        own: The environment of the queue job, as the batch system has made it.
    """
    words = own.get("SGE_BINDING", "").replace(",", " ").split()
    if not words or not all(word.isdecimal() for word in words):
        return set()
    return set(map(int, words))


def keep_to(cores: set[int]) -> None:
    """Has this process, and those that it starts, run on these cores alone.

    By ``-binding env`` the Grid Engine only names them. Those that it may not use anyway it does
    not get by that.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    usable = os.sched_getaffinity(0)
    if cores & usable and cores & usable != usable:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, cores & usable)
