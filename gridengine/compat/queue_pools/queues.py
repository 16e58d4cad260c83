"""A batch system by its own commands: submit one chunk, see how all stand, delete one."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from logging import Logger
from typing import NamedTuple, Protocol, TypeVar
from xml.etree import ElementTree

from ...errors import SchedulerError, SchedulerUnavailable

T = TypeVar("T")

#: Seconds that one command may take.
_SECONDS = 120.0

#: Tries of a command that only looks, and seconds between the first two of them; each pause is
#: twice as long, up to the last number: a master that is started anew is gone for minutes.
_TRIES, _PAUSE, _LONGEST = 30, 1.0, 60.0


#: What is said of something that passes by itself: the master is gone for a moment, or this user
#: has as many queue jobs as the site allows.
_PASSING = re.compile(
    r"commlib|cannot contact|unable to contact|connection (?:refused|failure|timed out)|timed out"
    r"|has not answered|temporar|try again|too many|max_u_jobs|max_jobs|limit of"
    r"|MaxJobCount|SubmitJob(?:s)?Limit|MaxSubmitJobs",
    re.IGNORECASE,
)


def is_passing(error: SchedulerError) -> bool:
    """Tells whether what was refused may well be taken later."""
    return not isinstance(error, SchedulerUnavailable) and bool(_PASSING.search(str(error)))


class ChunkJob(NamedTuple):
    """A queue job of this map.

    Attributes:
        name: Its name, which says its chunk.
        number: The batch system's number for it.
        detail: In what state it is, and why.
        task: Its number in an array, empty if it is no task of one.
    """

    name: str
    number: str
    detail: str
    task: str = ""


class JobsStanding(NamedTuple):
    """How all queue jobs of a map stand; what is over is in no list."""

    running: list[ChunkJob]
    pending: list[ChunkJob]
    error: list[ChunkJob]

    def __str__(self) -> str:
        running, pending, error = map(len, self)
        return f"{running: 4d} running, {pending: 4d} pending, {error: 4d} error"


class QueueCommands(Protocol):
    """What a map needs of a batch system."""

    def submit(
        self, name: str, script: str, argument: str, stdout: str, stderr: str, logger: Logger
    ) -> None:
        """Has a script run with an argument.

        Raises:
            SchedulerError: The batch system does not take it; the message says why.
        """

    def look(self, names: Collection[str], logger: Logger, *, once: bool = False) -> JobsStanding:
        """Returns how the queue jobs of these names stand.

        Args:
            names: They.
            logger: Is told what is done.
            once: Whether it is asked but once.

        Raises:
            SchedulerError: It has not answered, for a long time if it may be asked again.
        """

    def delete(self, job: ChunkJob, logger: Logger) -> None:
        """Deletes one, which may have ended; what cannot be deleted is noted in the log."""


class GridEngineQueue:
    """A Grid Engine by ``qsub``, ``qstat`` and ``qdel``.

    Args:
        qsub_path: The command.
        qstat_path: The command.
        qdel_path: The command.
        queue_name: The queue, None for whichever the site has.
        python_path: The interpreter of the script.
        error_state_indicator: What stands in the state of one that is in error.
    """

    def __init__(
        self,
        *,
        qsub_path: str,
        qstat_path: str,
        qdel_path: str,
        queue_name: str | None,
        python_path: str,
        error_state_indicator: str,
    ) -> None:
        self._qsub, self._qstat, self._qdel = qsub_path, qstat_path, qdel_path
        self._queue_name = queue_name
        self._python_path = python_path
        self._indicator = error_state_indicator

    def submit(
        self, name: str, script: str, argument: str, stdout: str, stderr: str, logger: Logger
    ) -> None:
        queue = ["-q", self._queue_name] if self._queue_name else []
        options = [*queue, "-o", stdout, "-e", stderr, "-N", name, "-S", self._python_path]
        run([self._qsub, *options, script, argument], logger)

    def look(self, names: Collection[str], logger: Logger, *, once: bool = False) -> JobsStanding:
        tree = patiently(lambda: _parsed(run([self._qstat, "-xml"], logger)), logger, once=once)
        running = [each for part in tree.iter("queue_info") for each in part.iter("job_list")]
        waiting = [each for part in tree.findall("job_info") for each in part.iter("job_list")]
        found = JobsStanding([], [], [])
        for elements, place in ((running, found.running), (waiting, found.pending)):
            for element in elements:
                state = element.findtext("state") or ""
                job = ChunkJob(
                    element.findtext("JB_name") or "",
                    element.findtext("JB_job_number") or "",
                    state,
                )
                if job.name in names:
                    (found.error if self._indicator in state else place).append(job)
        return found

    def delete(self, job: ChunkJob, logger: Logger) -> None:
        _delete([self._qdel, job.number], job, logger)


class SlurmQueue:
    """A Slurm by ``sbatch``, ``squeue`` and ``scancel``.

    Args:
        sbatch_path: The command.
        squeue_path: The command.
        scancel_path: The command.
        clusters: Those of ``sbatch --clusters``, None for the own one.
    """

    #: States in which one has ended of something that another try may be spared.
    _FAILED = frozenset({"BOOT_FAIL", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "DEADLINE"})
    _RUNNING = frozenset({"RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STAGE_OUT"})
    #: What stands in the reason of one that waits for ever.
    _STUCK = ("admin", "err", "bad", "fail", "halt", "held", "dependencynever")

    def __init__(
        self,
        *,
        sbatch_path: str,
        squeue_path: str,
        scancel_path: str,
        clusters: Sequence[str] | None = None,
    ) -> None:
        self._sbatch, self._squeue, self._scancel = sbatch_path, squeue_path, scancel_path
        self._clusters = ["--clusters", ",".join(clusters)] if clusters else []

    def submit(
        self, name: str, script: str, argument: str, stdout: str, stderr: str, logger: Logger
    ) -> None:
        options = ["--job-name", name, "--output", stdout, "--error", stderr]
        run([self._sbatch, *self._clusters, *options, script, argument], logger)

    def submit_array(
        self, name: str, script: str, tasks: str, stdout: str, stderr: str, logger: Logger
    ) -> None:
        """Has a script run as tasks of an array; ``tasks`` is as of ``sbatch --array``.

        Raises:
            SchedulerError: The batch system does not take it; the message says why.
        """
        options = ["--array", tasks, "--job-name", name, "--output", stdout, "--error", stderr]
        run([self._sbatch, *self._clusters, *options, script], logger)

    def look(
        self, names: Collection[str], logger: Logger, *, once: bool = False, array: bool = False
    ) -> JobsStanding:
        command = [self._squeue, *self._clusters, "--me", *(["--array"] if array else [])]
        text = patiently(lambda: run([*command, "--format", "%all"], logger), logger, once=once)
        found = JobsStanding([], [], [])
        for row in table(text):
            name, state, reason = row.get("name", ""), row.get("state", ""), row.get("reason", "")
            if name not in names:
                continue
            job = ChunkJob(name, row["jobid"], f"{state} ({reason})", row.get("array_task_id", ""))
            if state in self._RUNNING:
                found.running.append(job)
            elif state in self._FAILED or (
                state == "PENDING" and (self._is_stuck(reason) or not _is_above_0(row))
            ):
                found.error.append(job)
            elif state == "PENDING":
                found.pending.append(job)
        return found

    def _is_stuck(self, reason: str) -> bool:
        return any(word in reason.lower() for word in self._STUCK)

    def delete(self, job: ChunkJob, logger: Logger) -> None:
        _delete([self._scancel, *self._clusters, job.number], job, logger)


def table(text: str) -> list[dict[str, str]]:
    """Returns the rows of what ``squeue --format %all`` prints, by the heads in lower case."""
    lines = text.splitlines()
    # More than one cluster: each table has a line before it.
    heads: list[str] = []
    rows = []
    for line in lines:
        cells = line.split("|")
        if "JOBID" in (cell.strip().upper() for cell in cells):
            heads = [cell.strip().lower() for cell in cells]
        elif len(cells) == len(heads):
            # Some heads are there twice, the second time with something else.
            rows.append(dict(reversed([*zip(heads, cells, strict=True)])))
    return rows


def _is_above_0(row: dict[str, str]) -> bool:
    try:
        return float(row.get("priority", "1")) > 0
    except ValueError:
        return False


def _parsed(text: str) -> ElementTree.Element:
    try:
        # What a site's wrapper prints before it is none of it.
        return ElementTree.fromstring(text[max(0, text.find("<")) :])  # noqa: S314  # qstat's
    except ElementTree.ParseError as error:
        raise SchedulerError(f"what qstat prints is no XML: {error}") from None


def run(command: Sequence[str], logger: Logger) -> str:
    """Returns what a command prints.

    Raises:
        SchedulerUnavailable: It is not there, or cannot be run.
        SchedulerError: It takes too long, or fails; the message says what it has said.
    """
    logger.debug("%s", " ".join(command))
    name = os.path.basename(command[0])
    try:
        done = subprocess.run(  # noqa: S603  # the batch system's
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS,
            encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SchedulerError(f"{name} has not answered within {_SECONDS:g} s") from None
    except OSError as error:
        raise SchedulerUnavailable(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        said = " ".join(f"{done.stderr} {done.stdout}".split())[-1000:]
        raise SchedulerError(f"{name}: {said or f'exit status {done.returncode}'}")
    return done.stdout


def patiently(look: Callable[[], T], logger: Logger, *, once: bool = False) -> T:
    """Returns what ``look`` returns, tried again for half an hour if it fails, or tried once.

    Raises:
        SchedulerUnavailable: There is no such command.
        SchedulerError: The last try has failed too.
    """
    for number in range(0 if once else _TRIES - 1):
        try:
            return look()
        except SchedulerUnavailable:
            raise
        except SchedulerError as error:
            logger.warning("%s; tried again", error)
            time.sleep(min(_PAUSE * 2**number, _LONGEST))
    return look()


def _delete(command: Sequence[str], job: ChunkJob, logger: Logger) -> None:
    try:
        run(command, logger)
    except SchedulerError as error:
        # Most likely it has ended meanwhile; if not, it is seen, and deleted, again.
        logger.warning("queue job %s (%s) is not deleted: %s", job.number, job.name, error)
