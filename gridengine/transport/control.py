"""What the supervisors on this host have inherited of the program: sockets without a name.

::

    program                                           supervisor
      Control ════════════ a socket pair ═══════════ standard input
         │ ── what it is to do ──────────────────────▶ │
         │ ◀── one end of a new pair: `pass_end` ───── │  for itself, and for each worker
         ▼ ── end-of-file ───────────────────────────▶ ▼  it is not needed, or the program is gone

Nobody can be in the place of either: there is no path and no address to find a socket by, and who
has one has inherited it, or was sent it by who had. (Linux opens no socket by /proc/PID/fd either.)
So neither end asks who the other one is, which it must where a socket has a name.
"""

from __future__ import annotations

# Not `socket`, which stands on it and takes 3 ms to import.
import _socket as socket
import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of a descriptor in a message (cmsg(3)): an int of C.
_INT = 4

#: Bytes of the length of what a supervisor is told.
_LENGTH = 4

#: Where the system does not have them, Python has the program ignore the signal, and a fork at the
#: wrong moment inherits the descriptor.
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Controls:
    """The program's ends of the supervisors that a session has started, and that live.

    Used by the dispatcher's thread alone, and before it is there.

    Attributes:
        open: By descriptor.
        changed: Whether there are others than when this was last set to False.
    """

    def __init__(self) -> None:
        self.open: dict[int, Control] = {}
        self.changed = False

    def tell(self, what: bytes) -> None:
        """Tells those supervisors what they are to do that were told nothing yet."""
        for control in self.open.values():
            if not control.told:
                control.tell(what)
                # Perhaps the rest of it is to be sent.
                self.changed = True


class Control:
    """The program's end of what one supervisor inherits.

    Args:
        controls: Those of which it is one until it is closed.

    Attributes:
        inherited: The other end, for the supervisor; to be closed when that has it.
        told: Whether the supervisor was told what to do.
        unsent: What of that is still to be sent, when there is room.

    Raises:
        OSError: No descriptor is left.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._socket, self.inherited = socket.socketpair()
        self._socket.setblocking(False)
        # The program may have a default for timeouts, by which sockets are made not to block.
        self.inherited.setblocking(True)
        self.told = False
        self.unsent = memoryview(b"")
        controls.open[self._socket.fileno()] = self
        controls.changed = True

    def fileno(self) -> int:
        """Returns the descriptor, which is readable when `take` may return something."""
        return self._socket.fileno()

    def tell(self, what: bytes) -> None:
        """Tells the supervisor what to do; see `gridengine.worker.__main__`."""
        self.told = True
        self.unsent = memoryview(len(what).to_bytes(_LENGTH, "big") + what)
        self.flush()

    def flush(self) -> None:
        """Sends what there is room for of what the supervisor is told."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self._socket.send(self.unsent, _NO_SIGNAL) :]
        except BlockingIOError:
            return
        except OSError:
            # It has ended, which is heard elsewhere.
            self.unsent = memoryview(b"")

    def take(self) -> socket.socket:
        """Returns the next connection that was passed here, which does not block.

        There must be room for its descriptor: without, the system drops it.

        Raises:
            BlockingIOError: None waits.
            ConnectionError: The supervisor has ended, and its reaper.
            OSError: There was no room after all. Who has the other end sees that it is closed.
        """
        data, passed, _, _ = self._socket.recvmsg(1, socket.CMSG_LEN(_INT), _CLOSE_ON_EXEC)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        for _, _, descriptors in passed:
            connection = socket.socket(fileno=int.from_bytes(descriptors[:_INT], sys.byteorder))
            if not _CLOSE_ON_EXEC:
                os.set_inheritable(connection.fileno(), False)
            connection.setblocking(False)
            return connection
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def let_go(self) -> None:
        """Closes this process's copy, in a fork; the supervisor sees nothing of that."""
        self._controls.open.pop(self._socket.fileno(), None)
        self._socket.close()

    def close(self) -> None:
        """Has the supervisor see that it is not needed any more. Idempotent."""
        descriptor = self._socket.fileno()
        if self._controls.open.pop(descriptor, None) is None:
            return
        self._controls.changed = True
        # A fork of the program may have a copy.
        _unless_gone(lambda: self._socket.shutdown(socket.SHUT_RDWR))
        # A program that closes all its descriptors has closed this one, too.
        _unless_gone(self._socket.close)


def _unless_gone(action: Callable[[], object]) -> None:
    # Without `contextlib`, whose import would come before the first worker's start.
    try:
        action()
    except OSError:
        return


def pass_end(descriptor: int = 0) -> socket.socket:
    """Makes a connection to the program, in a supervisor: a pair of which that gets one end.

    Args:
        descriptor: What the supervisor has inherited.

    Returns:
        The other end.

    Raises:
        ConnectionError: The program is gone, or needs this process no more.
        OSError: There is no room for it, or for another one on its way.
    """
    near, far = socket.socketpair()
    control = socket.socket(fileno=descriptor)
    try:
        own = far.fileno().to_bytes(_INT, sys.byteorder)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, own)]
        control.sendmsg([b"\0"], rights, socket.MSG_DONTWAIT)
    except BaseException as error:
        near.close()
        if isinstance(error, BlockingIOError):
            # The program is stopped, or has no descriptor left to take those that wait.
            raise OSError(errno.ENOBUFS, "the program does not take new workers") from None
        raise
    finally:
        control.detach()
        far.close()
    return near
