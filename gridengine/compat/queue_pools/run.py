"""One map by files alone: its queue jobs are submitted, watched, and submitted again.

Nothing of it lives in the program that could not be read again from the folder and the batch
system, so another program can go on with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from logging import Logger
from typing import NamedTuple, Protocol

from ...errors import Death, JobDied, SchedulerError
from ...logs import Log
from . import files
from .queues import ChunkJob, JobsStanding, QueueCommands, SlurmQueue, is_passing
from .work_dir import WorkDir

log = Log(__name__)

#: Seconds in which the results of a queue job that has left the queue are seen here: clients of a
#: network's file system keep what they know of a folder for up to a minute (nfs(5), acdirmax), but
#: as a rule for seconds.
_SETTLE = 10.0

#: How often one is submitted again that has left the queue without results, at most: as a rule
#: that is no mishap of the batch system, but a crash, and would be one again.
_LOST = 2


class ChunkJobs(Protocol):
    """Queue jobs by the numbers of their chunks."""

    def parts(self, chunks: Sequence[int]) -> Iterable[Sequence[int]]:
        """Returns those chunks that are submitted together."""

    def submit(self, chunks: Sequence[int]) -> None:
        """Submits those of some chunks.

        Raises:
            SchedulerError: The batch system does not take them.
        """

    def look(
        self, *, once: bool = False
    ) -> tuple[JobsStanding, dict[int, ChunkJob], dict[int, ChunkJob]]:
        """Returns how all stand, those that wait or run, and those that are in error.

        Args:
            once: Whether the batch system is asked but once, and not again if it does not answer.

        Raises:
            SchedulerError: The batch system does not answer.
        """

    def delete(self, jobs: Iterable[ChunkJob]) -> None:
        """Deletes some."""


class OneByOne:
    """One submission for each chunk.

    Args:
        work: The folder.
        queue: The batch system.
        logger: Is told what is done.
    """

    def __init__(self, work: WorkDir, queue: QueueCommands, logger: Logger) -> None:
        self._work, self._queue, self._logger = work, queue, logger
        session = work.session
        self._chunks = {
            name_of(session.session_id, ichunk): ichunk for ichunk in range(len(session.tasks))
        }

    def parts(self, chunks: Sequence[int]) -> Iterable[Sequence[int]]:
        return [[ichunk] for ichunk in chunks]

    def submit(self, chunks: Sequence[int]) -> None:
        work = self._work
        for ichunk in chunks:
            self._queue.submit(
                name_of(work.session.session_id, ichunk), work.script, work.tasks(ichunk),
                work.stdout(ichunk), work.stderr(ichunk), self._logger,
            )  # fmt: skip

    def look(
        self, *, once: bool = False
    ) -> tuple[JobsStanding, dict[int, ChunkJob], dict[int, ChunkJob]]:
        standing = self._queue.look(self._chunks, self._logger, once=once)
        return standing, *_by(standing, lambda job: self._chunks[job.name])

    def delete(self, jobs: Iterable[ChunkJob]) -> None:
        for job in jobs:
            self._queue.delete(job, self._logger)


class AsArray:
    """One submission for all, each chunk a task of an array of Slurm.

    Args:
        work: The folder.
        queue: The batch system.
        logger: Is told what is done.
        at_once: How many may run at one time, None for any number.
    """

    def __init__(
        self, work: WorkDir, queue: SlurmQueue, logger: Logger, at_once: int | None
    ) -> None:
        self._work, self._queue, self._logger = work, queue, logger
        self._limit = f"%{at_once}" if at_once else ""

    def parts(self, chunks: Sequence[int]) -> Iterable[Sequence[int]]:
        return [chunks] if chunks else []

    def submit(self, chunks: Sequence[int]) -> None:
        work = self._work
        tasks = task_numbers(chunks) + self._limit
        folder = work.path.replace("%", "%%")
        name, stdout, stderr = work.session.session_id, f"{folder}/%a.stdout", f"{folder}/%a.stderr"
        self._queue.submit_array(name, work.script, tasks, stdout, stderr, self._logger)

    def look(
        self, *, once: bool = False
    ) -> tuple[JobsStanding, dict[int, ChunkJob], dict[int, ChunkJob]]:
        name = self._work.session.session_id
        standing = self._queue.look([name], self._logger, once=once, array=True)
        return standing, *_by(standing, lambda job: int(job.task))

    def delete(self, jobs: Iterable[ChunkJob]) -> None:
        for job in jobs:
            self._queue.delete(job, self._logger)


def _by(
    standing: JobsStanding, chunk_of: Callable[[ChunkJob], int]
) -> tuple[dict[int, ChunkJob], dict[int, ChunkJob]]:
    alive = {chunk_of(job): job for job in (*standing.running, *standing.pending)}
    return alive, {chunk_of(job): job for job in standing.error}


def name_of(session_id: str, ichunk: int) -> str:
    """Returns the name of a chunk's queue job."""
    # A Grid Engine takes no name that begins with a digit.
    return f"q{session_id}#{ichunk:09d}"


def task_numbers(chunks: Sequence[int]) -> str:
    """Returns numbers as ``sbatch --array`` takes them, neighbours as a range."""
    parts: list[list[int]] = []
    for number in sorted(chunks):
        if parts and parts[-1][-1] == number - 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


class RunLimits(NamedTuple):
    """How long, and how often.

    Attributes:
        polling_interval: Seconds between two looks.
        resubmissions: How often the queue job of a chunk is submitted again, None for no limit.
    """

    polling_interval: float
    resubmissions: int | None


class ProtocolRun:
    """A map that is under way.

    Args:
        work: Its folder.
        jobs: Its queue jobs.
        limits: As given by the user.
        logger: Is told what happens.
        say: Is told how all stand, when that has changed.

    Attributes:
        failed: What became of chunks of which there are no results.
    """

    def __init__(
        self,
        work: WorkDir,
        jobs: ChunkJobs,
        limits: RunLimits,
        logger: Logger,
        say: Callable[[str], object],
    ) -> None:
        self._work, self._jobs, self._limits = work, jobs, limits
        self._logger, self._say = logger, say
        self._again: dict[int, int] = _noted(work)
        self._missing: dict[int, float] = {}
        self._left: set[int] = set()
        # What the batch system has not taken yet.
        self._waiting: set[int] = set()
        self._last = ""
        self.failed: dict[int, JobDied] = {}

    def run(self) -> None:
        """Waits until each chunk has results, or has none for good.

        Ctrl-C, and whatever else ends it, deletes its queue jobs; but for an error of the batch
        system: what it has taken goes on, for who resumes.

        Raises:
            SchedulerError: The batch system takes no queue jobs, or does not answer.
        """
        self._left = set(range(len(self._work.session.tasks)))
        try:
            self._begin()
            while self._left:
                time.sleep(self._limits.polling_interval)
                self._look()
        except SchedulerError:
            raise
        except BaseException as error:
            self._delete_all(type(error).__name__)
            raise

    def _delete_all(self, why: str) -> None:
        self._logger.warning("%s: the queue jobs are deleted", why)
        try:
            # Who ends a program does not wait for a master that does not answer.
            _, alive, stuck = self._jobs.look(once=True)
            self._jobs.delete([*alive.values(), *stuck.values()])
        except SchedulerError as error:
            name = self._work.session.session_id
            log.warning("queue jobs whose names have %s in them are not deleted: %s", name, error)

    def _begin(self) -> None:
        # Those of a program that has died run on.
        _, alive, stuck = self._jobs.look()
        self._take_done()
        self._logger.info("%d chunks are to be done", len(self._left))
        self._submit(sorted(self._left - alive.keys() - stuck.keys()))

    def _submit(self, chunks: Sequence[int]) -> None:
        self._waiting |= set(chunks)
        try:
            for part in self._jobs.parts(sorted(self._waiting)):
                self._jobs.submit(part)
                self._waiting -= set(part)
        except SchedulerError as error:
            if not is_passing(error):
                raise
            # It may have been taken all the same: the next look says so.
            self._logger.warning("%s; %d chunks are submitted later", error, len(self._waiting))

    def _look(self) -> None:
        standing, alive, stuck = self._jobs.look()
        self._take_done()
        self._tell(standing)
        self._waiting = (self._waiting & self._left) - alive.keys() - stuck.keys()
        again = [each for each, job in stuck.items() if self._is_tried_again(each, job)]
        gone = self._left - self._waiting - alive.keys() - stuck.keys()
        again += [each for each in gone if self._is_lost(each)]
        for each in alive:
            self._missing.pop(each, None)
        if again:
            noted = {str(each): count for each, count in sorted(self._again.items())}
            files.write(self._work.resubmissions, json.dumps(noted, indent=4))
        if again or self._waiting:
            self._submit(sorted(set(again) - self.failed.keys()))

    def _take_done(self) -> None:
        """Leaves out what is done; after a look: what is in no queue has written before."""
        self._left = {each for each in self._left if not self._work.is_done(each)}

    def _tell(self, standing: JobsStanding) -> None:
        text = f"{standing}, {len(self.failed): 4d} lost"
        if text != self._last:
            self._last = text
            self._logger.info("%s", text)
            self._say(text)

    def _is_tried_again(self, ichunk: int, job: ChunkJob) -> bool:
        """Deletes a queue job that is in error; returns whether to count and submit it again."""
        self._logger.warning("queue job %s (%s) is in error: %s", job.number, job.name, job.detail)
        self._jobs.delete([job])
        if ichunk not in self._left:
            return False
        count = self._again[ichunk] = self._again.get(ichunk, 0) + 1
        limit = self._limits.resubmissions
        if limit is not None and count > limit:
            self._give_up(ichunk, f"its queue job was in error {count} times: {job.detail}")
        return True

    def _is_lost(self, ichunk: int) -> bool:
        """Returns whether one that has left the queue without results is to be submitted again."""
        now = time.monotonic()
        if now - self._missing.setdefault(ichunk, now) < _SETTLE:
            return False
        del self._missing[ichunk]
        count = self._again[ichunk] = self._again.get(ichunk, 0) + 1
        limit = self._limits.resubmissions
        self._logger.warning("chunk %d has left the queue without results", ichunk)
        if count > (_LOST if limit is None else min(_LOST, limit)):
            self._give_up(ichunk, f"its queue job has ended {count} times without results")
        return True

    def _give_up(self, ichunk: int, detail: str) -> None:
        session = self._work.session
        death = Death(
            job=session.function,
            index=sum(session.tasks[:ichunk]),
            attempt=self._again[ichunk],
            output=self._work.end_of_stderr(ichunk),
            detail=detail,
        )
        self._left.discard(ichunk)
        self.failed[ichunk] = JobDied(death)
        self._logger.error("chunk %d is given up: %s", ichunk, detail)


def _noted(work: WorkDir) -> dict[int, int]:
    try:
        noted = json.loads(files.read(work.resubmissions))
        return {int(each): int(count) for each, count in noted.items()}
    except (OSError, ValueError, AttributeError):
        return {}
