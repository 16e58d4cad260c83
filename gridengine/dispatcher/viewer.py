"""Somebody who watches a program from another process, served by a thread of its own."""

from __future__ import annotations

import collections
import contextlib
import select
import threading
import time
from typing import TYPE_CHECKING

from ..ledger.events import JobsOver, JobsStarted, JobsSubmitted, StateShown
from ..ledger.task_output import TaskOutput
from ..logs import printable
from ..observers import encoding
from ..transport.viewer_messages import Events, QuestionAnswered
from .stack_text import stack_of

if TYPE_CHECKING:
    from ..ledger.events import DispatcherEvent
    from ..ledger.task import Task
    from ..observers.encoding import TimedEvent
    from ..transport.viewer_messages import ProgramFacts, Question, ViewerConnection
    from .dispatcher import Dispatcher

#: Seconds between two messages with events, and between two looks at how all stands.
_EVENTS, _STATE = 0.2, 1.0

#: Events in one message, of jobs each counted, as far as they do not come together; and those
#: that may wait to be sent, some hundred megabytes, before their viewer is let go.
_TOGETHER, _BACKLOG = 10_000, 1_000_000

#: Questions of one viewer that are being answered at one time.
_QUESTIONS = 8

#: Events that have a row for each of many jobs.
_MANY = (JobsSubmitted, JobsStarted, JobsOver)


class Viewer:
    """One of them.

    Args:
        dispatcher: What it watches.
        connection: To it.
        facts: What it is told first.
    """

    def __init__(
        self, dispatcher: Dispatcher, connection: ViewerConnection, facts: ProgramFacts
    ) -> None:
        self._dispatcher = dispatcher
        self._connection = connection
        self._facts = facts
        self._ending = False
        self._sending = threading.Lock()
        self._told: collections.deque[TimedEvent] = collections.deque()
        # Each is written by one thread alone.
        self._jobs_heard = self._jobs_sent = 0
        self._answering = threading.BoundedSemaphore(_QUESTIONS)

    def run(self) -> None:
        """Serves it until it leaves, or the dispatcher closes."""
        # It has gone, or says what nobody should.
        with contextlib.suppress(OSError, EOFError, ValueError):
            self._send(self._facts)
            stop = self._dispatcher.observe(self._hear)
            try:
                self._serve()
            finally:
                stop()
        # A fork of the program that has not let go of its copy yet does not hold it open.
        self._connection.hang_up()
        self._connection.close()

    def say_goodbye(self) -> None:
        """Has `run` tell it what is left, and return. Any thread may call it."""
        self._ending = True
        self._connection.hear_no_more()

    def leave(self) -> None:
        """Has `run` return at once, though it takes nothing. Any thread may call it."""
        self._connection.hang_up()

    def forsake(self) -> None:
        """Lets go of a fork's copy of the connection: else it lasts as long as that process."""
        self._connection.close()

    def _hear(self, event: DispatcherEvent) -> None:
        self._told.append((time.time(), event))
        self._jobs_heard += _jobs_in(event)
        if self._jobs_heard - self._jobs_sent > _BACKLOG:
            # It takes less than happens, and the program's memory is not there for that.
            self.leave()

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self._connection.fileno(), select.POLLIN)
        state = 0.0
        while not self._ending:
            if poll.poll(_EVENTS * 1000) and not self._ending:
                for question in self._connection.receive():
                    self._take(question)
            now = time.monotonic()
            if now >= state:
                state = now + _STATE
                self._show_state()
            self._tell()
        self._show_state()
        self._tell()

    def _show_state(self) -> None:
        self._told.append((time.time(), StateShown(self._dispatcher.overview())))

    def _tell(self) -> None:
        # The dispatcher's thread goes on with it meanwhile.
        left = len(self._told)
        while left:
            together, jobs = [], 0
            while left and jobs < _TOGETHER:
                together.append(self._told.popleft())
                jobs += _jobs_in(together[-1][1])
                left -= 1
            self._jobs_sent += jobs
            self._send(Events(encoding.encode(together)))

    def _send(self, message: ProgramFacts | Events | QuestionAnswered) -> None:
        with self._sending:
            self._connection.send(message)

    # ------------------------------------------------------------------ questions

    def _take(self, question: Question) -> None:
        if not self._answering.acquire(blocking=False):
            busy = f"{_QUESTIONS} questions are being answered; ask again"
            self._send(QuestionAnswered(question.number, False, busy))
            return
        # A stack may take seconds.
        threading.Thread(
            target=self._answer, args=(question,), name="gridengine-viewer-question", daemon=True
        ).start()

    def _answer(self, question: Question) -> None:
        try:
            answer = QuestionAnswered(question.number, True, self._answer_to(question))
        except (RuntimeError, TimeoutError, LookupError) as error:
            answer = QuestionAnswered(question.number, False, printable(str(error)))
        finally:
            self._answering.release()
        with contextlib.suppress(OSError):
            self._send(answer)

    def _answer_to(self, question: Question) -> str:
        """Returns the answer.

        Raises:
            LookupError: There is no such job, or no more.
            RuntimeError: The job does not run.
            TimeoutError: Its node does not answer.
        """
        task = self._dispatcher.task(question.task)
        if task is None:
            raise LookupError(
                f"no job of this program has the number {question.task}, or it is over"
            )
        if question.what == "stack":
            return stack_of(task, self._dispatcher, 10.0)
        if question.what == "output":
            return _output_of(task)
        self._dispatcher.cancel([task])
        return printable(f"job {task.name!r} is asked to end")


def _jobs_in(event: DispatcherEvent) -> int:
    if isinstance(event, _MANY):
        return len(event.jobs)
    # Those are not heard, but made by the thread that sends them.
    return 0 if isinstance(event, StateShown) else 1


def _output_of(task: Task) -> str:
    return task.output.text if isinstance(task.output, TaskOutput) else ""
