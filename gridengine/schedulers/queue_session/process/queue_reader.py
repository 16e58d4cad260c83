"""Looks at the queue in a thread of its own, and asks there why queue jobs wait."""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections.abc import Callable, Iterable, Sequence

from .batch_system import (
    BatchSystem,
    NotTold,
    QueueState,
    Unreachable,
    WaitQuestion,
    WaitReason,
)


@dataclasses.dataclass(frozen=True)
class QueueStates:
    """How those asked for stand that are in the queue.

    None if that cannot be told, because of ``reason``; empty if it never will be told here.
    """

    states: dict[str, QueueState] | None
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class ErrorReasons:
    """Why queue jobs are in error: the batch system's words for each."""

    reasons: dict[str, str]


QueueNews = QueueStates | ErrorReasons | WaitReason


class QueueReader:
    """A thread that looks at the queue and tells what it saw."""

    def __init__(self, system: BatchSystem, answer: Callable[[QueueNews], None]) -> None:
        self._system = system
        self._answer = answer
        self._tasks: queue.SimpleQueue[Callable[[], Iterable[QueueNews]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def look(self, queue_jobs: frozenset[str]) -> None:
        """Has it told in what states queue jobs are."""
        self._tasks.put(lambda: [self._look(queue_jobs)])

    def explain(self, queue_jobs: frozenset[str]) -> None:
        """Has it told why queue jobs are in error."""
        self._tasks.put(lambda: [ErrorReasons(self._system.error_reasons(queue_jobs))])

    def ask_why(self, questions: Sequence[WaitQuestion]) -> None:
        """Has it told why queue jobs have not started: one command at a time."""
        if questions:
            self._tasks.put(lambda: self._system.wait_reasons(questions))

    def _look(self, queue_jobs: frozenset[str]) -> QueueStates:
        try:
            return QueueStates(self._system.states(queue_jobs))
        except NotTold:
            return QueueStates(None)
        except Unreachable as error:
            return QueueStates(None, str(error))

    def _run(self) -> None:
        while True:
            for each in self._tasks.get()():
                self._answer(each)
