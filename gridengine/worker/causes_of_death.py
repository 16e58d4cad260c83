"""What ended a worker, by its wait status and by what the kernel says."""

from __future__ import annotations

import resource
import signal

from ..states import DeathCause
from . import os_support

_OF_A_CRASH = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS}
)


class CausesOfDeath:
    """Of the workers of one supervisor, one after the other."""

    def __init__(self) -> None:
        self._kills = os_support.oom_kills()

    def of(self, status: int, shortage: int, usage: resource.struct_rusage) -> str:
        """Returns the cause, a `gridengine.states.DeathCause` value.

        Args:
            status: The exit code, -N for signal N.
            shortage: The bytes of memory that the worker itself has missed, 0 if none.
            usage: What it has used.
        """
        if shortage:
            return DeathCause.OUT_OF_MEMORY.value
        if status >= 0:
            return DeathCause.EXITED.value
        kills = os_support.oom_kills()
        known, self._kills = self._kills, kills
        if status == -signal.SIGXCPU or os_support.is_over_its_cpu_time(status, usage):
            return DeathCause.OVER_TIME.value
        if status == -signal.SIGKILL:
            cause = DeathCause.OUT_OF_MEMORY if kills > known else DeathCause.KILLED
            return cause.value
        if -status in _OF_A_CRASH:
            return DeathCause.CRASHED.value
        return DeathCause.KILLED.value
