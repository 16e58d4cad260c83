"""Workers as jobs of an HTCondor pool, by ``condor_submit``, ``condor_q`` and ``condor_rm``.

Tested on a personal pool of HTCondor 25.14 (``scripts/htcondor``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..errors import SchedulerError
from ..states import DeathCause
from .command_scheduler import CommandScheduler, Phase, Status, Submission
from .commands import run, run_for_all
from .events import End
from .requested import memory_of, time_of

#: By the number that is ``JobStatus``.
_PHASES = {
    1: Phase.WAITING,
    2: Phase.RUNNING,
    3: Phase.OVER,
    4: Phase.OVER,
    5: Phase.STUCK,
    6: Phase.RUNNING,
    7: Phase.SUSPENDED,
}
_REMOVED, _COMPLETED = 3, 4

#: By the number that is ``HoldReasonCode``: a limit was exceeded. HTCondor holds such a job, and
#: does not remove it, so that its submitter may ask for more and release it.
_LIMITS = {
    34: DeathCause.OUT_OF_MEMORY,
    46: DeathCause.OVER_TIME,
    47: DeathCause.OVER_TIME,
}
_HELD = 5

_ATTRIBUTES = (
    "ClusterId,ProcId,JobStatus,HoldReason,HoldReasonCode,LastHoldReason,LastHoldReasonCode,"
    "ExitCode,ExitBySignal,ExitSignal,RemoveReason,RemoteWallClockTime,ResidentSetSize,RequestMemory"
)


class HTCondorScheduler(CommandScheduler):
    """Runs workers in an HTCondor pool, on whose hosts your home is seen.

    ``HTCondorScheduler(slots=2, mem="4gb", max_workers=100)``: each worker is a job of the vanilla
    universe that asks for ``request_cpus = 2`` and ``request_memory = 4096``. No files are
    transferred: as with every scheduler here, the hosts see the same ones.

    Args:
        requirements: ``requirements`` of the submit description, an expression.
        native: Further lines of the submit description.
        common: What `CommandScheduler` takes. Of resources ``mem`` for the worker, or
            ``mem_per_slot`` for each slot; ``walltime``, after which HTCondor ends it; all
            others are ``request_NAME``, such as ``gpus=1``.

    Raises:
        TypeError, ValueError: An argument is impossible.
        GridEngineError: Something in ``settings`` is.
    """

    queue_job_template = "{GRIDENGINE_QUEUE_JOB}"
    not_resources: ClassVar[Mapping[str, str]] = {"cpus": "slots=", "memory": "mem="}
    commands = ("condor_submit", "condor_q", "condor_rm", "condor_history")
    memory_resource = "mem_per_slot"

    def __init__(self, *, requirements: str = "", native: str = "", **common: Any) -> None:
        super().__init__(**common)
        self.requirements = requirements
        self.native = native

    def checked_resources(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        time_of(resources)
        memory_of(resources, 1)
        for name, value in resources.items():
            if not re.fullmatch(r"[A-Za-z]\w*", name) or re.search(r"[\n\r$]", str(value)):
                raise ValueError(f"{name}={value!r} cannot stand in a submit description")
        return dict(resources)

    def time_limit(self, resources: Mapping[str, object]) -> float:
        return time_of(self.all_resources(resources))

    def memory_of(self, resources: Mapping[str, object]) -> int:
        slots = self.slots_of(resources)
        return memory_of(self.all_resources(resources), slots) // slots

    def submit(self, submission: Submission) -> Sequence[str]:
        said = run(["condor_submit", "-terse", "-"], text=self._description(submission))
        found = re.search(r"(\d+)\.(\d+) - \d+\.(\d+)", said)
        if found is None:
            raise SchedulerError(f"condor_submit has printed {said!r}; 1.0 - 1.9 is expected")
        cluster, first, last = found.groups()
        return [f"{cluster}.{process}" for process in range(int(first), int(last) + 1)]

    def _description(self, submission: Submission) -> str:
        script = submission.script_file()
        lines = [
            "universe = vanilla",
            "executable = /bin/sh",
            "transfer_executable = false",
            "should_transfer_files = no",
            f'arguments = "{_quoted(script)}"',
            'environment = "GRIDENGINE_QUEUE_JOB=$(ClusterId).$(ProcId)"',
            f"batch_name = {submission.name}",
            # One that was evicted, or held for a limit, is not started again: its calls have been
            # given to others.
            "periodic_remove = (JobStatus == 1 || JobStatus == 5) && NumJobStarts > 0",
            f"request_cpus = {submission.slots}",
        ]
        if memory := memory_of(submission.resources, submission.slots):
            lines.append(f"request_memory = {-(-memory // 1024**2)}")
        if seconds := time_of(submission.resources):
            lines.append(f"allowed_execute_duration = {int(seconds)}")
        known = {"mem", "mem_per_slot", "walltime"}
        lines += [f"request_{n} = {v}" for n, v in submission.resources.items() if n not in known]
        lines.append(f"requirements = {self._requirements(submission.avoid)}")
        return "\n".join([*lines, self.native, f"queue {submission.copies}", ""])

    def _requirements(self, avoid: Sequence[str]) -> str:
        # Each is what a node has said: what is no name could be any expression.
        hosts = [host for host in avoid if re.fullmatch(r"[\w.-]+", host, re.ASCII)]
        own = [f"({self.requirements})"] if self.requirements else []
        own.append("(MY.NumJobStarts =?= undefined || MY.NumJobStarts == 0)")
        return " && ".join([*own, *(f'(Machine =!= "{host}")' for host in hosts)])

    def status(self, queue_jobs: Sequence[str]) -> Mapping[str, Status]:
        clusters = list(dict.fromkeys(name.partition(".")[0] for name in queue_jobs))
        found = _read(run(["condor_q", "-json", "-attributes", _ATTRIBUTES, *clusters]))
        if missing := [name for name in queue_jobs if name not in found]:
            # What has ended is in the history, where everything else that has ended is, too.
            found |= _read(
                run(
                    ["condor_history", "-json", "-attributes", _ATTRIBUTES,
                     "-limit", str(len(missing)), *missing]
                )
            )  # fmt: skip
        return {name: found[name] for name in queue_jobs if name in found}

    def delete(self, queue_jobs: Sequence[str]) -> None:
        run_for_all(["condor_rm"], queue_jobs)


def _quoted(argument: str) -> str:
    """Returns an argument as it stands in the quoted list of a submit description."""
    doubled = argument.replace('"', '""').replace("'", "''")
    return f"'{doubled}'"


def _read(text: str) -> dict[str, Status]:
    try:
        jobs = json.loads(text) if text.strip() else []
    except ValueError as error:
        raise SchedulerError(f"what HTCondor prints is no JSON: {error}") from None
    return {f"{job['ClusterId']}.{job['ProcId']}": _status(job) for job in jobs}


def _status(job: Mapping[str, Any]) -> Status:
    """Returns how a job stands by its attributes."""
    phase = _PHASES.get(job.get("JobStatus", 0), Phase.RUNNING)
    if phase is Phase.STUCK and job.get("HoldReasonCode") in _LIMITS:
        phase = Phase.OVER
    return Status(phase, job.get("HoldReason", ""), _end(job) if phase is Phase.OVER else End())


def _end(job: Mapping[str, Any]) -> End:
    exitcode = cause = None
    if job["JobStatus"] == _HELD:
        cause, words = _LIMITS[job["HoldReasonCode"]], job.get("HoldReason", "it was held")
    elif job["JobStatus"] == _REMOVED and job.get("LastHoldReasonCode") in _LIMITS:
        cause, words = _LIMITS[job["LastHoldReasonCode"]], job.get("LastHoldReason", "it was held")
    elif job["JobStatus"] == _REMOVED:
        cause, words = DeathCause.KILLED, job.get("RemoveReason", "it was removed")
    elif job.get("ExitBySignal"):
        exitcode = -int(job.get("ExitSignal", 0))
        cause, words = DeathCause.KILLED, f"it ended by signal {-exitcode}"
    else:
        exitcode = int(job.get("ExitCode", 0))
        cause, words = DeathCause.EXITED, f"it ended with status {exitcode}"
    asked = job.get("RequestMemory", 0)
    return End(
        exitcode=exitcode,
        cause=cause,
        peak_memory=int(job.get("ResidentSetSize", 0)) * 1024,
        requested_memory=asked * 1024**2 if isinstance(asked, int) else 0,
        wall_time=float(job.get("RemoteWallClockTime", 0)),
        detail=f"HTCondor says: {words}",
    )
