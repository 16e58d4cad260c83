"""How a worker ended, and what to write on the death certificate of its job.

Evidence comes from the supervisor (wait status, peak memory, the kernel's own kills) and from
the scheduler (`gridengine.schedulers.events.End`).
"""

from __future__ import annotations

import signal

from ..errors import Death, JobTimeout, format_bytes
from ..schedulers.events import End
from ..states import DeathCause, Mode
from .records import Report, Verdict
from .task import Place, Task, Usage
from .task_output import TaskOutput

TIMEOUT = "timeout"
"""`Report.reason` of a worker that its supervisor ended for a job's ``timeout``."""

SIGNAL = "signal"
"""`Report.reason` of a worker that its supervisor ended for ``terminate`` or ``kill``."""

OVER_TIME = DeathCause.OVER_TIME.value
"""`Report.reason` of a worker that was over the processor time of a process."""

# What is resident stays below what is granted: address space, which nobody touches in full.
_NEARLY_FULL = 0.75

# Characters, as much as a supervisor tells.
_LAST_WORDS = 4096

_CAUSES = {cause.value: cause for cause in DeathCause}


def end_of(report: Report) -> End:
    """Returns what a supervisor says of the end of one of its workers."""
    cause = _CAUSES.get(report.reason, DeathCause.KILLED)
    return End(
        exitcode=report.status,
        cause=cause,
        peak_memory=report.peak_memory,
        requested_memory=report.granted_memory,
        needed_memory=report.needed_memory,
        advice=_advice(report, cause),
    )


def _advice(report: Report, cause: DeathCause) -> str:
    if report.reason == OVER_TIME:
        return "a process may have no more processor time (h_cpu, or ulimit -t); ask for more"
    if cause is DeathCause.STALLED:
        return (
            "it did nothing for as long as stalled_after allows (it may have waited for a lock, a "
            "file or another host): GRIDENGINE_ON_STALL=warn lets such a job be, and its stack() "
            "says where it is"
        )
    if cause is DeathCause.CRASHED and _was_nearly_full(report):
        return (
            "most of its memory was in use, and C code may crash where an allocation fails: ask "
            "for more (memory=, or h_vmem on a Grid Engine; ulimit -v here), or use less at once"
        )
    if cause is not DeathCause.OUT_OF_MEMORY:
        return ""
    if report.needed_memory:
        needed = format_bytes(report.needed_memory)
        return (
            f"its arguments or its result did not fit, it needs {needed} at least: ask for more "
            "memory (memory=, or h_vmem on a Grid Engine; ulimit -v here), or pass less at once"
        )
    return "ask for more memory (memory=, or h_vmem on a Grid Engine), or use less at once"


def _was_nearly_full(report: Report) -> bool:
    granted = report.granted_memory
    return bool(granted) and report.peak_memory >= _NEARLY_FULL * granted


def is_the_jobs_fault(end: End) -> bool:
    """Returns False if the job that ran shall not be charged for the end of its queue job.

    What a job does to its own worker the supervisor reports. That this ends too, which runs no
    job's code, is the doing of somebody else: unless the two had too little memory together.
    """
    return end.cause is DeathCause.OUT_OF_MEMORY


def want_of(end: End) -> DeathCause | None:
    """Returns what there was too little of, as the cause of death; None if it was not that."""
    if end.cause in (DeathCause.OUT_OF_MEMORY, DeathCause.OVER_TIME):
        return end.cause
    granted = end.requested_memory
    full = bool(granted) and end.peak_memory >= _NEARLY_FULL * granted
    return DeathCause.OUT_OF_MEMORY if end.cause is DeathCause.CRASHED and full else None


def certificate(
    verdict: Verdict, place: Place, end: End, output: str, now: float, used: Usage
) -> Death:
    """Returns the death certificate of a call.

    Args:
        verdict: Which call, and which attempt at it.
        place: Where that ran.
        end: What is known of its end.
        output: What it printed last, as far as whoever has seen it end knows.
        now: On the monotonic clock.
        used: What it had used.
    """
    task = verdict.task
    return Death(
        job=task.name,
        index=task.first + verdict.index if task.mode else None,
        host=place.host,
        pid=place.pid,
        attempt=verdict.attempt,
        exitcode=end.exitcode,
        signal=_signal_name(end.exitcode),
        cause=end.cause,
        peak_memory=max(end.peak_memory, used.tree_peak_memory),
        requested_memory=end.requested_memory,
        needed_memory=end.needed_memory,
        wall_time=end.wall_time or now - verdict.since,
        cpu_time=max(used.cpu, used.tree_cpu),
        output=output or _last_words(task),
        detail=end.detail,
        advice=end.advice,
    )


def _last_words(task: Task) -> str:
    """What has come of the output of one call, whose worker nobody could ask any more."""
    if task.size > 1 or not isinstance(task.output, TaskOutput):
        return ""
    return task.output.text[-_LAST_WORDS:]


def timeout_of(verdict: Verdict, place: Place) -> JobTimeout:
    """Returns the failure of a call that ran over its own time."""
    task = verdict.task
    call = "" if task.mode is Mode.CALL else f", call {task.first + verdict.index},"
    return JobTimeout(
        f"job {task.name!r}{call} ran longer than its timeout of {task.timeout:g} s and was ended "
        f"on {place.host} (process {place.pid})"
    )


def _signal_name(exitcode: int | None) -> str | None:
    if exitcode is None or exitcode >= 0:
        return None
    try:
        return signal.Signals(-exitcode).name
    except ValueError:
        return f"signal {-exitcode}"
