"""Those who watch a program from another process: each is served by a thread of its own.

The dispatcher waits for them at a socket in the program's private run folder, beside all else that
it waits for; with nobody there, this costs nothing. A program that lasts for a moment has none.
"""

from __future__ import annotations

import collections
import contextlib
import math
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .. import nesting
from ..logs import Log
from ..settings import Settings
from ..transport import private_files

if TYPE_CHECKING:
    from ..ledger.events import DispatcherEvent
    from ..ledger.task import Task
    from ..observers.encoding import TimedEvent
    from ..transport.viewer_messages import (
        Events,
        ProgramFacts,
        Question,
        QuestionAnswered,
        ViewerConnection,
    )
    from .dispatcher import Dispatcher

log = Log(__name__)

#: Seconds after the begin until there is a socket.
_DELAY = 0.5

#: Seconds between two messages with events, and between two looks at how all stands.
_EVENTS, _STATE = 0.2, 1.0

#: Seconds for which a viewer may take nothing, until it is let go.
_PATIENCE = 30.0

#: Viewers at one time.
_MOST = 20


class Viewers:
    """All of one dispatcher.

    Args:
        dispatcher: What they watch.
        scheduler: Its scheduler, as text.
        settings: Says where the folder is.

    Attributes:
        due: When `look` has something to do though nobody comes, on the monotonic clock.
    """

    def __init__(self, dispatcher: Dispatcher, scheduler: str, settings: Settings) -> None:
        self._dispatcher = dispatcher
        self._scheduler = scheduler
        self._folder = settings.run_dir or os.path.expanduser(os.path.join("~", ".gridengine"))
        self._began = time.time()
        # Who has jobs within jobs looks at the outer ones.
        self.due = math.inf if nesting.in_job() else time.monotonic() + _DELAY
        self._listening: socket.socket | None = None
        self._path = ""
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def look(self, ready: Iterable[int], watch: Callable[[int], None], now: float) -> None:
        """Lets in who has come, and opens the socket when it is time.

        Args:
            ready: Those descriptors that have something.
            watch: Has a descriptor waited for.
            now: On the monotonic clock.
        """
        if self._listening is not None:
            if self._listening.fileno() in ready:
                self._let_in(self._listening)
        elif now >= self.due:
            self.due = math.inf
            try:
                self._listening = self._open()
            except OSError as error:
                log.info("nobody can watch this program: %s", error)
            else:
                watch(self._listening.fileno())

    def close(self) -> None:
        """Tells those who watch what is left to be told, and lets them go."""
        self._closing.set()
        if self._listening is not None:
            from ..transport import viewer_messages

            viewer_messages.remove(self._path)
            self._listening.close()
            self._listening = None
        for thread in self._threads:
            thread.join(_EVENTS + 1.0)

    def _open(self) -> socket.socket:
        from ..transport import viewer_messages

        folder = private_files.without_link(self._folder, make=True)
        private_files.make_folder(folder)
        folder = os.path.join(folder, viewer_messages.FOLDER)
        name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(3).hex()}"
        self._path = os.path.join(folder, name + viewer_messages.SUFFIX)
        for last in (False, True):
            private_files.make_folder(folder)
            place = private_files.open_folder(folder)
            try:
                return viewer_messages.bind(place, self._path)
            except FileNotFoundError:
                # The last program but this one has just ended, and removed the folder.
                if last:
                    raise
            finally:
                os.close(place)
        raise AssertionError

    def _let_in(self, listening: socket.socket) -> None:
        from ..transport import viewer_messages

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        try:
            connected, _ = listening.accept()
        except OSError:
            return
        try:
            viewer_messages.check_owner(connected)
            if len(self._threads) >= _MOST:
                raise PermissionError(f"{_MOST} watch it already")
        except OSError as error:
            log.info("somebody who would watch this program was sent away: %s", error)
            connected.close()
            return
        connected.settimeout(_PATIENCE)
        connection = viewer_messages.ViewerConnection(connected, to_viewer=False)
        viewer = _Viewer(self._dispatcher, connection, self._facts(), self._closing)
        thread = threading.Thread(target=viewer.run, name="gridengine-viewer", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _facts(self) -> ProgramFacts:
        from ..transport.versions import own
        from ..transport.viewer_messages import ProgramFacts

        program = " ".join(sys.orig_argv)
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = ""
        return ProgramFacts(
            own()[1], program, cwd, os.uname().nodename, os.getpid(), self._began,
            self._scheduler, self._dispatcher.possible_workers,
        )  # fmt: skip


class _Viewer:
    """One of them.

    Args:
        dispatcher: What it watches.
        connection: To it.
        facts: What it is told first.
        closing: Set when the dispatcher closes.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        connection: ViewerConnection,
        facts: ProgramFacts,
        closing: threading.Event,
    ) -> None:
        self._dispatcher = dispatcher
        self._connection = connection
        self._facts = facts
        self._closing = closing
        self._sending = threading.Lock()
        self._told: collections.deque[TimedEvent] = collections.deque()

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
        self._connection.close()

    def _hear(self, event: DispatcherEvent) -> None:
        self._told.append((time.time(), event))

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self._connection.fileno(), select.POLLIN)
        state = 0.0
        while not self._closing.is_set():
            if poll.poll(_EVENTS * 1000):
                for question in self._connection.receive():
                    # A stack may take seconds.
                    threading.Thread(
                        target=self._answer,
                        args=(question,),
                        name="gridengine-viewer-question",
                        daemon=True,
                    ).start()
            now = time.monotonic()
            if now >= state:
                state = now + _STATE
                self._show_state()
            self._tell()
        self._show_state()
        self._tell()

    def _show_state(self) -> None:
        from ..ledger.events import StateShown

        self._hear(StateShown(self._dispatcher.overview()))

    def _tell(self) -> None:
        from ..observers import encoding
        from ..transport.viewer_messages import Events

        # The dispatcher's thread goes on with it meanwhile.
        told = [self._told.popleft() for _ in range(len(self._told))]
        if told:
            self._send(Events(encoding.encode(told)))

    def _send(self, message: ProgramFacts | Events | QuestionAnswered) -> None:
        with self._sending:
            self._connection.send(message)

    # ------------------------------------------------------------------ questions

    def _answer(self, question: Question) -> None:
        from ..transport.viewer_messages import QuestionAnswered

        try:
            answer = QuestionAnswered(question.number, True, self._answer_to(question))
        except (RuntimeError, TimeoutError, LookupError) as error:
            answer = QuestionAnswered(question.number, False, str(error))
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
            from .stack_text import stack_of

            return stack_of(task, self._dispatcher, 10.0)
        if question.what == "output":
            return _output_of(task)
        self._dispatcher.cancel([task])
        return f"job {task.name!r} is asked to end"


def _output_of(task: Task) -> str:
    from ..ledger.task_output import TaskOutput

    return task.output.text if isinstance(task.output, TaskOutput) else ""
