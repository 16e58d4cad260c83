"""Messages with large buffers as many small ones, over a network.

ZeroMQ encrypts and decrypts a frame as a whole, in copies of it, and ends the process if there is
no memory for them; nor does it say how large a frame is before all of it has come. And if it took
frames of any size from who has the key, it would take them from strangers too. So what is large,
a buffer or the message itself, travels in pieces, each a message of its own::

    opening(sizes, small frames) ── piece 1 ── piece 2 ── … ── piece n

Whoever receives them learns from the opening how much is to come, asks for the memory once, and
puts each piece to its place. If there is none, the pieces are dropped as they come, and the message
arrives with `Missing` in the place of the buffer: it harms whoever needs that, and nobody else.

The pieces of a message follow each other without anything between. If a connection has lost some of
them, the rest is dropped, and the link (`gridengine.transport.link`) has all of it said again.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from .link import BEYOND_LINKS, Frames
from .shared_memory import Missing, Scattered, gather

FRAME = 128 * 1024
"""Bytes of a frame at most: who has no key can have as much kept until the time for its handshake
is up (`gridengine.transport.admission`). A frame takes a few microseconds at either end."""

LARGEST_FRAME = FRAME + 1024
"""Bytes of a frame that either side takes: encryption, and headers, add less than 100."""

PIECE = 2 * 1024 * 1024
"""Bytes of a piece, in frames: ZeroMQ's threads are woken for each. On a busy machine pieces of
256 KiB take half as long again as one frame, 4 MiB no longer."""

_OPENING, _PIECE = BEYOND_LINKS, BEYOND_LINKS + 1

#: What it is, the number of the message among those that one side sends in pieces, and the number
#: of the piece: from 1, and for the opening that of all.
_HEADER = struct.Struct(">BQQ")

_SIZE = struct.Struct(">Q")


class Cutter:
    """Cuts what one side sends to the other."""

    __slots__ = ("_sent",)

    def __init__(self) -> None:
        self._sent = 0

    def cut(self, frames: Frames) -> Iterable[Frames]:
        """Returns the messages to send for one."""
        if all(_size(frame) <= FRAME for frame in frames):
            return [gather(frames)]
        self._sent += 1
        return self._cut(frames, self._sent)

    def _cut(self, frames: Frames, number: int) -> Iterator[Frames]:
        # A size of 0 stands for a frame that comes with the opening.
        apart = [size if (size := _size(frame)) > FRAME else 0 for frame in frames]
        pieces = [
            piece
            for frame, size in zip(frames, apart, strict=True)
            if size
            for piece in _pieces(frame)
        ]
        sizes = b"".join(map(_SIZE.pack, apart))
        # Of very many frames the sizes are many, too.
        rows = [sizes[at : at + FRAME] for at in range(0, len(sizes), FRAME)]
        small = [frame for frame, size in zip(frames, apart, strict=True) if not size]
        head = _HEADER.pack(_OPENING, number, len(pieces)) + _SIZE.pack(len(apart))
        yield [head, *rows, *gather(small)]
        for index, piece in enumerate(pieces, 1):
            yield [_HEADER.pack(_PIECE, number, index), *piece]


def _size(frame: Any) -> int:
    return frame.nbytes if type(frame) in (Scattered, memoryview) else memoryview(frame).nbytes


def _pieces(frame: Any) -> list[Frames]:
    """Returns a buffer in pieces, each of one or several views, none larger than a frame."""
    pieces: list[Frames] = []
    room = 0
    for part in frame.parts if type(frame) is Scattered else (frame,):
        view, at = memoryview(part).cast("B"), 0
        while at < view.nbytes:
            if not room:
                pieces.append([])
                room = PIECE
            taken = view[at : at + min(room, FRAME)]
            pieces[-1].append(taken)
            at += taken.nbytes
            room -= taken.nbytes
    return pieces


def is_piece(header: Any) -> bool:
    """Tells whether a message with this header is one for an `Assembler`."""
    return len(header) >= _HEADER.size and header[0] >= BEYOND_LINKS


class Assembler:
    """Puts together what one side has cut."""

    __slots__ = ("_at", "_frames", "_left", "_next", "_number", "_pieces", "_places")

    def __init__(self) -> None:
        self._forget()

    @property
    def open(self) -> bool:
        """Whether some pieces of a message are still to come."""
        return self._number > 0

    def _forget(self) -> None:
        self._number = self._next = self._pieces = 0
        self._frames: Frames = []
        # The buffers that are being filled, or `Missing` ones, last first.
        self._places: list[Any] = []
        self._at = 0

    def add(self, frames: Frames) -> Frames | None:
        """Takes in an opening or a piece.

        Returns:
            The frames of the message, if it is complete.

        Raises:
            ValueError: It is neither.
            MemoryError: There is none for the message itself, which nothing can stand for.
        """
        try:
            return self._add(*frames)
        except (ValueError, MemoryError):
            self._forget()
            raise

    def _add(self, header: Any, *rest: Any) -> Frames | None:
        kind, number, index = _HEADER.unpack_from(header)
        if kind == _OPENING:
            self._open(header[_HEADER.size :], number, index, list(rest))
        elif kind == _PIECE:
            if number != self._number or index != self._next:
                # Some before it were lost.
                self._forget()
                return None
            self._next += 1
            for part in rest:
                self._put(memoryview(part))
        else:
            raise ValueError(f"there are no pieces of kind {kind}")
        if self._next <= self._pieces:
            return None
        complete = self._frames
        missing = bool(self._places)
        self._forget()
        if missing:
            raise ValueError("fewer bytes than were announced")
        return complete

    def _open(self, count: bytes, number: int, pieces: int, rest: Frames) -> None:
        self._forget()
        if len(count) != _SIZE.size:
            raise ValueError("an opening that was cut off")
        nbytes = _SIZE.unpack(count)[0] * _SIZE.size
        rows = -(-nbytes // FRAME)
        sizes, small = b"".join(rest[:rows]), rest[rows:]
        if len(sizes) != nbytes or not sizes:
            raise ValueError("an opening that was cut off")
        apart = [size for (size,) in _SIZE.iter_unpack(sizes)]
        if apart.count(0) != len(small):
            raise ValueError("an opening with other frames than it announces")
        given = iter(small)
        self._frames = [_place_for(size) if size else next(given) for size in apart]
        if type(self._frames[0]) is Missing:
            raise MemoryError(f"no memory for a message of {apart[0]} bytes")
        self._places = [frame for frame, size in zip(self._frames, apart, strict=True) if size][
            ::-1
        ]
        self._number, self._pieces, self._next = number, pieces, 1

    def _put(self, part: memoryview) -> None:
        if not self._places:
            raise ValueError("more bytes than were announced")
        place = self._places[-1]
        end = self._at + part.nbytes
        if end > place.nbytes:
            raise ValueError("more bytes than were announced")
        if type(place) is not Missing:
            place[self._at : end] = part.cast("B")
        self._at = end
        if end == place.nbytes:
            self._places.pop()
            self._at = 0


def _place_for(nbytes: int) -> Any:
    """Returns a buffer of so many bytes, `Missing` if there is no memory for it."""
    try:
        # Pages that nobody has written take no memory: what is announced may never come.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        return memoryview(mmap.mmap(-1, nbytes, flags=flags))
    except (OSError, OverflowError, MemoryError, ValueError):
        pass
    try:
        # The system has a limit to the number of mappings, too.
        return memoryview(bytearray(nbytes)) if nbytes < PIECE else Missing(nbytes)
    except MemoryError:
        return Missing(nbytes)
