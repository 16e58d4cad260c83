"""Workers as queue jobs of IBM Spectrum LSF, by ``bsub``, ``bjobs`` and ``bkill``.

Experimental: written after the documents of LSF 10.1, and tested with commands that print what
these show; nobody could run it on an LSF.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import SchedulerError
from ..states import DeathCause
from .command_scheduler import CommandScheduler, Phase, Status, Submission
from .commands import run, run_for_all
from .events import End
from .quantities import parse_memory, parse_time
from .requested import memory_of, time_of

_PHASES = {
    "PEND": Phase.WAITING, "WAIT": Phase.WAITING, "PROV": Phase.WAITING,
    "PSUSP": Phase.STUCK,
    "RUN": Phase.RUNNING, "UNKWN": Phase.RUNNING,
    "USUSP": Phase.SUSPENDED, "SSUSP": Phase.SUSPENDED,
    "DONE": Phase.OVER, "EXIT": Phase.OVER, "ZOMBI": Phase.OVER,
}  # fmt: skip

#: How `exit_reason` begins after an end by a limit, or by somebody.
_REASONS = {
    "TERM_MEMLIMIT": DeathCause.OUT_OF_MEMORY, "TERM_SWAP": DeathCause.OUT_OF_MEMORY,
    "TERM_RUNLIMIT": DeathCause.OVER_TIME, "TERM_CPULIMIT": DeathCause.OVER_TIME,
    "TERM_OWNER": DeathCause.KILLED, "TERM_ADMIN": DeathCause.KILLED,
    "TERM_FORCE_OWNER": DeathCause.KILLED, "TERM_FORCE_ADMIN": DeathCause.KILLED,
    "TERM_PREEMPT": DeathCause.KILLED, "TERM_ZOMBIE": DeathCause.NODE_LOST,
}  # fmt: skip

_FIELDS = "jobid jobindex stat exit_code exit_reason pend_reason run_time max_mem"
_NOT_FOUND = (
    255  # the status of bjobs that does not know one of the jobs, and has printed the others
)
_LARGEST = 1000  # of an array: MAX_JOB_ARRAY_SIZE, where nobody has set it


class LsfScheduler(CommandScheduler):
    """Runs workers on IBM Spectrum LSF. Experimental: see `gridengine.schedulers.lsf`.

    ``LsfScheduler(queue="normal", slots=2, walltime="01:00:00", mem="4gb")``: each worker is an
    element of an array, asks for ``-n 2 -R span[hosts=1] -W 60 -M 4096MB -R rusage[mem=4096MB]``.
    Units of memory need LSF 10.1.0.2 or newer.

    Args:
        queue: ``bsub -q``.
        project: ``bsub -P``.
        requirement: One more ``bsub -R``: ``"select[type==any]"``.
        native: Further options of ``bsub``, as a text.
        common: What `CommandScheduler` takes. Of resources ``walltime``, ``mem`` for the worker,
            or ``mem_per_slot`` for each slot.

    Raises:
        TypeError, ValueError: An argument is impossible, or another resource is asked for.
        GridEngineError: Something in ``settings`` is.
    """

    queue_job_template = "{LSB_JOBID}[{LSB_JOBINDEX}]"
    commands = ("bsub", "bjobs", "bkill")
    memory_resource = "mem_per_slot"

    def __init__(
        self,
        *,
        queue: str = "",
        project: str = "",
        requirement: str = "",
        native: str = "",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.options = [
            *(["-q", queue] if queue else []),
            *(["-P", project] if project else []),
            *(["-R", requirement] if requirement else []),
            *shlex.split(native),
        ]

    def checked_resources(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        if unknown := sorted(resources.keys() - {"walltime", "mem", "mem_per_slot"}):
            raise ValueError(
                f"LsfScheduler knows no resource {unknown[0]!r}: it takes walltime, mem and "
                "mem_per_slot, and all else by requirement= and native="
            )
        time_of(resources)
        memory_of(resources, 1)
        return dict(resources)

    def time_limit(self, resources: Mapping[str, object]) -> float:
        return 60.0 * _minutes(self.all_resources(resources))

    def memory_of(self, resources: Mapping[str, object]) -> int:
        slots = self.slots_of(resources)
        return memory_of(self.all_resources(resources), slots) // slots

    def submit(self, submission: Submission) -> Sequence[str]:
        count = min(submission.copies, _LARGEST)
        said = run(
            ["bsub", "-J", f"{submission.name}[1-{count}]", "-o", "/dev/null", "-rn",
             "-n", str(submission.slots), "-R", "span[hosts=1]",
             *self._requests(submission), *self.options],
            text=submission.script,
        )  # fmt: skip
        found = re.search(r"Job <(\d+)>", said)
        if found is None:
            raise SchedulerError(f"bsub has printed {said!r}, where Job <1234> is expected")
        return [f"{found[1]}[{index}]" for index in range(1, count + 1)]

    def _requests(self, submission: Submission) -> list[str]:
        options = []
        if minutes := _minutes(submission.resources):
            options += ["-W", str(minutes)]
        if memory := memory_of(submission.resources, submission.slots):
            megabytes = f"{-(-memory // 1024**2)}MB"
            options += ["-M", megabytes, "-R", f"rusage[mem={megabytes}]"]
        # Each is what a node has said: what is no name could be any expression.
        hosts = [host for host in submission.avoid if re.fullmatch(r"[\w.-]+", host, re.ASCII)]
        if hosts:
            others = " && ".join(f"hname!='{host}'" for host in hosts)
            options += ["-R", f"select[{others}]"]
        return options

    def status(self, queue_jobs: Sequence[str]) -> Mapping[str, Status]:
        arrays = list(dict.fromkeys(name.partition("[")[0] for name in queue_jobs))
        said = run(["bjobs", "-a", "-o", _FIELDS, "-json", *arrays], statuses=(0, _NOT_FOUND))
        try:
            records = json.loads(said or "{}", strict=False).get("RECORDS", [])
        except ValueError as error:
            raise SchedulerError(f"what bjobs prints is no JSON: {error}") from None
        # One that it does not know is a record with nothing but an error.
        found = {_name(record): _status(record) for record in records if record.get("STAT")}
        return {name: found[name] for name in queue_jobs if name in found}

    def delete(self, queue_jobs: Sequence[str]) -> None:
        run_for_all(["bkill"], queue_jobs)


def _minutes(resources: Mapping[str, object]) -> int:
    """Returns the limit of time, in the minutes that ``bsub -W`` takes, rounded up."""
    return -int(-time_of(resources) // 60)


def _name(record: Mapping[str, str]) -> str:
    number, _, index = record["JOBID"].rstrip("]").partition("[")
    return f"{number}[{index or record.get('JOBINDEX') or '0'}]"


def _status(record: Mapping[str, str]) -> Status:
    """Returns how a job stands by what bjobs says of it."""
    phase = _PHASES.get(record["STAT"], Phase.RUNNING)
    end = _end(record) if phase is Phase.OVER else End()
    return Status(phase, record.get("PEND_REASON", "").strip(), end)


def _end(record: Mapping[str, str]) -> End:
    reason = record.get("EXIT_REASON", "").strip(" -")
    code = record.get("EXIT_CODE", "").strip(" -")
    status = int(code) if code.isdecimal() else 0 if record["STAT"] == "DONE" else None
    # As a shell says it.
    signal = status - 128 if status is not None and status > 128 else 0
    cause = _REASONS.get(reason.partition(":")[0])
    if cause is None:
        cause = DeathCause.KILLED if signal else DeathCause.EXITED
    return End(
        exitcode=-signal if signal else status,
        cause=cause,
        peak_memory=parse_memory(re.sub(r"(?i)\s|bytes?", "", record.get("MAX_MEM", "")).upper()),
        wall_time=parse_time(record.get("RUN_TIME", "").partition(" ")[0]),
        detail=f"LSF says {record['STAT']}{f', {reason}' * bool(reason)}",
    )
