"""Slurm: its commands, as the session process uses a batch system."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...queue_session.process.batch_system import (
    BatchSystem,
    Denied,
    Pauses,
    QueueState,
    Record,
    TooLarge,
    Unreachable,
    WaitQuestion,
    WaitReason,
)
from ...queue_session.process.commands import CommandFailed, CommandMissing, CommandSlow
from ...queue_session.process.messages import Submit
from . import listing, reasons, records, slurm_commands
from .identity import identity
from .listing import Listed
from .script import needs_hosts, script_of, with_hosts
from .slurm_commands import Uncertain

_DELETIONS = 200  # names in one command
_OUTPUT = 16 * 1024  # bytes of a queue job's output that are searched
_LATE = 10.0  # seconds that a record of slurmdbd may come late
_SACCT_SECONDS = 15.0  # for sacct, which holds up what squeue alone knows of ends
_CATCHES_UP = 5.0  # seconds in which a controller that is back has heard all that was said before
_SLOW = 2  # times in a row that it may take longer, until it is given up for good


class _Unconfirmed(NamedTuple):
    """An array of which nobody knows whether the controller has taken it.

    Attributes:
        mark: Its comment, by which it is found.
        tasks: How many it has.
        missed: When it was looked for in vain first, on the monotonic clock, None if never.
    """

    mark: str
    tasks: int
    missed: float | None = None


class SlurmSystem(BatchSystem):
    """Slurm's controller, by way of sbatch, squeue, scontrol, sacct and scancel."""

    master = "Slurm's controller"
    pauses = Pauses(first=0.5, longest=8.0, running=15.0, misses=1)
    deletions = _DELETIONS

    def __init__(self) -> None:
        self._config: dict[str, str] = {}
        self._listed: dict[str, Listed] = {}
        self._slow = 0  # times in a row that sacct was
        self._unconfirmed: dict[int, _Unconfirmed] = {}
        # The marks of all that ever were in doubt, and the array that counts, if there is one.
        self._doubted: dict[str, str] = {}

    # -- the main thread -----------------------------------------------------------------------

    def open(self, contact: str) -> tuple[str, str]:
        text = slurm_commands.asked("scontrol", "show", "config")
        self._config = dict(re.findall(r"^(\S+)\s*=\s*(.*?)\s*$", text, re.MULTILINE))
        cluster = self._config.get("ClusterName", "?")
        if contact and contact != cluster:
            raise Denied(f"this host belongs to cluster {cluster} now, and not to {contact}")
        return f"Slurm {self._config.get('SLURM_VERSION', '')} (cluster {cluster})", cluster

    def check_host(self) -> None:
        """Nothing: which hosts may submit depends on what is asked for (AllocNodes)."""

    def submit(self, order: Submit, count: int) -> list[str]:
        if taken := self._taken_before(order.batch):
            return taken
        most = self._largest_array()
        if count > most:
            raise TooLarge(most)
        given = shlex.split(order.options)
        if needs_hosts(given):
            given = with_hosts(given, self._hosts())
        mark = f"gridengine-{uuid.uuid4().hex}"
        # The last one of each option counts, and these have to.
        whole = [
            *given, f"--array=1-{count}", f"--job-name={order.name}", f"--comment={mark}",
            "--chdir=/", f"--output={_log_of(order.logs)}", "--open-mode=append", "--no-requeue",
            "--export=ALL",
        ]  # fmt: skip
        try:
            job = slurm_commands.sbatch(whole, script_of(order.command), count)
        except Uncertain:
            # Not looked for now: the controller has just not answered, and may take it later.
            self._unconfirmed[order.batch] = _Unconfirmed(mark, count)
            self._doubted[mark] = ""
            raise
        return _names(job, count)

    def _taken_before(self, batch: int) -> list[str]:
        """Returns the names of an array that was taken without a word, none if it was not.

        Raises:
            Unreachable: That cannot be told yet.
        """
        if (sought := self._unconfirmed.get(batch)) is None:
            return []
        job = next((job for job, mark in self._marked() if mark == sought.mark), "")
        if not job:
            # A controller that is back answers the one while it still takes the other.
            now = time.monotonic()
            missed = now if sought.missed is None else sought.missed
            self._unconfirmed[batch] = sought._replace(missed=missed)
            if sought.missed is None or now < missed + _CATCHES_UP:
                raise Unreachable("it is not known yet whether sbatch was heard")
        del self._unconfirmed[batch]
        self._doubted[sought.mark] = job
        return _names(job, sought.tasks) if job else []

    def _marked(self) -> list[tuple[str, str]]:
        """Returns the numbers of this user's arrays, and with which mark each was submitted."""
        try:
            text = slurm_commands.asked(
                "squeue", "--me", "--noheader", "--states=all", "--format=%F|%k"
            )
        except Denied as error:
            raise Unreachable(f"squeue: {error}") from error
        return re.findall(r"^(\d+)\|(.*?)\s*$", text, re.MULTILINE)

    def close(self) -> None:
        # Nobody else knows of those that were taken without a word.
        doubted = self._doubted
        if doubted and (
            unknown := {job for job, mark in self._marked() if doubted.get(mark, job) != job}
        ):
            self.delete(sorted(unknown))

    def _largest_array(self) -> int:
        # The highest index that there may be is one less.
        most = int(self._config.get("MaxArraySize", "1001")) - 1
        if most < 1:
            raise Denied("this site allows no job arrays (MaxArraySize in slurm.conf)")
        parameters = self._config.get("SchedulerParameters", "")
        if match := re.search(r"\bmax_array_tasks=(\d+)", parameters):
            most = min(most, max(1, int(match[1])))
        return most

    def _hosts(self) -> list[str]:
        text = slurm_commands.asked("sinfo", "--noheader", "--Node", "--format=%N")
        return list(dict.fromkeys(text.split()))

    def delete(self, queue_jobs: Sequence[str]) -> None:
        # One that has ended is refused, and the others of the command are cancelled all the same.
        with contextlib.suppress(Denied):
            slurm_commands.asked("scancel", *(name.replace(".", "_") for name in queue_jobs))

    def identity(self) -> Mapping[str, str]:
        return identity(os.environ)

    # -- the thread that looks at the queue ----------------------------------------------------

    def states(self, queue_jobs: frozenset[str]) -> dict[str, QueueState]:
        try:
            text = slurm_commands.asked("squeue", *listing.ARGUMENTS)
        except Denied as error:
            raise Unreachable(f"squeue: {error}") from error
        found = listing.by_name(each for each in listing.listed(text) if each.name in queue_jobs)
        self._listed = found
        self._end_requeued([each for each in found.values() if each.restarts])
        return {name: _state(each) for name, each in found.items() if not each.is_over}

    def _end_requeued(self, jobs: Sequence[Listed]) -> None:
        """Ends what Slurm would start once more: who ran there is gone, and nobody waits for it."""
        if names := [each.name for each in jobs if each.state not in listing.OVER]:
            with contextlib.suppress(Unreachable):
                self.delete(names)

    def error_reasons(self, queue_jobs: frozenset[str]) -> dict[str, str]:
        listed = self._listed
        return {
            name: _words(listed[name]) if name in listed else "it will not start by itself"
            for name in queue_jobs
        }

    def wait_reasons(self, questions: Sequence[WaitQuestion]) -> Iterator[WaitReason]:
        for question in questions:
            job = self._listed.get(question.queue_job)
            told = (_words(job), f"squeue: {job.state} ({job.reason})") if job else ("", "")
            yield WaitReason(question, *told)

    # -- the thread that asks for what is written down -----------------------------------------

    def accounts(self, job: str, queue_jobs: Mapping[str, float | None]) -> dict[str, Record]:
        listed = self._listed
        found = {
            name: listing.record_of(listed[name])
            for name in queue_jobs
            if name in listed and listed[name].is_over
        }
        if len(found) < len(queue_jobs) and self._has_accounting():
            found = {**self._accounted(job, queue_jobs), **found}
        if any(record["ExitCode"].endswith(":9") for record in found.values()):
            self._add_memory(job, found)
        return found

    def _accounted(self, job: str, queue_jobs: Mapping[str, float | None]) -> dict[str, Record]:
        try:
            text = slurm_commands.run(
                "sacct", "--noheader", "--parsable2", f"--jobs={job}",
                f"--format={records.SACCT_FORMAT}", seconds=_SACCT_SECONDS,
            )  # fmt: skip
        except CommandFailed:
            return {}  # slurmdbd is away
        except CommandSlow:
            self._slow += 1
            return {}
        except CommandMissing:
            self._slow = _SLOW
            return {}
        self._slow = 0
        return {
            name: record
            for name, record in records.accounted(text)
            if name in queue_jobs and record["JobState"] in listing.OVER
        }

    def _add_memory(self, job: str, found: dict[str, Record]) -> None:
        """Adds to what is known of killed queue jobs what their output says of memory."""
        try:
            text = slurm_commands.run("scontrol", "show", "job", "--oneliner", job)
        except (CommandFailed, CommandSlow, CommandMissing):
            return
        for name, shown in records.shown(text):
            if name in found and found[name]["ExitCode"].endswith(":9"):
                found[name] = {**found[name], **records.memory_in(_end_of(shown.get("StdOut", "")))}

    def _has_accounting(self) -> bool:
        kind = self._config.get("AccountingStorageType", "")
        return "slurmdbd" in kind and self._slow < _SLOW

    def account_delay(self) -> float:
        return _LATE if self._has_accounting() else 0.0


def _state(job: Listed) -> QueueState:
    waiting = job.state in listing.WAITING
    return QueueState(
        waiting=waiting,
        held=waiting and reasons.is_held(job.reason),
        running=not waiting,
        in_error=waiting and reasons.is_hopeless(job.reason),
        leaving=job.state == "COMPLETING",
        suspended=listing.SUSPENDED.get(job.state, ""),
    )


def _names(job: str, count: int) -> list[str]:
    return [f"{job}.{task}" for task in range(1, count + 1)]


def _words(job: Listed) -> str:
    name = job.name.replace(".", "_")
    return reasons.in_words(job.reason, job=name, partition=job.partition)


def _log_of(folder: str) -> str:
    return folder if folder == os.devnull else f"{folder}/%A.%a.log"


def _end_of(path: str) -> str:
    """Returns the end of a queue job's output, nothing if that cannot be read."""
    try:
        # What a node has made there is a file of this user's, and no pipe that would be waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _OUTPUT))
            return file.read(_OUTPUT).decode(errors="replace")
    except (OSError, ValueError):
        return ""
