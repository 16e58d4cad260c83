"""All programs of this user on this host, watched together, each with what is known of it."""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Iterator

from ..transport import viewer_messages
from ..transport.viewer_messages import ProgramFacts
from .program_view import ProgramView
from .programs import ProgramGone, Search, WatchedProgram

#: Seconds for which one of several is listened to.
_TURN = 0.3


class WatchedScheduler:
    """One scheduler of a program.

    Args:
        path: Its socket.
        program: The connection.

    Attributes:
        path: The same.
        facts: Whose it is.
        view: What is known of it.
        gone: Whether it has been closed.
    """

    def __init__(self, path: str, program: WatchedProgram) -> None:
        self.path = path
        self.facts: ProgramFacts = program.facts
        self.view = ProgramView()
        self.gone = False
        self._program = program

    def fileno(self) -> int:
        """Returns the descriptor that is ready when there is something to read."""
        return self._program.fileno()

    def listen(self) -> None:
        """Takes in what it has told, without waiting for more."""
        # One that has more to tell all the time shall not keep others waiting.
        end = time.monotonic() + _TURN
        try:
            while told := self._program.events(0.0):
                self.view.hear(told)
                if time.monotonic() > end:
                    break
        except ProgramGone:
            self.gone = True

    def close(self) -> None:
        """Watches it no more."""
        self._program.close()


class WatchedPrograms:
    """All of them.

    Args:
        run_dir: As `gridengine.settings.Settings.run_dir`.

    Attributes:
        silent: Process ids of programs that are there and do not answer.
    """

    def __init__(self, run_dir: str = "") -> None:
        self._search = Search(run_dir)
        self._schedulers: dict[str, WatchedScheduler] = {}

    @property
    def silent(self) -> list[int]:
        return sorted({viewer_messages.pid_of(path) for path in list(self._search.silent)})

    def search(self) -> Iterator[WatchedScheduler]:
        """Yields the schedulers that are not known; `add` takes them.

        That may take seconds, so another thread may do it; while one does, others find nothing.

        Raises:
            NotPrivate: The folder of the programs is open to others.
        """
        for path, program in self._search.new(list(self._schedulers)):
            yield WatchedScheduler(path, program)

    def add(self, found: Iterable[WatchedScheduler]) -> None:
        """Watches what was found too."""
        for each in found:
            if each.path in self._schedulers:
                each.close()
            else:
                self._schedulers[each.path] = each

    def listen(self, seconds: float) -> None:
        """Takes in what is told in the meantime, and lets go of those that are gone."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0 and seconds:
                return
            poll = select.poll()
            by_descriptor = {each.fileno(): each for each in self._schedulers.values()}
            for descriptor in by_descriptor:
                poll.register(descriptor, select.POLLIN)
            ready = poll.poll(max(0.0, left) * 1000)
            for descriptor, _ in ready:
                by_descriptor[descriptor].listen()
            self._forget_the_gone()
            if not seconds or not ready:
                return

    def _forget_the_gone(self) -> None:
        for path, each in list(self._schedulers.items()):
            if each.gone:
                each.close()
                del self._schedulers[path]

    def programs(self) -> list[list[WatchedScheduler]]:
        """Returns the schedulers of each program together, those that began first at first."""
        found: dict[tuple[str, int], list[WatchedScheduler]] = {}
        for each in sorted(self._schedulers.values(), key=lambda each: each.facts.began):
            found.setdefault((each.facts.host, each.facts.pid), []).append(each)
        return list(found.values())

    def close(self) -> None:
        """Watches none of them any more."""
        for each in self._schedulers.values():
            each.close()
        self._schedulers.clear()
