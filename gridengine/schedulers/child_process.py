"""A process that this program starts; `subprocess` would take longer to import than that."""

from __future__ import annotations

import os

from ..transport.control import Control, Controls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Child:
    """A process in a session of its own, whose standard input is a socket from here.

    It inherits what this program passes on to any child: descriptors that it has no use for are
    for it to close. (One above the limit that this program has set itself cannot be closed by
    `posix_spawn`, and one that another thread opens just now is not known here.)

    Args:
        command: The program's path, and its arguments.
        environ: Its environment.
        controls: Get the other end of its standard input.
        on_end: Called in a thread with its exit status (-N for signal N) when it has ended.

    Raises:
        OSError: It cannot be started.
        RuntimeError: There is no room for another thread.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        controls: Controls,
        on_end: Callable[[int], object],
    ) -> None:
        self._control = Control(controls)
        try:
            self._pid = os.posix_spawn(
                command[0],
                list(command),
                environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, self._control.inherited.fileno(), 0)],
                setsid=True,
                # Not that of the thread which happens to start it: jobs inherit it.
                setsigmask=(),
            )
        except BaseException:
            self._control.close()
            raise
        finally:
            self._control.inherited.close()
        # Not before it is on its way.
        import threading

        self._on_end = on_end
        self._ended = False
        self._hung_up = False
        self._watcher = threading.Thread(target=self._watch, name="gridengine-watch", daemon=True)
        try:
            self._watcher.start()
        except RuntimeError:
            # There was room for the process, but not for a thread.
            self._control.close()
            os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
            raise

    def _watch(self) -> None:
        try:
            _, status = os.waitpid(self._pid, 0)
        except ChildProcessError:
            # A program that waits for any child of its own was first.
            status = 0
        # At once: from now on its number may become another's.
        self._ended = True
        self._on_end(os.waitstatus_to_exitcode(status))

    def hang_up(self) -> bool:
        """Ends its standard input; False if that was done before."""
        if self._hung_up:
            return False
        self._hung_up = True
        self._control.close()
        return True

    def signal(self, signum: int) -> None:
        """Sends a signal, if it has not ended."""
        if not self._ended:
            try:
                os.kill(self._pid, signum)
            except ProcessLookupError:
                return

    def wait(self, patience: float | None = None) -> bool:
        """Waits until it has ended and ``on_end`` has been called; False if it has not in time."""
        self._watcher.join(patience)
        return not self._watcher.is_alive()
