"""Jobs inside jobs: what a job was granted, and what becomes of the schedulers that it uses.

A worker notes the grant in its environment, so that it holds for the processes of its jobs too.
"""

from __future__ import annotations

import os

# What takes long to import is left to those who come after the first worker has been started.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VARIABLE = "GRIDENGINE_GRANTED"
"""Has the grant, of a worker to its jobs and to their processes."""


def grant(cores: int, queue_job: str) -> None:
    """Notes, in a worker, what its jobs may use.

    Args:
        cores: How many they may keep busy.
        queue_job: Name of the queue job that they run in.
    """
    os.environ[VARIABLE] = f"{cores}:{queue_job}"


def in_job() -> bool:
    """Returns True in a worker, and in the processes that its jobs start."""
    return VARIABLE in os.environ


def queue_job() -> str:
    """Returns the name of the queue job that a job runs in, nothing outside of jobs."""
    return os.environ.get(VARIABLE, "").partition(":")[2]


def granted_cores() -> int:
    """Returns how many cores a job, or a queue job, was granted; 0 where nobody says so."""
    granted = os.environ.get(VARIABLE, "").partition(":")[0]
    return int(granted) if granted else slots_of_queue_job()


def runs_in_place() -> bool:
    """Returns True where calls run best in this very process: in a job that has one core."""
    return in_job() and granted_cores() == 1


def slots_of_queue_job(environ: Mapping[str, str] | None = None) -> int:
    """Returns how many slots on this host a batch system has granted; 0 outside of queue jobs.

    Args:
        environ: The environment in which the queue job was started; by default this process's.
    """
    environ = os.environ if environ is None else environ
    for job, slots in (("JOB_ID", "NSLOTS"), ("SLURM_JOB_ID", "SLURM_CPUS_PER_TASK")):
        if job in environ and environ.get(slots, "").isdecimal():
            return max(1, _slots_here(environ.get("PE_HOSTFILE", "")) or int(environ[slots]))
    return 0


def _slots_here(hostfile: str) -> int:
    """Returns the slots of a parallel environment that are on this host, 0 if it does not say."""
    # A line for each host: its name, its slots, its queue, its processors (sge_pe(5)).
    host = os.uname().nodename.partition(".")[0]
    try:
        with open(hostfile, encoding="utf-8") as file:
            lines = [line.split() for line in file]
        return sum(int(line[1]) for line in lines if line and line[0].partition(".")[0] == host)
    except (OSError, ValueError, IndexError):
        return 0


class Opened:
    """What a worker has to do with the schedulers that its jobs use.

    Args:
        wait: Called when a call is over: waits for the jobs that it has started.
        rest: Called when the worker has had no work for a while: closes what is idle.
        close: Called at its end: closes all.
        end: Called when a signal ends it: cancels all.
    """

    __slots__ = ("close", "end", "rest", "wait")

    def __init__(
        self,
        wait: Callable[[], None],
        rest: Callable[[], None],
        close: Callable[[], None],
        end: Callable[[], None],
    ) -> None:
        self.wait = wait
        self.rest = rest
        self.close = close
        self.end = end


#: None as long as no job of this worker has used a scheduler.
opened: Opened | None = None


#: What a worker wants to be told, from time to time, while its job has jobs of its own under way:
#: the time on the monotonic clock; None in all other processes.
note_jobs: Callable[[float], None] | None = None


class Inner:
    """What is known of jobs within the job of this process, for what they log.

    Attributes:
        job: What the map is called whose calls this process makes in place, empty if none; or
            the job whose warning it shows.
        host: Where that ran, empty if it was here.
        told: Whether all that is logged here goes to the program, theirs included.
    """

    __slots__ = ("host", "job", "told")

    def __init__(self) -> None:
        self.job = self.host = ""
        self.told = False


inner = Inner()
"""That of this process."""
