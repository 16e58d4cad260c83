"""A process that this program starts; `subprocess` would take longer to import than that."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Child:
    """A process in a session of its own, whose standard input is a pipe from here.

    It inherits what this program passes on to any child: descriptors that it has no use for are
    for it to close. (One above the limit that this program has set itself cannot be closed by
    `posix_spawn`, and one that another thread opens just now is not known here.)

    Args:
        command: The program's path, and its arguments.
        environ: Its environment.
        on_end: Called in a thread with its exit status (-N for signal N) when it has ended.

    Raises:
        OSError: It cannot be started.
        RuntimeError: There is no room for another thread.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], on_end: Callable[[int], object]
    ) -> None:
        read, self._pipe = os.pipe()
        try:
            self._pid = os.posix_spawn(
                command[0],
                list(command),
                environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, read, 0)],
                setsid=True,
                # Not that of the thread which happens to start it: jobs inherit it.
                setsigmask=(),
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(read)
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
            os.close(self._pipe)
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

    def hang_up(self, last_word: bytes) -> bool:
        """Says something on the pipe and closes it; False if that was done before."""
        if self._hung_up:
            return False
        self._hung_up = True
        _unless_gone(os.write, self._pipe, last_word)
        os.close(self._pipe)
        return True

    def signal(self, signum: int) -> None:
        """Sends a signal, if it has not ended."""
        if not self._ended:
            _unless_gone(os.kill, self._pid, signum)

    def wait(self, patience: float | None = None) -> bool:
        """Waits until it has ended and ``on_end`` has been called; False if it has not in time."""
        self._watcher.join(patience)
        return not self._watcher.is_alive()


def _unless_gone(action: Callable[..., object], *arguments: object) -> None:
    try:
        action(*arguments)
    except (ProcessLookupError, BrokenPipeError):
        return
