"""Runs the commands that tell how queue jobs stand in the queue, and why they wait."""

from __future__ import annotations

import dataclasses
import functools
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from xml.etree import ElementTree

from ...queue_session.process import commands
from ...queue_session.process.waiting import WaitQuestion
from . import obstacles

_SECONDS = 20.0  # for one command; the master of a large site is busy at times
_SLOW = 5.0  # seconds after which it is not asked further why queue jobs wait
_WORDS = 4000  # characters of what commands have printed that are kept for the log


@dataclasses.dataclass(frozen=True)
class QueueStates:
    """The state letters of those asked for that are in the queue.

    None if that cannot be told, because of ``reason``; empty if there is no ``qstat`` here.
    """

    states: dict[str, str] | None
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class ErrorReasons:
    """Why queue jobs are in state Eqw: the Grid Engine's words for each."""

    reasons: dict[str, str]


@dataclasses.dataclass(frozen=True)
class WaitReason:
    """Why queue jobs have not started, empty if nobody knows; ``words`` are the Grid Engine's."""

    question: WaitQuestion
    reason: str
    words: str


class QstatReader:
    """A thread that runs ``qstat`` and tells what it saw."""

    def __init__(self, answer: Callable[[QueueStates | ErrorReasons | WaitReason], None]) -> None:
        self._answer = answer
        self._tasks: queue.SimpleQueue[Callable[[], QueueStates | ErrorReasons | WaitReason]]
        self._tasks = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def look(self, queue_jobs: frozenset[str]) -> None:
        """Has it told in what states queue jobs are."""
        self._tasks.put(lambda: _look(queue_jobs))

    def explain(self, queue_jobs: frozenset[str]) -> None:
        """Has it told why queue jobs are in error."""
        self._tasks.put(lambda: ErrorReasons(_errors(queue_jobs)))

    def ask_why(self, questions: Sequence[WaitQuestion]) -> None:
        """Has it told why queue jobs have not started: one command at a time."""
        run = _Commands()
        for question in questions:
            self._tasks.put(functools.partial(_why, question, run))

    def _run(self) -> None:
        while True:
            self._answer(self._tasks.get()())


def _ask(program: str, *arguments: str) -> str:
    """What a command says, be it that it failed; nothing if there is no such command."""
    try:
        return commands.run(program, *arguments, seconds=_SECONDS)
    except commands.CommandFailed as error:
        return error.output
    except (commands.CommandMissing, commands.CommandSlow):
        return ""


def _look(wanted: frozenset[str]) -> QueueStates:
    try:
        text = commands.run("qstat", "-xml", "-u", commands.user(), seconds=_SECONDS)
        return QueueStates(dict(listed(text, wanted)))
    except commands.CommandMissing:
        return QueueStates(None)
    except commands.CommandSlow:
        return QueueStates(None, f"qstat has not answered within {_SECONDS:g} s")
    except (commands.CommandFailed, ElementTree.ParseError) as error:
        return QueueStates(None, f"qstat: {error}")


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


def _errors(queue_jobs: frozenset[str]) -> dict[str, str]:
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


def _why(question: WaitQuestion, commands_run: _Commands) -> WaitReason:
    commands_run.words = []
    job = question.queue_job.partition(".")[0]
    reason = obstacles.why(job, held=question.held, user=commands.user(), ask=commands_run.ask)
    words = "\n".join(commands_run.words)
    return WaitReason(question, reason, words[:_WORDS])


def _plain(line: str) -> str:
    """A line without its time stamp and surplus space."""
    text = " ".join(line.split())
    return re.sub(r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \[\d+:\d+\]: ", "", text)
