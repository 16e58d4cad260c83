"""The Grid Engine by its commands alone: qsub and qdel; the ends are seen, not told."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from ...queue_session.process.batch_system import (
    ENDS_ARE_SEEN,
    Denied,
    Ending,
    NotTold,
    QueueState,
    Unreachable,
)
from ...queue_session.process.commands import CommandFailed, CommandMissing, CommandSlow
from ...queue_session.process.messages import Submit
from ...queue_session.process.node_ends import NodeEnds
from . import ge_commands, qstat
from .answers import is_about_this_host, sorted_answer
from .grid_engine import GridEngineSystem

_SECONDS = 30.0  # for one command; the master of a large site is busy at times
_LIMIT_STATUS = 25  # of qsub(1): the site allows no more jobs now

_PRODUCT = re.compile(r"\b(?:[A-Z]*GE|OCS|GCS)\b[ /]?\S*|Grid Engine.*")
_OVER = "Following jobs do not exist"
_TAKEN = re.compile(r"(?:Your job(?:-array)? )?(\d+)(?:\.\d+-\d+:\d+)?(?: \(.*)?")

_CONTEXT = "gridengine_submission"
"""Context (qsub -ac) by which a job is known again whose number has not been heard."""


class CommandSystem(GridEngineSystem):
    """A Grid Engine without a DRMAA library."""

    pauses = ENDS_ARE_SEEN
    deletions = 200

    def __init__(self) -> None:
        super().__init__()
        self._ends = NodeEnds()
        # By batch: its token, and the tasks of an array that may have been submitted.
        self._unheard: dict[int, tuple[str, int]] = {}

    def open(self, contact: str) -> tuple[str, str]:
        try:
            said = ge_commands.run("qsub", "-help", seconds=_SECONDS)
        except (CommandMissing, CommandFailed) as error:
            raise Denied(f"qsub is not that of a Grid Engine: {error}") from None
        except CommandSlow:
            raise Unreachable(f"qsub has not answered within {_SECONDS:g} s") from None
        product = _PRODUCT.search(said.partition("\n")[0])
        if product is None:
            raise Denied(f"qsub is not that of a Grid Engine: {said[:80]!r}")
        try:
            qstat.states(frozenset())
        except NotTold as error:
            raise Denied(f"there is no qstat here, to see which queue jobs end: {error}") from None
        return product[0].strip(), "commands"

    def states(self, queue_jobs: frozenset[str]) -> dict[str, QueueState]:
        try:
            return super().states(queue_jobs)
        except NotTold as error:
            # It was there, and nothing else tells of ends.
            raise Unreachable(f"qstat cannot be run: {error}") from None

    def check_host(self) -> None:
        try:
            # To be verified, and not to be run (qsub(1)).
            _run("qsub", "-w", "v", "-terse", "-b", "y", "/bin/true")
        except CommandFailed as error:
            found = sorted_answer(_words(error))
            if isinstance(found, Unreachable) or is_about_this_host(str(found)):
                raise found from None

    def submit(self, order: Submit, count: int) -> list[str]:
        if (heard := self._heard_of(order.batch)) is not None:
            return heard
        token = os.urandom(8).hex()
        self._ends.expect(order.logs)
        try:
            said = _run("qsub", *submission(order, count, token))
        except CommandFailed as error:
            raise sorted_answer(_words(error), limited=error.status == _LIMIT_STATUS) from None
        except Unreachable:
            # It may have been taken all the same.
            self._unheard[order.batch] = token, count
            raise
        if not (job := job_number(said)):
            raise Denied(f"qsub has not said which job it has submitted: {said.strip()!r}")
        return names(job, count)

    def _heard_of(self, batch: int) -> list[str] | None:
        """Returns the names of an array that was submitted without a word of it; None if none was.

        Raises:
            Unreachable: That cannot be told yet.
        """
        if batch not in self._unheard:
            return None
        token, count = self._unheard[batch]
        # All of one user's, for a site may have changed its name.
        jobs = qstat.own_jobs()
        found = qstat.job_with(_CONTEXT, token, _described(jobs)) if jobs else ""
        del self._unheard[batch]
        return names(found, count) if found else None

    def endings(self, live: Iterable[str]) -> Iterator[Ending]:
        yield from self._ends.endings()

    def delete(self, queue_jobs: Sequence[str]) -> None:
        try:
            _run("qdel", *queue_jobs)
        except CommandFailed as error:
            # What is not there any more is refused, and the others are deleted.
            if isinstance(found := sorted_answer(_words(error)), Unreachable):
                raise found from None

    def close(self) -> None:
        # Nobody else knows of these.
        for batch in list(self._unheard):
            if left := self._heard_of(batch):
                self.delete(left)


def submission(order: Submit, count: int, token: str) -> list[str]:
    """Returns the arguments of ``qsub``.

    They have the effect of what DRMAA is told: the defaults of site and user count
    (``sge_request``), a request that no queue could ever fulfil is refused, and the command is
    started without a shell.
    """
    output = order.logs
    if output != os.devnull:
        output += "/$JOB_ID.$TASK_ID.log"
    return [
        "-w", "e", *shlex.split(order.options),
        "-terse", "-b", "y", "-shell", "n", "-N", order.name, "-wd", "/", "-t", f"1-{count}",
        "-j", "y", "-o", f":{output}", "-ac", f"{_CONTEXT}={token}", *order.command,
    ]  # fmt: skip


def job_number(said: str) -> str:
    """Returns the number in what ``qsub -terse`` prints, empty if there is none.

    What a site's own scripts print stands before it.
    """
    lines = (line.strip() for line in reversed(said.splitlines()))
    return next((match[1] for line in lines if (match := _TAKEN.fullmatch(line))), "")


def names(job: str, count: int) -> list[str]:
    """Returns the names of an array's tasks."""
    return [f"{job}.{task}" for task in range(1, count + 1)]


def _run(program: str, *arguments: str) -> str:
    """Returns what a command prints.

    Raises:
        Unreachable: It does not answer, or is not there any more.
        CommandFailed: It has refused.
    """
    try:
        return ge_commands.run(program, *arguments, seconds=_SECONDS)
    except CommandSlow:
        raise Unreachable(f"{program} has not answered within {_SECONDS:g} s") from None
    except CommandMissing as error:
        raise Unreachable(f"{program} cannot be run: {error}") from None


def _described(jobs: Sequence[str]) -> str:
    """Returns what ``qstat -j`` prints of jobs, those of them that have not ended.

    Raises:
        Unreachable: It does not say.
    """
    try:
        return _run("qstat", "-j", ",".join(jobs))
    except CommandFailed as error:
        described, missing, over = error.output.partition(_OVER)
        if not missing:
            raise Unreachable(f"qstat: {error}") from None
    # Some versions describe none if one of them has ended, others all but that.
    ended = re.findall(r"\d+", over)
    left = [job for job in jobs if job not in ended]
    return described + (_described(left) if left and len(left) < len(jobs) else "")


def _words(error: CommandFailed) -> str:
    text = re.sub(r"^(?:Unable to run job|error): |^Exiting\.$", "", error.output, flags=re.M)
    return " ".join(text.split()) or f"exit status {error.status}"
