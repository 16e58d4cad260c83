"""Those who watch a program from another process: each is served by a thread of its own.

The dispatcher waits for them at a socket in the program's private run folder, beside all else that
it waits for; with nobody there, this costs nothing. A program that lasts for a moment has none; one
that is killed leaves its own there, for the next one that opens its own to remove, for whoever
looks, or for ``gridengine reap``.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .. import nesting
from ..logs import Log, printable
from ..settings import Settings
from ..transport import private_files

if TYPE_CHECKING:
    from ..transport.viewer_messages import ProgramFacts
    from .dispatcher import Dispatcher
    from .viewer import Viewer

log = Log(__name__)

#: Seconds after the begin until there is a socket.
_DELAY = 0.5

#: Seconds for which a viewer may take nothing, until it is let go.
_PATIENCE = 10.0

#: Seconds at the end in which all viewers are to take what is left.
_GOODBYE = 1.0

#: Seconds to wait if there is no descriptor for one.
_NO_DESCRIPTOR = 0.01

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
        self._folder = private_files.run_folder(settings.run_dir)
        self._began = time.time()
        # Who has jobs within jobs looks at the outer ones.
        self.due = math.inf if nesting.in_job() else time.monotonic() + _DELAY
        self._listening: socket.socket | None = None
        self._path = ""
        self._viewers: list[tuple[threading.Thread, Viewer]] = []

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
        if self._listening is not None:
            from ..transport import viewer_messages

            viewer_messages.remove(self._path)
            self._listening.close()
            self._listening = None
        for _, viewer in self._viewers:
            viewer.say_goodbye()
        # Those who take nothing shall not hold up the end, however many they are.
        end = time.monotonic() + _GOODBYE
        for thread, _ in self._viewers:
            thread.join(max(0.0, end - time.monotonic()))
        for thread, viewer in self._viewers:
            if thread.is_alive():
                viewer.leave()
                thread.join()

    def forsake(self) -> None:
        """Lets nobody in any more; all that a fork of the program has to do, for its copy."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for _, viewer in self._viewers:
            viewer.forsake()

    def _open(self) -> socket.socket:
        from ..transport import viewer_messages

        folder = private_files.without_link(self._folder, make=True)
        private_files.make_folder(folder)
        folder = os.path.join(folder, viewer_messages.FOLDER)
        self._path = os.path.join(folder, viewer_messages.name_of_socket())
        for last in (False, True):
            private_files.make_folder(folder)
            place = private_files.open_folder(folder)
            try:
                for path in viewer_messages.left_behind(place, folder):
                    # Not the folder with the last of them.
                    with contextlib.suppress(OSError):
                        os.unlink(path)
                return viewer_messages.bind(place, self._path)
            except FileNotFoundError:
                # The last program but this one has just ended, and removed the folder.
                if last:
                    raise
            finally:
                os.close(place)
        raise AssertionError

    def _let_in(self, listening: socket.socket) -> None:
        self._viewers = [each for each in self._viewers if each[0].is_alive()]
        try:
            connected, _ = listening.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                # It stays ready until there is a descriptor again: not to look all the time.
                time.sleep(_NO_DESCRIPTOR)
            return
        try:
            self._serve(connected)
        except (OSError, RuntimeError) as error:
            # RuntimeError: there can be no more threads.
            log.info("somebody who would watch this program was sent away: %s", error)
            connected.close()

    def _serve(self, connected: socket.socket) -> None:
        from ..transport import viewer_messages
        from .viewer import Viewer

        viewer_messages.check_owner(connected)
        if len(self._viewers) >= _MOST:
            raise PermissionError(f"{_MOST} watch it already")
        connected.settimeout(_PATIENCE)
        connection = viewer_messages.ViewerConnection(connected, to_viewer=False)
        viewer = Viewer(self._dispatcher, connection, self._facts())
        thread = threading.Thread(target=viewer.run, name="gridengine-viewer", daemon=True)
        thread.start()
        self._viewers.append((thread, viewer))

    def _facts(self) -> ProgramFacts:
        from ..transport.versions import own
        from ..transport.viewer_messages import ProgramFacts

        program = printable(" ".join(sys.orig_argv))
        try:
            cwd = printable(os.getcwd())
        except OSError:
            cwd = ""
        return ProgramFacts(
            own()[1], program, cwd, os.uname().nodename, os.getpid(), self._began,
            printable(self._scheduler), self._dispatcher.possible_workers,
        )  # fmt: skip
