"""Large buffers between processes of one host: written once, mapped on the other side.

::

    lender                                     borrower
      Arena ── lend(frame) ──▶ Loan             │
                                │ offset, size  │   (in a message)
                                └──────────────▶ Borrowed ── buffer() ──▶ a private mapping
                                                │
      the loan may be used again ◀── released ──┘   when the last array on it is gone

An arena is memory without a name (memfd_create(2)): it is gone with the last process that has it
open, whoever is killed. Its pages are used again and again, since the first write to a fresh page
costs ten times as much as one to a page that is there already; what has not been needed for a
while goes back to the system (`Arena.trim`). A borrower maps a loan privately: what it writes is
seen by nobody else.

Only Linux has this; elsewhere `Arena.make` returns None, and buffers travel as frames.
"""

from __future__ import annotations

import bisect
import collections
import contextlib
import mmap
import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

from . import proc_files

SHARED = 256 * 1024
"""Bytes from which a buffer is lent: below that, the system calls cost more than the copy."""

#: madvise(2), from Linux 5.14 on; the module mmap has no name for it.
_MADV_POPULATE_READ = 22


class Scattered:
    """One buffer that lies in several parts: it is put together where it is needed, once.

    Attributes:
        parts: The buffers, in order; others' own memory, not copies.
        nbytes: Bytes of all of them.
    """

    __slots__ = ("nbytes", "parts")

    def __init__(self, parts: Sequence[Any], nbytes: int) -> None:
        self.parts = parts
        self.nbytes = nbytes


class Missing:
    """Stands for a buffer that has come, and for which there was no memory.

    Attributes:
        nbytes: How long it was.
    """

    __slots__ = ("nbytes",)

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes


def snapshot(frames: Iterable[Any]) -> list[Any]:
    """Returns the frames with copies of what may be changed while they are on their way."""
    return [_unchanging(frame) for frame in frames]


def _unchanging(frame: Any) -> Any:
    if type(frame) is Scattered:
        frame.parts = [part if type(part) is bytes else bytes(part) for part in frame.parts]
        return frame
    if type(frame) is bytes or (type(frame) is memoryview and type(frame.obj) is bytes):
        return frame
    return memoryview(bytes(frame))


def gather(frames: Iterable[Any]) -> list[Any]:
    """Returns the frames with those that are scattered put together."""
    return [
        memoryview(b"".join(frame.parts)) if type(frame) is Scattered else frame for frame in frames
    ]


class Arena:
    """Memory that this process lends to others on its host.

    Attributes:
        path: Where others find it, as long as this process lives.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, size)
        with contextlib.suppress(AttributeError, OSError):
            # A core file would have all of it, gigabytes of pages that were never written included.
            self._memory.madvise(mmap.MADV_DONTDUMP)
        self._size = size
        # No page behind it has been written.
        self._end = 0
        self._lock = threading.Lock()
        # Threads that write into it; and whether the last of them has to close it.
        self._writers = 0
        self._closing = False
        # What is not lent below that: beginnings and ends, in order, no two of them touching.
        self._free: list[tuple[int, int]] = []
        self._trimmed = True
        self._used = False
        # Loans are given back by the garbage collector, in any thread and at any moment, the one
        # that holds the lock included: they wait here until the next one is made.
        self._back: collections.deque[tuple[int, int]] = collections.deque()
        self._outliving: weakref.WeakSet[Loan] = weakref.WeakSet()
        self.path = f"{proc_files.folder(os.getpid())}/fd/{descriptor}"

    @classmethod
    def make(cls, size: int = 0) -> Arena | None:
        """Returns a new arena, None where there is none to be had.

        Args:
            size: Bytes that it may lend at one time; by default a quarter of the memory.
        """
        if not proc_files.folder(os.getpid()):
            # Nobody could find it.
            return None
        try:
            # Sparse: a page that was never written takes no memory.
            size = size or os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE // 4
            descriptor = os.memfd_create("gridengine", os.MFD_CLOEXEC)
        except (AttributeError, OSError, ValueError):
            return None
        try:
            os.ftruncate(descriptor, size)
            return cls(descriptor, size)
        except (OSError, ValueError):
            # A limit of the address space, say: h_vmem.
            os.close(descriptor)
            return None

    def lend_large(self, frames: Iterable[Any]) -> list[Any]:
        """Returns the frames with loans in the place of the large ones, as far as there is room.

        Of the others what may be changed is copied too.
        """
        return [
            (_size_of(frame) >= SHARED and self.lend(frame)) or _unchanging(frame)
            for frame in frames
        ]

    def lend(self, frame: Any) -> Loan | None:
        """Returns a loan with a copy of ``frame`` in it, None if there is no room."""
        nbytes = _size_of(frame)
        room = -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
        with self._lock:
            offset, fresh = self._find(room)
            if offset is None:
                return None
            self._writers += 1
        try:
            self._put(frame, offset, room, fresh)
        except OSError:
            # No page is left. The place is not used again: to write there through the mapping
            # would be the end.
            return None
        finally:
            with self._lock:
                self._writers -= 1
                self._close_if_unused()
        return Loan(self, offset, nbytes, room)

    def _put(self, frame: Any, at: int, room: int, fresh: bool) -> None:
        put, begin = self._write if fresh else self._copy, at
        for part in frame.parts if type(frame) is Scattered else (frame,):
            at = put(memoryview(part).cast("B"), at)
        if fresh:
            self._map(begin, room)

    def _map(self, offset: int, room: int) -> None:
        """Has written pages mapped all at once: else the next copy to each would begin with it."""
        with contextlib.suppress(OSError):
            self._memory.madvise(_MADV_POPULATE_READ, offset, room)

    def _copy(self, view: memoryview, at: int) -> int:
        """Puts bytes on pages that are there; returns where they end."""
        end = at + view.nbytes
        self._memory[at:end] = view
        return end

    def _write(self, view: memoryview, at: int) -> int:
        """Puts bytes on fresh pages, twice as fast as `_copy` would; returns where they end."""
        end = at + view.nbytes
        while at < end:
            at += os.pwrite(self._descriptor, view[at - end :], at)
        return end

    def _find(self, room: int) -> tuple[int | None, bool]:
        """Returns a place for so many bytes, None if there is none; and whether it is fresh."""
        if self._closing:
            return None, False
        self._take_in()
        self._used = True
        for index, (begin, end) in enumerate(self._free):
            # The first: what is lent stays together, and what lies behind can be trimmed.
            if end - begin >= room:
                self._free[index : index + 1] = [(begin + room, end)] if begin + room < end else []
                return begin, False
        if self._end + room > self._size:
            return None, False
        self._end += room
        return self._end - room, True

    def _take_in(self) -> None:
        """Puts what came back among what is free."""
        free = self._free
        while self._back:
            room, begin = self._back.popleft()
            end = begin + room
            at = bisect.bisect(free, (begin, end))
            if at < len(free) and free[at][0] == end:
                end = free.pop(at)[1]
            if at and free[at - 1][1] == begin:
                at -= 1
                begin = free.pop(at)[0]
            free.insert(at, (begin, end))
            self._trimmed = False

    def read(self, offset: int, nbytes: int) -> bytes | None:
        """Returns what is lent there, None if the arena was closed."""
        with self._lock:
            return None if self._closing else self.peek(offset, nbytes)

    def peek(self, offset: int, nbytes: int) -> bytes:
        """As `read`, of an arena that somebody keeps from being closed."""
        return self._memory[offset : offset + nbytes]

    def keep(self, loan: Loan) -> None:
        """Has what is in a loan copied when the arena is closed, if the loan is there by then."""
        with self._lock:
            if not self._closing:
                self._outliving.add(loan)

    def take_back(self, offset: int, room: int) -> None:
        """Has a chunk of the arena used again. May be called at any moment."""
        self._back.append((room, offset))

    def trim(self) -> None:
        """Gives what is free back to the system, if nothing was lent since the last call."""
        with self._lock:
            self._take_in()
            used, self._used = self._used, False
            if used or self._trimmed or self._closing:
                return
            self._trimmed = True
            for begin, end in self._free:
                self._memory.madvise(mmap.MADV_REMOVE, begin, end - begin)
            if self._free and self._free[-1][1] == self._end:
                self._end = self._free.pop()[0]

    def close(self) -> None:
        """Lends nothing any more, and gives the memory back but for what others have mapped.

        Idempotent.
        """
        with self._lock:
            if not self._closing:
                self._closing = True
                for loan in list(self._outliving):
                    loan.copy_out()
                self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._closing and not self._writers:
            self._memory.close()
            os.close(self._descriptor)


def _size_of(frame: Any) -> int:
    return frame.nbytes if type(frame) is Scattered else memoryview(frame).nbytes


class Loan:
    """A chunk of an arena with a buffer in it; given back when nothing refers to it.

    Attributes:
        offset: Where it begins.
        nbytes: Bytes of the buffer.
    """

    __slots__ = ("__weakref__", "_arena", "_kept", "_room", "nbytes", "offset")

    def __init__(self, arena: Arena, offset: int, nbytes: int, room: int) -> None:
        self._arena = arena
        self._room = room
        self.offset = offset
        self.nbytes = nbytes
        self._kept: bytes | None = None

    def keep(self) -> None:
        """Has the buffer outlive the arena, as a copy, as long as this does."""
        self._arena.keep(self)

    def copy_out(self) -> None:
        """Takes the copy; for the arena, while it is open."""
        self._kept = self._arena.peek(self.offset, self.nbytes)

    def read(self) -> bytes | None:
        """Returns what is in the buffer, None if the arena is gone and it was not to outlive it."""
        return self._arena.read(self.offset, self.nbytes) if self._kept is None else self._kept

    def __del__(self) -> None:
        self._arena.take_back(self.offset, self._room)


def replace_loans(frames: Sequence[Any]) -> tuple[list[Any], list[tuple[int, int, int]]]:
    """Returns the frames that must travel, and where the others are: index, offset, size."""
    loans = [
        (index, frame.offset, frame.nbytes)
        for index, frame in enumerate(frames)
        if type(frame) is Loan
    ]
    return [frame for frame in frames if type(frame) is not Loan], loans
