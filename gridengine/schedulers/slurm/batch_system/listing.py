"""What ``squeue`` lists: the queue jobs that wait and run, and for some time those that are over.

Slurm forgets one ``MinJobAge`` seconds after its end, five minutes by default. The samples in the
tests are of Slurm 22.05.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: Each ends in a bar, whatever its width.
_FIELDS = (
    "ArrayJobID", "ArrayTaskID", "State", "exit_code", "TimeUsed", "TimeLimit", "NodeList",
    "Partition", "restartcnt", "Reason",
)  # fmt: skip

ARGUMENTS = (
    "--me", "--noheader", "--array", "--states=all",
    f"--Format={','.join(f'{field}:|' for field in _FIELDS)}",
)  # fmt: skip
"""Those of squeue, for all queue jobs of this user."""

WAITING = frozenset(
    {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
)
OVER = frozenset(
    {
        "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL",
        "DEADLINE", "OUT_OF_MEMORY", "REVOKED", "LAUNCH_FAILED", "RECONFIG_FAIL",
    }
)  # fmt: skip

#: How the script of one has ended whose node still tidies up.
_ENDED_WITH = frozenset({"NonZeroExitCode", "JobLaunchFailure", "RaisedSignal", "OutOfMemory"})

SUSPENDED = {
    "SUSPENDED": "by Slurm, or by scontrol suspend (state SUSPENDED)",
    "STOPPED": "by a signal (state STOPPED)",
}
"""By what queue jobs are stopped in some states."""


class Listed(NamedTuple):
    """A queue job in the list.

    Attributes:
        name: Of one of an array ``JOB.TASK``, else ``JOB``.
        state: As Slurm calls it.
        exit_code: Exit status and signal, ``3:0``; of no meaning before its end.
        time: For how long it has run.
        limit: For how long it may.
        nodes: Where it runs, or ran.
        partition: In which.
        restarts: How often Slurm has put it back into the queue.
        reason: Why it waits, or has ended.
    """

    name: str
    state: str
    exit_code: str
    time: str
    limit: str
    nodes: str
    partition: str
    restarts: int
    reason: str

    @property
    def is_over(self) -> bool:
        """Whether it runs no more, and will not again; one that is put back counts."""
        if self.state in OVER or self.restarts:
            return True
        # Its processes have ended, if it was not told to: an epilog may take its time.
        return self.state == "COMPLETING" and (
            self.reason in _ENDED_WITH or self.exit_code not in ("0:0", "0:15")
        )


def listed(text: str) -> Iterator[Listed]:
    """Yields the queue jobs in what squeue prints for `ARGUMENTS`."""
    for line in text.splitlines():
        fields = line.rstrip("\n").split("|", len(_FIELDS))
        if len(fields) <= len(_FIELDS) or not fields[0].isdigit():
            continue
        job, task, state, code, time, limit, nodes, partition, restarts, reason = fields[:-1]
        name = f"{job}.{task}" if task.isdigit() else job
        again = int(restarts) if restarts.isdigit() else 0
        yield Listed(name, state, exit_code(code), time, limit, nodes, partition, again, reason)


def exit_code(status: str) -> str:
    """Returns ``3:0`` for the wait status 768, as all other commands have it."""
    if not status.isdigit():
        return status if ":" in status else "0:0"
    number = int(status)
    return f"{os.WEXITSTATUS(number)}:{number & 0x7F}"


def record_of(job: Listed) -> dict[str, str]:
    """Returns what is known of one that is over, by the names of ``scontrol show job``."""
    state = "REQUEUED" if job.restarts else job.state
    return {
        "JobState": state,
        "ExitCode": job.exit_code,
        "Reason": job.reason,
        "RunTime": job.time,
        "TimeLimit": job.limit,
        "NodeList": job.nodes,
    }


def by_name(jobs: Iterable[Listed]) -> dict[str, Listed]:
    """Returns queue jobs by their names."""
    return {job.name: job for job in jobs}
