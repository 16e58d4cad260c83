"""Where the calls of a task run now: any thread asks, supervisors answer."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from ..ledger.dispatcher_state import DispatcherState
from ..ledger.records import Chunk, WorkerRecord
from ..ledger.task import Place, Task
from ..transport import messages
from ..transport.base import Connections

#: Seconds between two looks whether the task is over.
_TURN = 0.05


class WorkerStack(NamedTuple):
    """What a supervisor says of a worker that was given calls of a task.

    Attributes:
        place: Where the worker is.
        text: Where it is in the calls, for people: not to be shown as it is. Empty if there is an
            obstacle, or if it runs none of them.
        obstacle: Why it cannot be told where it is.
    """

    place: Place
    text: str
    obstacle: str


class _Asking:
    """What one thread waits for.

    Attributes:
        task: What it asks about.
        awaited: Numbers of the requests that are not answered yet.
        answers: Those that have come.
        answered: Set when all have.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.awaited: set[int] = set()
        self.answers: list[WorkerStack] = []
        self.answered = threading.Event()


class StackQuestions:
    """Asks where calls are, and tells the threads that want to know.

    Args:
        connections: To supervisors.
        state: Says which worker has what.
        ask: Has something called in the dispatcher's thread.
    """

    def __init__(
        self,
        connections: Connections,
        state: DispatcherState,
        ask: Callable[[Callable[[], None]], None],
    ) -> None:
        self._connections = connections
        self._state = state
        self._ask = ask
        self._numbers = itertools.count(1)
        self._requests: dict[int, tuple[_Asking, WorkerRecord]] = {}

    # ------------------------------------------------------------------ any thread

    def of(self, task: Task, timeout: float) -> list[WorkerStack]:
        """Returns where each worker is that was given calls of a task, none if that is over.

        Raises:
            TimeoutError: One has not been heard of within ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        question = _Asking(task)
        self._ask(lambda: self._send(question))
        try:
            while not question.answered.wait(min(_TURN, max(0.0, end - time.monotonic()))):
                if task.over:
                    return []
                if time.monotonic() >= end:
                    raise TimeoutError(f"no answer within {timeout:g} s")
        finally:
            if not question.answered.is_set():
                self._ask(lambda: self._forget(question))
        return question.answers

    # ------------------------------------------------------------------ the dispatcher's

    def _send(self, question: _Asking) -> None:
        task = question.task
        holders = self._state.ledger.holders([task])[task]
        held = [
            (worker, chunk)
            for worker in holders
            for chunk in worker.outstanding
            if chunk.task is task
        ]
        for worker, chunk in held:
            question.awaited.add(self._request(question, worker, chunk))
        if not held:
            question.answered.set()

    def _request(self, question: _Asking, worker: WorkerRecord, chunk: Chunk) -> int:
        number = next(self._numbers)
        self._requests[number] = question, worker
        width = chunk.hi - chunk.lo
        wanted = messages.ShowStack(number, worker.number, chunk.position, width)
        self._connections.send(worker.supervisor.address, wanted)
        return number

    def _forget(self, question: _Asking) -> None:
        for number in question.awaited:
            self._requests.pop(number, None)

    def answered(self, address: bytes, message: messages.Stack) -> None:
        """Event: a supervisor says where one of its workers is.

        Raises:
            ValueError: Another one was asked.
        """
        # Nobody may wait for it any more.
        known = self._requests.get(message.request)
        if known is None:
            return
        question, worker = known
        if worker.supervisor.address != address:
            raise ValueError(f"request {message.request} was another supervisor's")
        del self._requests[message.request]
        question.awaited.discard(message.request)
        question.answers.append(WorkerStack(worker.place, message.text, message.obstacle))
        if not question.awaited:
            question.answered.set()
