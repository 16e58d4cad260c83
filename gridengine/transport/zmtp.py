"""Messages over a socket pair: ZeroMQ's protocol, without its library.

A ZeroMQ socket has a thread of its own between the program and the kernel: two wake-ups for each
message that comes alone, on either side, which is a third of the time that a short job takes; and
to import it takes longer than a worker takes to start. Over a network that is little, and ZeroMQ
connects again, encrypts and keeps what cannot be sent. Between processes of one host these lines
do: they speak ZMTP 3.0 (https://rfc.zeromq.org/spec/23), but that neither end waits for the other's
introduction before it says something.
"""

from __future__ import annotations

# Not `socket`, which stands on it: that takes 3 ms of the start of the first worker.
import _socket as socket
import struct
from collections.abc import Sequence

from .shared_memory import Missing, Scattered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

READ = 256 * 1024
"""Bytes that are asked for at once: as a rule, all that the kernel keeps for a connection."""

#: Bytes from which a frame is sent by a call of its own: below that, the copy costs less.
_APART = 64 * 1024

#: More than any program can have in its memory (x86-64 and AArch64, with four levels of pages).
_ADDRESSABLE = 1 << 48

_MORE, _LONG, _COMMAND = 1, 2, 4

#: Signature, version 3.0, no security, not a server: nobody else can be at the other end.
_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

#: The longest command that is read: one that introduces a peer has less than a hundred bytes.
_COMMAND_BYTES = 64 * 1024


def introduction(kind: bytes, address: bytes) -> bytes:
    """Returns what either side says first.

    Args:
        kind: The type of socket, ``DEALER`` or ``ROUTER``.
        address: The name under which the other side shall know this one.
    """
    ready = b"\x05READY" + _property(b"Socket-Type", kind) + _property(b"Identity", address)
    return _GREETING + _header(len(ready), _COMMAND) + ready


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def _header(size: int, flags: int) -> bytes:
    if size < 256:
        return bytes((flags, size))
    return struct.pack(">BQ", flags | _LONG, size)


def parts(frames: Sequence[Any]) -> list[Any]:
    """Returns the buffers to send, one after the other, for a message; the large are no copies."""
    if len(frames) == 1:
        return [_header(len(frames[0]), 0) + frames[0]]
    found: list[Any] = []
    small = b""
    left = len(frames)
    for frame in frames:
        left -= 1
        scattered = type(frame) is Scattered
        size = frame.nbytes if scattered or isinstance(frame, memoryview) else len(frame)
        small += _header(size, _MORE if left else 0)
        if scattered:
            found += (small, *frame.parts)
            small = b""
        elif size < _APART:
            small += frame
        else:
            found += (small, frame)
            small = b""
    if small:
        found.append(small)
    return found


class ForeignError(ConnectionError):
    """What is said on the other side is not this protocol."""

    def __init__(self, what: str = "the other side speaks another protocol") -> None:
        super().__init__(what)


class FrameReader:
    """Puts together the messages of one peer.

    Args:
        buffer: `READ` bytes, in which nothing stays; the readers of one thread may share them.

    Attributes:
        peer: The name by which it has introduced itself; None until then.
        more: Whether there may be more to read at once.
    """

    __slots__ = (
        "_buffer", "_dropping", "_frames", "_greeted", "_missing", "_more", "_rest", "_room",
        "more", "peer",
    )  # fmt: skip

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self.peer: bytes | None = None
        self._greeted = False
        self._rest = b""
        self._frames: list[Any] = []
        # Where the rest of a frame that is on its way shall lie.
        self._room = memoryview(b"")
        # Bytes that are still to come of one for which there was no memory.
        self._dropping = 0
        self._missing: Any = None
        self._more = 0
        self.more = False

    def read(self, connection: socket.socket) -> list[list[Any]]:
        """Receives once, and returns the messages that are complete by that: lists of frames.

        Raises:
            BlockingIOError: Nothing was there, nor came in the time that the connection has.
            ConnectionError: The peer has hung up.
            ForeignError: It speaks another protocol.
        """
        if self._dropping:
            return self._drop(connection)
        if not self._room:
            size = connection.recv_into(self._buffer) or _hung_up()
            self.more = size == len(self._buffer)
            return self._parse(self._rest + self._buffer[:size])
        # Straight to where it shall lie: what is large is not copied twice.
        size = connection.recv_into(self._room, 0, socket.MSG_WAITALL) or _hung_up()
        self._room = self._room[size:]
        self.more = not self._room
        return [] if self._room else self._completed(self._room.obj)

    def _drop(self, connection: socket.socket) -> list[list[Any]]:
        size = connection.recv_into(self._buffer[: self._dropping]) or _hung_up()
        self._dropping -= size
        self.more = size == len(self._buffer)
        return [] if self._dropping else self._completed(self._missing)

    def _completed(self, frame: Any) -> list[list[Any]]:
        self._frames.append(frame)
        if self._more:
            return []
        message, self._frames = self._frames, []
        return [message]

    def _parse(self, data: bytes) -> list[list[Any]]:
        messages: list[list[Any]] = []
        at, end = 0, len(data)
        if not self._greeted:
            at = self._greet(data)
        while self._greeted and end - at > 1:
            flags = data[at]
            begin = at + 2
            size = data[at + 1]
            if flags & _LONG:
                begin = at + 9
                if begin > end:
                    break
                size = int.from_bytes(data[at + 1 : begin], "big")
            if flags & _COMMAND:
                if begin + size > end:
                    if size > _COMMAND_BYTES:
                        raise ForeignError
                    break
                self._obey(data[begin : begin + size])
            elif self.peer is None:
                raise ForeignError
            else:
                self._more = flags & _MORE
                if begin + size > end:
                    self._expect(size, data[begin:])
                    at = end
                    break
                messages += self._completed(data[begin : begin + size])
            at = begin + size
        self._rest = data[at:]
        return messages

    def _greet(self, data: bytes) -> int:
        if data[:1] != _GREETING[:1]:
            raise ForeignError
        if len(data) < len(_GREETING):
            return 0
        # A later version 3 speaks 3.0 to who speaks 3.0; earlier ones are told by their number.
        if data[9] & 1 == 0 or data[10] < 3 or data[12:32] != _GREETING[12:32]:
            raise ForeignError
        self._greeted = True
        return len(_GREETING)

    def _obey(self, command: bytes) -> None:
        # What other commands there are, is for other types of socket, and for who asked for it.
        if self.peer is None:
            if command[:6] != b"\x05READY":
                raise ForeignError
            self.peer = _identity(command[6:])

    def _expect(self, size: int, begun: bytes) -> None:
        if size > _ADDRESSABLE:
            raise ForeignError(f"no computer has memory for a message of {size} bytes")
        try:
            large = bytearray(size)
        except MemoryError:
            # Whoever needs it shall know; all else that is said is heard.
            self._missing = Missing(size)
            self._dropping = size - len(begun)
            return
        large[: len(begun)] = begun
        self._room = memoryview(large)[len(begun) :]


def _identity(properties: bytes) -> bytes:
    at = 0
    while at < len(properties):
        name = properties[at + 1 : at + 1 + properties[at]]
        at += 1 + len(name)
        size = int.from_bytes(properties[at : at + 4], "big")
        if name.lower() == b"identity":
            return properties[at + 4 : at + 4 + size]
        at += 4 + size
    return b""


def _hung_up() -> NoReturn:
    raise ConnectionError("the other side has hung up")
