"""What a session has left in the queue of a Slurm, and how to delete it."""

from __future__ import annotations

import calendar
import os
import re
import time
from collections.abc import Sequence

from ...errors import SchedulerError
from ..queue_session.leftovers import SECONDS, Array, LeftoverQueue, SessionFile
from ..queue_session.process.batch_system import Denied, Unreachable
from .batch_system import records, slurm_commands

_CLOCKS = 600.0  # seconds by which the clocks of controller and submit host may differ


class SlurmLeftovers(LeftoverQueue):
    """The queue of this process's Slurm."""

    def another_site(self, session: SessionFile) -> str:
        noted = session.identity.get("SLURM_CONF", "")
        if _real(noted) == _real(os.environ.get("SLURM_CONF", "")):
            return ""
        return f"it is of another Slurm (SLURM_CONF={noted}): set this for that"

    def own_job(self) -> str:
        job = os.environ.get("SLURM_ARRAY_JOB_ID", "") or os.environ.get("SLURM_JOB_ID", "")
        return job if job.isdigit() else ""

    def jobs(self) -> set[str]:
        return set(_ask("squeue", "--me", "--noheader", "--format=%F").split())

    def holds(self, queue_job: str) -> bool:
        # A number of its own, of one of an array too.
        return queue_job in _ask("squeue", "--me", "--noheader", "--array", "--format=%A").split()

    def is_ours(self, array: Array) -> bool:
        told = _ask("scontrol", "show", "job", "--oneliner", array.job)
        owner = f"({os.geteuid()})"
        # All of them have one name, and were submitted at the same time.
        return any(
            record.get("UserId", "").endswith(owner)
            and record.get("JobName") == array.name != ""
            and abs(_seconds_of(record.get("SubmitTime", "")) - array.time) < _CLOCKS
            for _, record in records.shown(told)
        )

    def delete_array(self, array: Array) -> None:
        _ask("scancel", array.job)

    def by_hand(self, arrays: Sequence[Array]) -> str:
        return " ".join(["scancel", *(array.job for array in arrays)])


def _ask(program: str, *arguments: str) -> str:
    try:
        return slurm_commands.asked(program, *arguments, seconds=SECONDS)
    except (Denied, Unreachable) as error:
        raise SchedulerError(f"{program}: {error}") from None


def _seconds_of(text: str) -> float:
    """Returns the seconds since 1970 of a time in UTC, 0 if it is none."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text):
        return 0.0
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S")))


def _real(path: str) -> str:
    return path and os.path.realpath(path)
