"""A node's connections to the dispatcher: through ZeroMQ, or on one host without its thread.

A ZeroMQ socket has a thread of its own between the program and the kernel: two wake-ups for each
message that comes alone, one for what is to be done and one for the answer, a fifth of the time
that a short job takes; and to import it takes longer than a worker takes to start. Over a network
that is little, and ZeroMQ connects again, encrypts and keeps what cannot be sent. To a socket file
a few lines speak the same protocol, ZMTP 3.0 (https://rfc.zeromq.org/spec/23); the other end does
not see a difference.
"""

from __future__ import annotations

# Not `socket`, which stands on it: that takes 3 ms of the start of the first worker.
import _socket as socket
import select
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

from ..launch import Launch

#: Bytes that are asked for at once: a block of short jobs, as a rule.
_READ = 64 * 1024

#: Seconds between two looks for a socket file that is to be made.
_RETRY = 0.001

_MORE, _LONG, _COMMAND = 1, 2, 4

#: Signature, version 3.0, no security, not a server: the file lies in a private folder.
_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


class Line(Protocol):
    """What supervisors and workers need of a connection."""

    def fileno(self) -> int:
        """Returns a descriptor that becomes readable when `ready` may have become true.

        To be waited for only while `ready` returns False.
        """

    def ready(self) -> bool:
        """Returns whether `receive` would not have to wait."""

    def receive(self) -> list[Any] | None:
        """Returns the frames of the next message, None if none came in time."""

    def send(self, frames: Sequence[Any]) -> None:
        """Sends a message; may return before all of it has left."""

    def close(self) -> None:
        """Ends the connection, when all has left."""


class LocalLine:
    """To a socket file, without ZeroMQ.

    Every method raises ConnectionError once the program has closed its end: there is no other.

    Args:
        path: The file; it may be made only in a moment.
        address: The name under which the program shall know this end.
        patience: Seconds that `receive` waits.
        hopeless: Whether there will be no program that makes the file.

    Raises:
        ConnectionError: Nobody listens, or nobody who speaks ZMTP.
    """

    def __init__(
        self, path: str, address: bytes, patience: float, hopeless: Callable[[], bool]
    ) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._data = b""
        self._at = 0
        # Before an answer is sent: to be told by an exception takes longer.
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        try:
            self._connect(path, hopeless)
            self._introduce(address)
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

    def _introduce(self, address: bytes) -> None:
        body = b"\x05READY" + _property(b"Socket-Type", b"DEALER") + _property(b"Identity", address)
        self._socket.sendall(_GREETING + _header(len(body), _COMMAND) + body)
        greeting = self._read(len(_GREETING))
        flags, answer = self._read_frame()
        if greeting[:1] != b"\xff" or not flags & _COMMAND or answer[:6] != b"\x05READY":
            raise ConnectionError("the dispatcher's socket speaks another protocol")

    def fileno(self) -> int:
        """See `Line`."""
        return self._socket.fileno()

    def ready(self) -> bool:
        """See `Line`."""
        return self._at < len(self._data) or bool(self._poll.poll(0))

    def receive(self) -> list[Any] | None:
        """See `Line`."""
        if self._at == len(self._data) and not self._take():
            return None
        frames = []
        flags = _MORE
        while flags & _MORE:
            flags, frame = self._read_frame()
            frames.append(frame)
        return frames

    def send(self, frames: Sequence[Any]) -> None:
        """See `Line`."""
        left = len(frames)
        for frame in frames:
            left -= 1
            size = frame.nbytes if isinstance(frame, memoryview) else len(frame)
            header = _header(size, _MORE if left else 0)
            if size < _READ:
                self._socket.sendall(header + frame)
            else:
                self._socket.sendall(header)
                self._socket.sendall(frame)

    def close(self) -> None:
        """See `Line`."""
        self._socket.close()

    # ------------------------------------------------------------------ bytes

    def _read_frame(self) -> tuple[int, Any]:
        flags = self._read(1)[0]
        size = int.from_bytes(self._read(8), "big") if flags & _LONG else self._read(1)[0]
        return flags, self._read(size)

    def _read(self, size: int) -> Any:
        at, end = self._at, self._at + size
        if end <= len(self._data):
            self._at = end
            return self._data[at:end]
        # Straight to where it shall lie: the large ones are not copied twice.
        frame = bytearray(size)
        begun = len(self._data) - at
        frame[:begun] = self._data[at:]
        self._data, self._at = b"", 0
        rest = memoryview(frame)[begun:]
        while rest:
            rest = rest[self._fill(rest) :]
        return frame

    def _fill(self, view: memoryview) -> int:
        while True:
            try:
                return self._socket.recv_into(view, 0, socket.MSG_WAITALL) or _hung_up()
            except BlockingIOError:
                # The rest of a message is on its way, however long that takes.
                continue

    def _take(self) -> bool:
        """Reads what is there, when all that was there before is used up."""
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return False
        self._data, self._at = data or _hung_up(), 0
        return True


def _hung_up() -> NoReturn:
    raise ConnectionError("the program has hung up")


def _header(size: int, flags: int) -> bytes:
    if size < 256:
        return bytes((flags, size))
    return struct.pack(">BQ", flags | _LONG, size)


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def open_line(launch: Launch, address: bytes, hopeless: Callable[[], bool]) -> Line:
    """Returns a line to the first of a launch's endpoints.

    Args:
        launch: Where to, and as whom.
        address: The name under which the program shall know this end.
        hopeless: Whether the program is gone; asked where it may not have got so far yet.

    Raises:
        ConnectionError: It is gone.
    """
    kind, _, path = launch.endpoints[0].partition("://")
    if kind == "ipc":
        return LocalLine(path, address, launch.heartbeat, hopeless)
    from .network import NetworkLine

    return NetworkLine(launch, address)
