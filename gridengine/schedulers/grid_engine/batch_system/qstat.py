"""Runs the commands that tell how queue jobs stand in the queue, and why they wait."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from ...queue_session.process.batch_system import (
    NotTold,
    QueueState,
    Unreachable,
    WaitQuestion,
    WaitReason,
)
from ...queue_session.process.commands import CommandFailed, CommandMissing, CommandSlow, user
from . import ge_commands, obstacles

_SECONDS = 20.0  # for one command; the master of a large site is busy at times
_SLOW = 5.0  # seconds after which it is not asked further why queue jobs wait
_WORDS = 4000  # characters of what commands have printed that are kept for the log

#: The letters of qstat(1) for one that runs no more for a while, and who has stopped it.
_SUSPENDED = {
    "s": "by qmod -sj (state s)",
    "S": "with its queue (state S)",
    "T": "by its queue's suspend threshold (state T)",
}


def _ask(program: str, *arguments: str) -> str:
    """What a command says, be it that it failed; nothing if there is no such command."""
    try:
        return ge_commands.run(program, *arguments, seconds=_SECONDS)
    except CommandFailed as error:
        return error.output
    except (CommandMissing, CommandSlow):
        return ""


def states(wanted: frozenset[str]) -> dict[str, QueueState]:
    """Returns how those of some queue jobs stand that are in the queue.

    Raises:
        Unreachable: The master does not answer; the message says why.
        NotTold: There is no ``qstat`` here.
    """
    try:
        text = ge_commands.run("qstat", "-xml", "-u", user(), seconds=_SECONDS)
        return {name: state_of(letters) for name, letters in listed(text, wanted)}
    except CommandMissing as error:
        raise NotTold(str(error)) from None
    except CommandSlow:
        raise Unreachable(f"qstat has not answered within {_SECONDS:g} s") from None
    except (CommandFailed, ElementTree.ParseError) as error:
        raise Unreachable(f"qstat: {error}") from None


def own_jobs() -> list[str]:
    """Returns the numbers of all jobs of this user that are in the queue.

    Raises:
        Unreachable: The master does not answer; the message says why.
    """
    try:
        return jobs_in(ge_commands.run("qstat", "-xml", "-u", user(), seconds=_SECONDS))
    except (CommandMissing, CommandSlow, CommandFailed, ElementTree.ParseError) as error:
        raise Unreachable(f"qstat: {error}") from None


def jobs_in(text: str) -> list[str]:
    """Returns the numbers of the jobs in what ``qstat -xml`` prints."""
    tree = ElementTree.fromstring(text)  # noqa: S314  # the Grid Engine's own words
    numbers = (element.findtext("JB_job_number") for element in tree.iter("job_list"))
    return [number for number in dict.fromkeys(numbers) if number]


def job_with(name: str, value: str, text: str) -> str:
    """Returns the number of the job that has such a context in what ``qstat -j`` prints."""
    number = ""
    for line in text.splitlines():
        if match := re.match(r"job_number:\s+(\d+)", line):
            number = match[1]
        elif line.startswith("context:") and f"{name}={value}" in re.split(r"[\s,]+", line):
            return number
    return ""


def state_of(letters: str) -> QueueState:
    """Returns what the letters of qstat(1) say."""
    return QueueState(
        waiting="w" in letters,
        held="h" in letters,
        # One that has run may wait again: its queue is in error since.
        running=bool(set(letters) & set("rtsST")),
        in_error="E" in letters,
        leaving="d" in letters,
        suspended=next((_SUSPENDED[each] for each in letters if each in _SUSPENDED), ""),
    )


def listed(text: str, wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yields the names and states of queue jobs in what ``qstat -xml`` prints."""
    tree = ElementTree.fromstring(text)  # noqa: S314  # the Grid Engine's own words
    for element in tree.iter("job_list"):
        job, state = element.findtext("JB_job_number"), element.findtext("state") or ""
        for tasks in (element.findtext("tasks") or "1").split(","):
            names = (f"{job}.{task}" for task in _range(tasks))
            yield from ((name, state) for name in names if name in wanted)


def _range(text: str) -> range:
    """The task numbers of ``7`` or ``1-9:2``."""
    match = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", text.strip())
    if match is None:
        return range(0)
    return range(int(match[1]), int(match[2] or match[1]) + 1, int(match[3] or 1))


def errors(queue_jobs: frozenset[str]) -> dict[str, str]:
    """Returns why queue jobs are in state Eqw: the Grid Engine's words for each."""
    found: dict[str, str] = {}
    for job in sorted({queue_job.partition(".")[0] for queue_job in queue_jobs}):
        reasons = error_reasons(_ask("qstat", "-j", job))
        for queue_job in queue_jobs:
            number, _, task = queue_job.partition(".")
            if number == job:
                found[queue_job] = reasons.get(task, "in state Eqw")
    return found


def error_reasons(text: str) -> dict[str, str]:
    """Returns the error of each task in what ``qstat -j`` prints."""
    found = re.findall(r"^error reason\s+(\d+):\s*(.*)$", text, re.MULTILINE)
    return {task: _plain(reason) for task, reason in found}


class _Commands:
    """What commands print at about the same time: each is run once.

    When one has been slow no other is run: others wait for their turn.

    Attributes:
        words: All that they have printed for the latest question.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, ...], str] = {}
        self._slow = False
        self.words: list[str] = []

    def ask(self, program: str, *arguments: str) -> str:
        """Returns what a command prints, nothing if that cannot be had."""
        command = program, *arguments
        if command not in self._said:
            self._said[command] = "" if self._slow else self._run(*command)
        said = self._said[command]
        self.words.append(f"$ {' '.join(command)}\n{said}")
        return said

    def _run(self, program: str, *arguments: str) -> str:
        begin = time.monotonic()
        try:
            return _ask(program, *arguments)
        finally:
            self._slow = time.monotonic() - begin > _SLOW


def wait_reasons(questions: Sequence[WaitQuestion]) -> Iterator[WaitReason]:
    """Yields why queue jobs have not started: one command is run at a time."""
    run = _Commands()
    return (_why(question, run) for question in questions)


def _why(question: WaitQuestion, commands_run: _Commands) -> WaitReason:
    commands_run.words = []
    job = question.queue_job.partition(".")[0]
    reason = obstacles.why(job, held=question.held, user=user(), ask=commands_run.ask)
    words = "\n".join(commands_run.words)
    return WaitReason(question, reason, words[:_WORDS])


def _plain(line: str) -> str:
    """A line without its time stamp and surplus space."""
    text = " ".join(line.split())
    return re.sub(r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \[\d+:\d+\]: ", "", text)
