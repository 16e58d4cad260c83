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
costs ten times as much as one to a page that is there already. A borrower maps a loan privately:
what it writes is seen by nobody else.

Only Linux has this; elsewhere `Arena.make` returns None, and buffers travel as frames.
"""

from __future__ import annotations

import collections
import mmap
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

SHARED = 256 * 1024
"""Bytes from which a buffer is lent: below that, the system calls cost more than the copy."""


class Arena:
    """Memory that this process lends to others on its host.

    Attributes:
        path: Where others find it, as long as this process lives.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, size)
        self._size = size
        self._end = 0
        self._lock = threading.Lock()
        self._free: dict[int, list[int]] = {}
        # Loans are given back by the garbage collector, in any thread and at any moment, the one
        # that holds the lock included: they wait here until the next one is made.
        self._back: collections.deque[tuple[int, int]] = collections.deque()
        self.path = f"/proc/{os.getpid()}/fd/{descriptor}"

    @classmethod
    def make(cls) -> Arena | None:
        """Returns a new arena, None where there is none to be had."""
        try:
            # Sparse: a page that was never written takes no memory.
            size = os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE // 4
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

    def lend_large(self, frames: Sequence[Any]) -> list[Any]:
        """Returns the frames with loans in the place of the large ones."""
        return [
            (self.lend(frame) or frame) if memoryview(frame).nbytes >= SHARED else frame
            for frame in frames
        ]

    def lend(self, frame: Any) -> Loan | None:
        """Returns a loan with a copy of ``frame`` in it, None if there is no room."""
        view = memoryview(frame)
        room = -(-view.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
        with self._lock:
            offset = self._find(room)
        if offset is None:
            return None
        self._memory[offset : offset + view.nbytes] = view.cast("B")
        return Loan(self, offset, view.nbytes, room)

    def _find(self, room: int) -> int | None:
        while self._back:
            size, offset = self._back.popleft()
            self._free.setdefault(size, []).append(offset)
        same = self._free.get(room)
        if same:
            return same.pop()
        if not room:
            return None
        if self._end + room <= self._size:
            offset = self._end
            self._end += room
            return offset
        return None

    def take_back(self, offset: int, room: int) -> None:
        """Has a piece of the arena used again. May be called at any moment."""
        self._back.append((room, offset))

    def trim(self) -> None:
        """Gives the pages back to the system, if nothing is lent."""
        with self._lock:
            self._find(0)
            if (
                self._end
                and sum(size * len(offsets) for size, offsets in self._free.items()) == self._end
            ):
                self._memory.madvise(mmap.MADV_REMOVE, 0, self._end)
                self._free.clear()
                self._end = 0

    def close(self) -> None:
        """Gives the memory back, but for what others have mapped."""
        self._memory.close()
        os.close(self._descriptor)


class Loan:
    """A piece of an arena with a buffer in it; given back when nothing refers to it.

    Attributes:
        offset: Where it begins.
        nbytes: Bytes of the buffer.
    """

    __slots__ = ("__weakref__", "_arena", "_room", "nbytes", "offset")

    def __init__(self, arena: Arena, offset: int, nbytes: int, room: int) -> None:
        self._arena = arena
        self._room = room
        self.offset = offset
        self.nbytes = nbytes

    def __del__(self) -> None:
        self._arena.take_back(self.offset, self._room)


class Borrowed:
    """A buffer in another process's arena.

    Args:
        descriptor: The arena, open here.
        offset: Where the buffer begins.
        nbytes: How long it is.
        released: Called with ``offset`` when neither this nor a mapping of it is used any more,
            at any moment and in any thread.
    """

    __slots__ = ("_descriptor", "_mapping", "_offset", "_released", "nbytes")

    def __init__(
        self, descriptor: int, offset: int, nbytes: int, released: Callable[[int], None]
    ) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._released = released
        self._mapping: _Mapping | None = None
        self.nbytes = nbytes

    def buffer(self) -> mmap.mmap:
        """Returns the buffer, mapped: the same mapping each time."""
        with _mapping_lock:
            if self._mapping is None:
                self._mapping = _Mapping(
                    self._descriptor, self.nbytes, offset=self._offset, access=mmap.ACCESS_COPY
                )
                self._mapping.offset, self._mapping.released = self._offset, self._released
            return self._mapping

    def __del__(self) -> None:
        if self._mapping is None:
            self._released(self._offset)


_mapping_lock = threading.Lock()


class _Mapping(mmap.mmap):
    offset = 0
    released: Callable[[int], None] | None = None

    def __del__(self) -> None:
        # Whatever is made of it, an array or a view, keeps it alive.
        if self.released is not None:
            self.released(self.offset)


def replace_loans(frames: Sequence[Any]) -> tuple[list[Any], list[tuple[int, int, int]]]:
    """Returns the frames that must travel, and where the others are: index, offset, size."""
    loans = [
        (index, frame.offset, frame.nbytes)
        for index, frame in enumerate(frames)
        if type(frame) is Loan
    ]
    return [frame for frame in frames if type(frame) is not Loan], loans


def insert_borrowed(
    frames: list[Any],
    loans: Iterable[tuple[int, int, int]],
    descriptor: int,
    released: Callable[[int], None],
) -> None:
    """Undoes `replace_loans` on the other side, in place.

    Raises:
        ValueError: The places are nonsense.
    """
    for index, offset, nbytes in loans:
        if index > len(frames) or offset % mmap.PAGESIZE:
            raise ValueError(f"no loan: {index}, {offset}, {nbytes}")
        frames.insert(index, Borrowed(descriptor, offset, nbytes, released))
