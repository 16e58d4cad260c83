"""Workers as queue jobs of PBS Professional or OpenPBS, by ``qsub``, ``qstat`` and ``qdel``.

Experimental: written after the documents, and tested with commands that print what these show;
nobody could run it on a PBS.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..errors import SchedulerError
from ..states import DeathCause
from .command_scheduler import CommandScheduler, Phase, Status, Submission
from .commands import CommandError, run, run_for_all
from .events import End
from .quantities import parse_memory, parse_time
from .requested import clock, memory_of, time_of

#: What is asked for a job as a whole; all else is asked of the host, in the chunk of ``select``.
_OF_THE_JOB = {"walltime", "min_walltime", "max_walltime", "cput", "pcput", "pmem", "pvmem"}
_OF_THE_JOB |= {"file", "nice", "place", "software"}

_PHASES = {
    "Q": Phase.WAITING, "W": Phase.WAITING, "T": Phase.WAITING, "M": Phase.WAITING,
    "H": Phase.STUCK,
    "R": Phase.RUNNING, "B": Phase.RUNNING, "E": Phase.RUNNING,
    "S": Phase.SUSPENDED, "U": Phase.SUSPENDED,
    "F": Phase.OVER, "X": Phase.OVER,
}  # fmt: skip

#: What PBS itself says of an end by a limit, in `Exit_status`.
_LIMITS = {
    -26: DeathCause.OUT_OF_MEMORY, -27: DeathCause.OUT_OF_MEMORY,
    -28: DeathCause.OVER_TIME, -29: DeathCause.OVER_TIME,
}  # fmt: skip

_UNKNOWN = 153  # the status of qstat that does not know one of the jobs, and has printed the others


class PbsScheduler(CommandScheduler):
    """Runs workers on PBS Professional or OpenPBS. Experimental: see `gridengine.schedulers.pbs`.

    ``PbsScheduler(queue="workq", slots=2, walltime="01:00:00", mem="4gb")``: each worker is a
    subjob of an array, asks for ``-l select=1:ncpus=2:mem=4gb -l walltime=01:00:00``.

    Args:
        queue: ``qsub -q``.
        account: ``qsub -A``.
        project: ``qsub -P``.
        native: Further options of ``qsub``, as a text.
        common: What `CommandScheduler` takes. Of resources, ``walltime`` and the like are for
            the job, all others for the chunk; ``mem`` is for the worker, ``mem_per_slot`` for each
            slot.

    Raises:
        TypeError, ValueError: An argument is impossible.
        GridEngineError: Something in ``settings`` is.
    """

    queue_job_template = "{PBS_JOBID}"
    not_resources: ClassVar[Mapping[str, str]] = {"ncpus": "slots=", "memory": "mem="}
    commands = ("qsub", "qstat", "qdel")
    memory_resource = "mem_per_slot"

    def __init__(
        self,
        *,
        queue: str = "",
        account: str = "",
        project: str = "",
        native: str = "",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.options = [
            *(["-q", queue] if queue else []),
            *(["-A", account] if account else []),
            *(["-P", project] if project else []),
            *shlex.split(native),
        ]

    def checked_resources(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        time_of(resources)
        memory_of(resources, 1)
        for name, value in resources.items():
            whole = name in _OF_THE_JOB
            # walltime has been looked at, and is written anew.
            text = "" if name == "walltime" else str(value)
            if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or re.search(
                r"[\s,]" if whole else r"[\s,:=+]", text
            ):
                where = "qsub -l" if whole else "qsub -l select=1:..."
                raise ValueError(f"{name}={value!r} cannot be a part of {where}")
        return dict(resources)

    def time_limit(self, resources: Mapping[str, object]) -> float:
        return time_of(self.all_resources(resources))

    def memory_of(self, resources: Mapping[str, object]) -> int:
        slots = self.slots_of(resources)
        return memory_of(self.all_resources(resources), slots) // slots

    def submit(self, submission: Submission) -> Sequence[str]:
        many = submission.copies > 1
        # There is no array of one. Arrays are always such that PBS may run them again.
        array = ["-J", f"1-{submission.copies}"] if many else ["-r", "n"]
        said = run(
            ["qsub", "-N", submission.name, "-S", "/bin/sh", "-j", "oe", "-o", "/dev/null", *array,
             *_requests(submission.resources, submission.slots), *self.options],
            text=submission.script,
        ).strip()  # fmt: skip
        if not many:
            return [said]
        if "[]" not in said:
            raise SchedulerError(f"qsub -J has printed {said!r}, where 1234[].server is expected")
        return [said.replace("[]", f"[{index}]") for index in range(1, submission.copies + 1)]

    def status(self, queue_jobs: Sequence[str]) -> Mapping[str, Status]:
        # An array, and all that is in it.
        asked = list(dict.fromkeys(re.sub(r"\[\d+\]", "[]", name) for name in queue_jobs))
        try:
            said = run(["qstat", "-f", "-F", "json", "-x", "-t", *asked], statuses=(0, _UNKNOWN))
        except CommandError as error:
            if "history" not in str(error):
                raise
            # It keeps none: then what is over is not known any more.
            said = run(["qstat", "-f", "-F", "json", "-t", *asked], statuses=(0, _UNKNOWN, 35))
        try:
            jobs = json.loads(said or "{}", strict=False).get("Jobs", {})
        except ValueError as error:
            raise SchedulerError(f"what qstat prints is no JSON: {error}") from None
        return {name: _status(jobs[name]) for name in queue_jobs if name in jobs}

    def delete(self, queue_jobs: Sequence[str]) -> None:
        run_for_all(["qdel"], queue_jobs)


def _requests(resources: Mapping[str, object], slots: int) -> list[str]:
    chunk, options = [f"ncpus={slots}"], []
    if memory := memory_of(resources, slots):
        chunk.append(f"mem={-(-memory // 1024)}kb")
    for name, value in resources.items():
        if name == "walltime":
            options += ["-l", f"walltime={clock(time_of(resources))}"]
        elif name in _OF_THE_JOB:
            options += ["-l", f"{name}={value}"]
        elif name not in ("mem", "mem_per_slot"):
            chunk.append(f"{name}={value}")
    return ["-l", f"select=1:{':'.join(chunk)}", *options]


def _status(job: Mapping[str, Any]) -> Status:
    """Returns how a job stands by what qstat says of it."""
    phase = _PHASES.get(job.get("job_state", ""), Phase.RUNNING)
    comment = str(job.get("comment", ""))
    return Status(phase, comment, _end(job, comment) if phase is Phase.OVER else End())


def _end(job: Mapping[str, Any], comment: str) -> End:
    used, asked = job.get("resources_used", {}), job.get("Resource_List", {})
    status = job.get("Exit_status")
    exitcode, cause = None, DeathCause.UNKNOWN
    if isinstance(status, int) and status >= 0:
        # 256 and more is a signal; so is what a shell says of one.
        signal = status - 256 if status > 256 else status - 128 if status > 128 else 0
        exitcode = -signal if signal else status
        cause = DeathCause.KILLED if signal else DeathCause.EXITED
    elif isinstance(status, int):
        cause = _LIMITS.get(status, DeathCause.UNKNOWN)
    words = f"PBS says Exit_status {status}" if status is not None else "PBS says nothing of an end"
    return End(
        exitcode=exitcode,
        cause=cause,
        peak_memory=parse_memory(str(used.get("mem", "")).upper()),
        requested_memory=parse_memory(str(asked.get("mem", "")).upper()),
        wall_time=parse_time(str(used.get("walltime", ""))),
        detail=f"{words}: {comment}" if comment else words,
    )
