"""Looks, rarely, at how the queue jobs stand in the queue, and finds out why they wait."""

from __future__ import annotations

import dataclasses
import queue
import re
import threading
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from . import commands

_SECONDS = 20.0  # for one command; the master of a large site is busy at times


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
    """Why a queue job has not started, empty if nobody knows."""

    queue_job: str
    reason: str


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

    def ask_why(self, queue_job: str) -> None:
        """Has it told why a queue job has not started."""
        self._tasks.put(lambda: WaitReason(queue_job, _obstacles(queue_job.partition(".")[0])))

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


def _obstacles(job: str) -> str:
    """What stands between a queue job and its start."""
    # Tries to schedule it, without doing so; it needs no setting of the site.
    text = _ask("qalter", "-w", "p", job)
    reasons = [_obstacle(line) for line in text.splitlines() if re.search("dropped|cannot", line)]
    troubled = queues_in_trouble(_ask("qstat", "-f", "-explain", "aAcE"))
    return "; ".join([*troubled, *dict.fromkeys(reasons)][:4])


def _obstacle(line: str) -> str:
    """A line of ``qalter -w p`` without what it starts with, ``Job 34 (-l NONE)``."""
    return re.sub(r"^Job \d+ (?:\([^)]*\) )?", "", _plain(line))


def queues_in_trouble(text: str) -> list[str]:
    """Names the queues in error, unreachable and so on in what ``qstat -f -explain`` prints."""
    found = []
    for line in text.splitlines():
        match = re.match(r"(\S+@\S+)\s+\S+\s+\S+\s+\S+\s+\S+\s+([a-zA-Z]+)$", line.rstrip())
        if match:
            found.append(f"queue {match[1]} is in state {match[2]}")
        elif found and "QERROR" in line:
            found[-1] += f" ({_plain(line)})"
    return found


def _plain(line: str) -> str:
    """A line without its time stamp and surplus space."""
    text = " ".join(line.split())
    return re.sub(r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \[\d+:\d+\]: ", "", text)
