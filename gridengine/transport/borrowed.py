"""The borrower's side of memory that is shared: see `gridengine.transport.shared_memory`."""

from __future__ import annotations

import collections
import contextlib
import errno
import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from . import descriptors


class OpenArena:
    """Another process's arena, open here as long as something refers to it.

    Args:
        path: Where it is.

    Attributes:
        descriptor: To be mapped.

    Raises:
        OSError: It cannot be opened.
    """

    __slots__ = ("descriptor",)

    def __init__(self, path: str) -> None:
        self.descriptor = descriptors.leave_some(os.open(path, os.O_RDONLY))

    def __del__(self) -> None:
        # It has none if it could not be opened.
        with contextlib.suppress(AttributeError):
            os.close(self.descriptor)


class Borrowed:
    """A buffer in another process's arena, which stays as long as this.

    Args:
        arena: The arena, open here.
        offset: Where the buffer begins.
        nbytes: How long it is.
        released: Called with ``offset`` when neither this nor a mapping of it is used any more,
            at any moment and in any thread.
    """

    __slots__ = ("_arena", "_buffer", "_offset", "_released", "nbytes")

    def __init__(
        self, arena: OpenArena, offset: int, nbytes: int, released: Callable[[int], None]
    ) -> None:
        self._arena = arena
        self._offset = offset
        self._released = released
        self._buffer: _Mapping | bytearray | None = None
        self.nbytes = nbytes

    def buffer(self) -> mmap.mmap | bytearray:
        """Returns the buffer: the same mapping each time, or the same copy.

        A copy, if it takes a descriptor to map it and few are left.

        Raises:
            OSError, MemoryError: There is no room for it.
        """
        with _mapping_lock:
            if self._buffer is None:
                self._buffer = self._mapped() or self._copy()
            return self._buffer

    def _mapped(self) -> _Mapping | None:
        # The other descriptors are for the program.
        if _OF_A_MAPPING and len(_Mapping.alive) >= descriptors.limit() // 4:
            return None
        try:
            mapping = _Mapping(
                self._arena.descriptor,
                self.nbytes,
                offset=self._offset,
                access=mmap.ACCESS_COPY,
                **_UNTRACKED,
            )
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                return None
            raise
        mapping.offset, mapping.released = self._offset, self._released
        mapping.alive.append(None)
        return mapping

    def original(self) -> bytearray:
        """Returns a copy of what was lent, whatever this process has made of the mapping since.

        Raises:
            OSError, MemoryError: There is no room for it.
        """
        copy = bytearray(self.nbytes)
        rest, at = memoryview(copy), self._offset
        while rest and (read := os.preadv(self._arena.descriptor, [rest], at)):
            rest, at = rest[read:], at + read
        if rest:
            raise ValueError(f"no loan: {self._offset}, {self.nbytes}")
        return copy

    def _copy(self) -> bytearray:
        copy = self.original()
        self._released(self._offset)
        return copy

    def __del__(self) -> None:
        if self._buffer is None:
            self._released(self._offset)


#: Before Python 3.13 each mapping holds a descriptor of its own.
_OF_A_MAPPING = sys.version_info < (3, 13)
_UNTRACKED: dict[str, Any] = {} if _OF_A_MAPPING else {"trackfd": False}

_mapping_lock = threading.Lock()


class _Mapping(mmap.mmap):
    # Something for each that is alive: they end in any thread and at any moment.
    alive: ClassVar[collections.deque[None]] = collections.deque()
    offset = 0
    released: Callable[[int], None] | None = None

    def __del__(self) -> None:
        # Whatever is made of it, an array or a view, keeps it alive.
        if self.released is not None:
            self.alive.pop()
            self.released(self.offset)


def insert_borrowed(
    frames: list[Any],
    loans: Iterable[tuple[int, int, int]],
    arena: OpenArena,
    released: Callable[[int], None],
) -> None:
    """Undoes `replace_loans` on the other side, in place.

    Raises:
        ValueError: The places are nonsense.
    """
    for index, offset, nbytes in loans:
        if index > len(frames) or offset % mmap.PAGESIZE:
            raise ValueError(f"no loan: {index}, {offset}, {nbytes}")
        frames.insert(index, Borrowed(arena, offset, nbytes, released))
