"""What ended a queue job: the rules that make a cause of what Slurm says about it.

Without accounting only squeue and ``scontrol show job`` know, and that one was killed for its
memory is told by a line of its output alone: `batch_system.records.memory_in`.
"""

from __future__ import annotations

import signal

from ...errors import format_bytes
from ...states import DeathCause
from ..events import End
from ..queue_session.process.messages import QueueJobEnd
from .amounts import bytes_told, seconds_told
from .request import SlurmRequest

_CRASHES = frozenset(
    {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS", "SIGTRAP", "SIGQUIT"}
)
_STATES = {
    "TIMEOUT": DeathCause.OVER_TIME,
    "DEADLINE": DeathCause.OVER_TIME,
    "OUT_OF_MEMORY": DeathCause.OUT_OF_MEMORY,
    "NODE_FAIL": DeathCause.NODE_LOST,
    "BOOT_FAIL": DeathCause.NODE_LOST,
    "REQUEUED": DeathCause.NODE_LOST,
    "PREEMPTED": DeathCause.KILLED,
    "CANCELLED": DeathCause.KILLED,
    "REVOKED": DeathCause.KILLED,
}
_SAID = {
    "TIMEOUT": "over its time limit",
    "DEADLINE": "over its deadline",
    "OUT_OF_MEMORY": "out of memory",
    "NODE_FAIL": "its node has failed",
    "BOOT_FAIL": "its node could not be booted",
    "REQUEUED": "put back into the queue, after its node has failed or by somebody",
    "PREEMPTED": "preempted by another job",
    "CANCELLED": "cancelled",
    "REVOKED": "cancelled, for it runs on another cluster",
}

#: Exit code by which slurmd says that a script could not be started: its output, as a rule, cannot
#: be written.
_NOT_STARTED = "0:53"


def judge(over: QueueJobEnd, request: SlurmRequest) -> End:
    """Returns what is known about the end of a queue job that had asked for ``request``."""
    facts = _Evidence(over, request)
    cause = facts.cause()
    return End(
        final=over.final,
        exitcode=facts.exitcode,
        cause=cause,
        peak_memory=facts.peak,
        requested_memory=facts.granted,
        wall_time=facts.wall,
        detail=facts.detail(),
        advice=facts.advice(cause),
        by_others=cause is DeathCause.KILLED and facts.cancelled_by_others(),
    )


class _Evidence:
    """The evidence in one place."""

    def __init__(self, over: QueueJobEnd, request: SlurmRequest) -> None:
        record = {**over.usage, **over.accounting}
        self.deleted = over.deleted
        self.request = request
        self.state = record.get("JobState", "")
        self.reason = record.get("Reason", "").replace("None", "")
        self.code = record.get("ExitCode", "")
        self.nodes = record.get("NodeList", "")
        self.cancelled_by = record.get("CancelledBy", "")
        self.wall = seconds_told(record.get("RunTime", "")) or _number(record.get("Elapsed", ""))
        self.used, self.allowed = (
            int(_number(record.get(f"{which}Memory", ""))) for which in ("Used", "Allowed")
        )
        self.peak = self.used or bytes_told(record.get("MaxRSS", ""))
        self.granted = request.memory or self.allowed
        self.out_of_memory = bool(self.used) or "OutOfMemory" in record
        status, _, number = self.code.partition(":")
        self.status = int(status) if status.isdigit() else None
        self.signal = _signal_name(number, status)
        self.exitcode = self._exitcode()

    def _exitcode(self) -> int | None:
        if self.signal:
            return -signal.Signals[self.signal]
        if self.status is None or self.code == _NOT_STARTED or self.state in _STATES:
            return None
        return self.status

    def cause(self) -> DeathCause:
        if self.deleted:
            return DeathCause.KILLED
        if self.out_of_memory:
            return DeathCause.OUT_OF_MEMORY
        if self.state in _STATES:
            return _STATES[self.state]
        if self.reason in ("TimeLimit", "OutOfMemory"):
            over_time = self.reason == "TimeLimit"
            return DeathCause.OVER_TIME if over_time else DeathCause.OUT_OF_MEMORY
        if self.signal in _CRASHES:
            return DeathCause.CRASHED
        if self.signal:
            return DeathCause.KILLED
        if self.status is None or self.code == _NOT_STARTED:
            return DeathCause.UNKNOWN
        return DeathCause.EXITED

    def cancelled_by_others(self) -> bool:
        return self.state == "CANCELLED" and not self.deleted

    def detail(self) -> str:
        if not self.state:
            said = "deleted" if self.deleted else "ended, and Slurm knows nothing of it any more"
            return f"Slurm: {said}"
        parts = [_SAID.get(self.state, "")]
        if self.cancelled_by:
            parts[0] += f" by user {self.cancelled_by}"
        if self.used:
            used, allowed = format_bytes(self.used), format_bytes(self.allowed)
            parts.append(f"exceeded its memory limit ({used} of {allowed})")
        parts.append(f"state {self.state}")
        if self.reason and self.reason != self.state:
            parts.append(f"reason {self.reason}")
        if self.code not in ("", "0:0"):
            parts.append(f"exit code {self.code}")
        if self.nodes:
            parts.append(f"on {self.nodes}")
        if self.wall:
            parts.append(f"ran {self.wall:g} s")
        return f"Slurm: {', '.join(filter(None, parts))}"

    def advice(self, cause: DeathCause) -> str:
        if self.code == _NOT_STARTED:
            return (
                "its node could not write its output: see that the folder of run_dir is there on "
                "the nodes, and not full"
            )
        if cause is DeathCause.OVER_TIME and (limit := self.request.time_limit):
            return f"time: ran {self.wall:g} s of {limit:g} s; ask for more"
        if cause is DeathCause.OVER_TIME:
            return "time: its partition allows no more by default; ask for more with time=..."
        if cause is not DeathCause.OUT_OF_MEMORY:
            return ""
        if self.peak and self.granted:
            of = f"peak {format_bytes(self.peak)} of {format_bytes(self.granted)}"
            return f"memory: {of}; ask for more"
        return "memory: ask for more"


def _number(text: str) -> float:
    return float(text) if text.isdigit() else 0.0


def _signal_name(number: str, status: str) -> str:
    """``SIGKILL`` for ``0:9``, and for the 137 with which a shell tells of it."""
    code = int(number) if number.isdigit() else 0
    if not code and status.isdigit() and int(status) > 128:
        code = int(status) - 128
    try:
        return signal.Signals(code).name if code else ""
    except ValueError:
        return ""
