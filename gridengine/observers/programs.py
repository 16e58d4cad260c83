"""The programs of this user on this host, for those who watch them from another process."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator

from ..transport import private_files, viewer_messages
from ..transport.viewer_messages import (
    Events,
    ProgramFacts,
    Question,
    QuestionAnswered,
    ViewerConnection,
)
from . import encoding
from .encoding import TimedEvent

#: Seconds to wait for a program's first word, and for what it says next.
_PATIENCE = 5.0

#: Seconds until one that does not answer is asked again: to wait for it takes some.
_AGAIN = 30.0


class ProgramGone(ConnectionError):
    """A program has ended, or does not speak any more."""


class WatchedProgram:
    """A connection to one: to one of its schedulers, that is.

    Args:
        place: A descriptor of the folder where its socket lies.
        path: The socket.

    Attributes:
        facts: Whose program it is.

    Raises:
        ProgramGone: Nobody answers there.
        PermissionError: It is another user's.
    """

    def __init__(self, place: int, path: str) -> None:
        self._events: list[TimedEvent] = []
        self._answers: dict[int, QuestionAnswered] = {}
        self._asked = 0
        try:
            self._connection = ViewerConnection(
                viewer_messages.connect(place, path, _PATIENCE), to_viewer=True
            )
        except PermissionError:
            raise
        except OSError as error:
            raise ProgramGone(f"no program answers at {path}: {error}") from None
        self._facts: ProgramFacts | None = None
        try:
            while self._facts is None:
                self._receive()
        except BaseException:
            self.close()
            raise
        self.facts: ProgramFacts = self._facts

    def fileno(self) -> int:
        """Returns the descriptor that is ready when there is something to read."""
        return self._connection.fileno()

    def events(self, seconds: float) -> list[TimedEvent]:
        """Returns what was told since the last time, with its times.

        Args:
            seconds: For how long to wait if it is nothing.

        Raises:
            ProgramGone: It has ended; what was told before was returned.
        """
        if not self._events and self._is_ready(seconds):
            self._receive()
        told, self._events = self._events, []
        return told

    def ask(self, what: str, task: int, seconds: float = 15.0) -> str:
        """Returns what a program says of one of its jobs.

        Args:
            what: ``stack``, ``output``, or ``end``, which has it ended.
            task: The number of the job.
            seconds: For how long to wait.

        Raises:
            LookupError: It says that there is nothing to say; the text has the reason.
            ProgramGone: It has ended.
            TimeoutError: It does not answer.
        """
        self._asked += 1
        number = self._asked
        try:
            self._connection.send(Question(number, what, task))  # type: ignore[arg-type]
        except OSError as error:
            raise ProgramGone(f"the program is gone: {error}") from None
        end = time.monotonic() + seconds
        while number not in self._answers:
            left = end - time.monotonic()
            if left <= 0 or not self._is_ready(left):
                raise TimeoutError(f"the program does not answer within {seconds:g} s")
            self._receive()
        answer = self._answers.pop(number)
        if not answer.ok:
            raise LookupError(answer.text)
        return answer.text

    def close(self) -> None:
        """Watches it no more."""
        self._connection.close()

    def _is_ready(self, seconds: float) -> bool:
        # Not `select.select`, which takes no descriptor above 1023.
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _receive(self) -> None:
        try:
            for message in self._connection.receive():
                if isinstance(message, ProgramFacts):
                    self._facts = message
                elif isinstance(message, Events):
                    self._events.extend(encoding.decode(message.encoded))
                elif isinstance(message, QuestionAnswered):
                    self._answers[message.number] = message
        except (EOFError, OSError, ValueError) as error:
            raise ProgramGone(f"the program is gone: {error!r}") from None


def find(
    run_dir: str = "",
    *,
    but: Container[str] = frozenset(),
    silent: Callable[[str, float], object] = lambda path, seconds: None,
) -> Iterator[tuple[str, WatchedProgram]]:
    """Yields this user's programs on this host, each with the path of its socket.

    What a program that was killed has left there is removed.

    Args:
        run_dir: As `gridengine.settings.Settings.run_dir`.
        but: Paths of those that are known already.
        silent: Called with the path of one that is there and does not answer, and for how many
            seconds it was waited for: it is stopped, or too many watch it.

    Raises:
        NotPrivate: The folder is open to others.
    """
    folder = private_files.run_folder(run_dir)
    try:
        folder = private_files.without_link(folder)
        # Where it is not private, programs let nobody watch them.
        os.close(private_files.open_folder(folder))
        folder = os.path.join(folder, viewer_messages.FOLDER)
        place = private_files.open_folder(folder)
    except FileNotFoundError:
        return
    try:
        for name in sorted(os.listdir(place)):
            path = os.path.join(folder, name)
            if path in but or not viewer_messages.pid_of(path):
                continue
            began = time.monotonic()
            try:
                program = WatchedProgram(place, path)
            except ProgramGone as gone:
                if isinstance(gone.__context__, ConnectionRefusedError):
                    viewer_messages.remove(path)
                elif os.path.exists(path):
                    silent(path, time.monotonic() - began)
            except PermissionError:
                continue
            else:
                yield path, program
    finally:
        with contextlib.suppress(OSError):
            os.close(place)


class Search:
    """Looks for programs again and again; who does not answer is let be for a while.

    Args:
        run_dir: As of `find`.

    Attributes:
        silent: The sockets of those that do not answer, and when they are tried again, on the
            monotonic clock.
    """

    def __init__(self, run_dir: str = "") -> None:
        self.silent: dict[str, float] = {}
        self._run_dir = run_dir
        self._searching = threading.Lock()

    def new(self, known: Iterable[str]) -> Iterator[tuple[str, WatchedProgram]]:
        """Yields programs as `find` does, without those of these sockets.

        That may take seconds, so another thread may do it; while one does, others find nothing.

        Raises:
            NotPrivate: The folder is open to others.
        """
        if not self._searching.acquire(blocking=False):
            return
        try:
            began = time.monotonic()
            let_be = [path for path, again in self.silent.items() if again > began]
            for path, program in find(
                self._run_dir, but=frozenset([*known, *let_be]), silent=self._note
            ):
                self.silent.pop(path, None)
                yield path, program
            for path in [path for path in self.silent if not os.path.exists(path)]:
                del self.silent[path]
        finally:
            self._searching.release()

    def _note(self, path: str, seconds: float) -> None:
        # Who sends others away, for too many watch it, does so at once.
        self.silent[path] = time.monotonic() + (_AGAIN if seconds > _PATIENCE / 2 else 0.0)


def ask(path: str, what: str, task: int) -> str:
    """As `WatchedProgram.ask`, over a connection of its own: any thread may wait for the answer.

    Args:
        path: The program's socket.
        what: As there.
        task: As there.

    Raises:
        LookupError: The program says that there is nothing to say.
        OSError: It is gone, or another user's.
        TimeoutError: It does not answer.
    """
    place = private_files.open_folder(os.path.dirname(path))
    try:
        program = WatchedProgram(place, path)
    finally:
        os.close(place)
    try:
        return program.ask(what, task)
    finally:
        program.close()
