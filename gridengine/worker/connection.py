"""A node's connections to the dispatcher: a socket file on the same host, ZeroMQ over a network."""

from __future__ import annotations

import _socket as socket
import collections
import select
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..transport import zmtp
from ..transport.launch_file import Launch

#: Seconds between two looks for a socket file that is to be made.
_RETRY = 0.001

#: Milliseconds between two looks whether there is still somebody who will answer.
_ANSWER = 20


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
    """To a socket file; see `gridengine.transport.zmtp`.

    Every method raises ConnectionError once the program has closed its end: there is no other.

    Args:
        path: The file; it may be made only in a moment.
        address: The name under which the program shall know this end.
        patience: Seconds that `receive` waits.
        hopeless: Whether there will be no program that makes the file, or answers.

    Raises:
        ConnectionError: Nobody listens, or nobody who speaks ZMTP.
    """

    def __init__(
        self, path: str, address: bytes, patience: float, hopeless: Callable[[], bool]
    ) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._reader = zmtp.FrameReader(memoryview(bytearray(zmtp.READ)))
        self._received: collections.deque[list[Any]] = collections.deque()
        # Before an answer is sent: to be told by an exception takes longer.
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        try:
            self._connect(path, hopeless)
            self._socket.sendall(zmtp.introduction(b"DEALER", address))
            while self._reader.peer is None:
                if self._poll.poll(_ANSWER):
                    self._received += self._reader.read(self._socket)
                elif hopeless():
                    raise ConnectionError(f"nobody answers at {path}")
        except BaseException:
            self._socket.close()
            raise
        # By the kernel's clock: a timeout of Python's own costs a call of poll() for each message.
        seconds, rest = divmod(patience, 1)
        limit = struct.pack("ll", int(seconds), int(rest * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)

    def _connect(self, path: str, hopeless: Callable[[], bool]) -> None:
        while True:
            try:
                self._socket.connect(path)
            except (FileNotFoundError, ConnectionRefusedError) as error:
                # The program has started this process before it has made its own socket.
                if hopeless():
                    raise ConnectionError(f"nobody listens at {path}") from error
                time.sleep(_RETRY)
            else:
                return

    def fileno(self) -> int:
        """See `Connection`."""
        return self._socket.fileno()

    def ready(self) -> bool:
        """See `Connection`."""
        return bool(self._received or self._poll.poll(0))

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


def open_connection(launch: Launch, address: bytes, hopeless: Callable[[], bool]) -> Connection:
    """Returns a connection to the first of a launch's endpoints.

    Args:
        launch: Where to, and as whom.
        address: The name under which the program shall know this end.
        hopeless: Whether the program is gone; asked where it may not have got so far yet.

    Raises:
        ConnectionError: It is gone.
    """
    kind, _, path = launch.endpoints[0].partition("://")
    if kind == "ipc":
        return LocalConnection(path, address, launch.heartbeat, hopeless)
    from .zeromq import ZeroMQConnection

    return ZeroMQConnection(launch, address)
