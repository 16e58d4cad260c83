"""Connections to the dispatcher: socket pairs on its own host, ZeroMQ over a network."""

from __future__ import annotations

import _socket as socket
import collections
import errno
import select
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..transport import zmtp
from ..transport.control import pass_end
from ..transport.launch_file import Launch

NO_ROOM = (errno.ENOBUFS, errno.ETOOMANYREFS)
"""Errors that pass: as many connections as can be are on their way to the program, or to all of
this user's (Linux)."""

#: Seconds until it is tried again then.
_PAUSE = 0.2


class Connection(Protocol):
    """What supervisors and workers need of a connection."""

    def fileno(self) -> int:
        """Returns a descriptor that becomes readable when `ready` may have become true.

        To be waited for only while `ready` returns False.
        """

    def ready(self) -> bool:
        """Returns whether `receive` would not have to wait."""

    def receive(self) -> list[Any] | None:
        """Returns the frames of the next message, None if none came in time."""

    def send(self, frames: Sequence[Any], *, sign_of_life: bool = False) -> None:
        """Sends a message; may return before all of it has left.

        Args:
            frames: The message, and the buffers that it refers to.
            sign_of_life: Whether it is one that is sent from time to time.
        """

    def drain(self) -> None:
        """Waits until the other side has heard all that was sent, as long as there is hope."""

    def close(self) -> None:
        """Ends the connection, when all has left."""


class LocalConnection:
    """By a socket that the program has the other end of, or will take; see `zmtp`.

    Every method raises ConnectionError once the program has closed its end: there is no other.

    Args:
        connection: The socket.
        address: The name under which the program shall know this end.
        patience: Seconds that `receive` waits.
    """

    def __init__(self, connection: socket.socket, address: bytes, patience: float) -> None:
        self._socket = connection
        self._reader = zmtp.FrameReader(memoryview(bytearray(zmtp.READ)))
        self._received: collections.deque[list[Any]] = collections.deque()
        # Before an answer is sent: to be told by an exception takes longer.
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        # By the kernel's clock: a timeout of Python's own costs a call of poll() for each message.
        seconds, rest = divmod(patience, 1)
        limit = struct.pack("ll", int(seconds), int(rest * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.sendall(zmtp.introduction(b"DEALER", address))

    def fileno(self) -> int:
        """See `Connection`."""
        return self._socket.fileno()

    def ready(self) -> bool:
        """See `Connection`."""
        while not self._received and self._poll.poll(0):
            if self._reader.peer is not None:
                return True
            # What the program says first is no message; it may come at any time.
            self._received += self._reader.read(self._socket)
        return bool(self._received)

    def receive(self) -> list[Any] | None:
        """See `Connection`."""
        while not self._received:
            try:
                self._received += self._reader.read(self._socket)
            except BlockingIOError:
                return None
        return self._received.popleft()

    def send(self, frames: Sequence[Any], *, sign_of_life: bool = False) -> None:
        """See `Connection`."""
        for part in zmtp.parts(frames):
            self._socket.sendall(part)

    def drain(self) -> None:
        """See `Connection`: what the kernel has taken the other side will hear."""

    def close(self) -> None:
        """See `Connection`."""
        self._socket.close()


def socket_for(launch: Launch) -> socket.socket | None:
    """Returns a socket for `open_connection`, made by the supervisor; None over a network.

    Raises:
        ConnectionError: The program is gone, or needs this process no more.
        OSError: There is no room for it.
    """
    return pass_end() if launch.parent else None


def own_socket_for(launch: Launch, stopping: Callable[[], bool]) -> socket.socket | None:
    """As `socket_for`, but waits for room on the way to the program.

    Raises:
        ConnectionError: Also if ``stopping`` has become true.
    """
    while not stopping():
        try:
            return socket_for(launch)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
        time.sleep(_PAUSE)
    raise ConnectionAbortedError("not needed any more")


def open_connection(launch: Launch, address: bytes, connection: socket.socket | None) -> Connection:
    """Returns a connection to the program.

    Args:
        launch: Where to, and as whom.
        address: The name under which the program shall know this end.
        connection: What `socket_for` has returned; else it goes to the first of the endpoints.

    Raises:
        ConnectionError: The program is gone.
    """
    if connection is not None:
        return LocalConnection(connection, address, launch.heartbeat)
    from .zeromq import ZeroMQConnection

    return ZeroMQConnection(launch, address)
