"""What ended a queue job: the rules that make a cause of evidence, such as DRMAA's and qacct's."""

from __future__ import annotations

import math
import re
import signal

from ...errors import format_bytes
from ...states import DeathCause
from ..events import End
from ..quantities import parse_memory
from ..queue_session.process.messages import QueueJobEnd
from .request import Request

_CRASHES = frozenset(
    {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS", "SIGTRAP", "SIGQUIT"}
)
_OVER_TIME = frozenset({"SIGXCPU", "SIGUSR1", "SIGALRM"})
_KILLS = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"})

# The master measures wall-clock time in whole seconds.
_TIME_SLACK = 1.0
# An allocation that would go over the limit fails, so the peak stays somewhat below it.
_MEMORY_SLACK = 0.9

_LIMIT_ENFORCED = 37  # "qmaster enforced h_rt, h_cpu, or h_vmem limit"
_AFTER_START = 100  # "assumedly after job": it ran, and a signal ended it


def judge(over: QueueJobEnd, request: Request, told_by: str = "DRMAA") -> End:
    """Returns what is known about the end of a queue job that had asked for ``request``.

    Args:
        over: The evidence.
        request: What it had asked for.
        told_by: Who has told of the end, if nothing is written down about it.
    """
    facts = _Facts(over, request, told_by)
    cause = facts.cause()
    return End(
        final=over.final,
        exitcode=facts.exitcode,
        cause=cause,
        peak_memory=facts.peak,
        requested_memory=request.memory,
        wall_time=facts.wall,
        detail=facts.detail(),
        advice=facts.advice(cause),
        by_others=cause is DeathCause.KILLED and facts.deleted_by_others(),
    )


class _Facts:
    """The evidence, from both sources, in one place."""

    def __init__(self, over: QueueJobEnd, request: Request, told_by: str) -> None:
        self.over = over
        self.told_by = told_by
        self.request = request
        account, usage = over.accounting, over.usage
        # A pending queue job that is deleted has a record of zeros, or none.
        self.wall = _number(account.get("ru_wallclock") or usage.get("ru_wallclock"))
        self.peak = max(
            parse_memory(account.get("maxvmem", "")),
            int(_number(usage.get("acct_maxvmem") or usage.get("maxvmem"))),
        )
        self.failed = int(_number(account.get("failed")))
        self.signal = over.signal or _signal_of(account.get("exit_status", ""))
        self.exited, self.status = over.exited, over.status
        if not (over.exited or over.aborted or self.signal or self.failed) and account:
            # DRMAA has lost it, but the accounting has not.
            self.exited, self.status = True, int(_number(account.get("exit_status")))
        self.exitcode = self._exitcode()

    def _exitcode(self) -> int | None:
        if self.signal in signal.Signals.__members__:
            return -signal.Signals[self.signal]
        return self.status if self.exited else None

    def cause(self) -> DeathCause:
        if self.over.deleted:
            return DeathCause.KILLED
        if limit := self._limit():
            return limit
        if self.signal in _CRASHES:
            return DeathCause.CRASHED
        if self.signal in _KILLS or (self.over.aborted and not self._never_ran()):
            return DeathCause.KILLED
        if self.exited:
            return DeathCause.EXITED
        return DeathCause.UNKNOWN

    def _limit(self) -> DeathCause | None:
        """Which limit it went over, if a signal or the master ended it for one."""
        ended = self.failed == _LIMIT_ENFORCED or self.signal in _KILLS | _OVER_TIME
        if not ended:
            return self._failed_allocation()
        if self.request.seconds and self.wall >= self.request.seconds - _TIME_SLACK:
            return DeathCause.OVER_TIME
        if self._full():
            return DeathCause.OUT_OF_MEMORY
        if self.failed == _LIMIT_ENFORCED:
            return DeathCause.OVER_TIME
        return DeathCause.OVER_TIME if self.signal == "SIGXCPU" else None

    def _failed_allocation(self) -> DeathCause | None:
        """Without a signal: malloc() failed, and the program gave up."""
        gave_up = self.signal in _CRASHES or (self.exited and self.status)
        return DeathCause.OUT_OF_MEMORY if gave_up and self._full() else None

    def _full(self) -> bool:
        return bool(self.request.memory) and self.peak >= _MEMORY_SLACK * self.request.memory

    def _never_ran(self) -> bool:
        return 0 < self.failed < _LIMIT_ENFORCED

    def deleted_by_others(self) -> bool:
        return not self.over.deleted and bool(self.over.aborted or self._deleted_by())

    def _deleted_by(self) -> str:
        by = self.over.accounting.get("deleted_by", "")
        return "" if by in ("NONE", "undefined") else by

    def detail(self) -> str:
        account = self.over.accounting
        if not account.keys() - {"deleted_by"}:
            return self._told_detail()
        parts = []
        if reason := account.get("reason"):
            parts.append(reason)
        if account.get("failed", "0").strip() != "0":
            parts.append(f"failed {account['failed']}")
        if by := self._deleted_by():
            parts.append(f"deleted by {by}")
        parts.append(f"exit_status {account.get('exit_status', '?')}")
        return f"qacct: {', '.join(parts)}{self._used()}"

    def _told_detail(self) -> str:
        over = self.over
        if over.deleted or over.aborted:
            said = "deleted" if over.deleted or not over.usage else "aborted"
            said += " before it ran" if not over.usage else ""
            by = self._deleted_by()
            said += f", by {by}" if by else ""
        elif over.signal:
            said = f"ended by {over.signal}"
        elif over.exited:
            said = f"exit status {over.status}"
        else:
            said = "ended, nothing else is known"
        return f"{self.told_by}: {said}{self._used()}"

    def _used(self) -> str:
        peak = f", maxvmem {format_bytes(self.peak)}" if self.peak else ""
        return f"{peak}, ru_wallclock {self.wall:g} s" if self.wall else peak

    def advice(self, cause: DeathCause) -> str:
        asked = self.request
        if cause is DeathCause.OVER_TIME and asked.seconds:
            return f"h_rt: ran {self.wall:g} s of {asked.seconds:g} s; ask for more"
        if cause is DeathCause.OUT_OF_MEMORY:
            peak, limit = format_bytes(self.peak), format_bytes(asked.memory)
            return f"h_vmem: peak {peak} of {limit}; ask for more"
        return ""


def _number(text: str | None) -> float:
    """The number that a text starts with, 0 if there is none: qacct writes units behind it."""
    match = re.match(r"\s*-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text or "")
    value = float(match[0]) if match else 0.0
    return value if math.isfinite(value) else 0.0


def _signal_of(exit_status: str) -> str:
    """``SIGKILL`` for qacct's ``137 (Killed)``."""
    status = int(_number(exit_status))
    try:
        return signal.Signals(status - 128).name if status > 128 else ""
    except ValueError:
        return ""
