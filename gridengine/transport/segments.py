"""One direction of a conversation through a shared folder: one process writes, one other reads.

What is said are records, one behind the other in files that are called segments::

    NAME.0   record record record turn     read to its end, and removed by the reader
    NAME.1   record record rec             the writer is at it

A record is a header with its size and a checksum, and the frames. There are no locks: the writer
alone appends, and the reader alone removes. Over NFS a reader sees what was written before the
writer's last close, if it opens the file after that (close-to-open consistency, nfs(5)); of what is
written meanwhile it may see a part, or zeros in its place. So the writer closes a file behind each
stretch, the reader opens it at each look, and what is short or wrong is read again at the next.
A name that was not there may be taken for missing for up to a minute, but not in a folder that has
just been opened (lookup cache, nfs(5)); so that is opened at each look, too.
"""

from __future__ import annotations

import collections
import errno
import itertools
import os
import stat
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from . import private_files
from .link import Frames
from .private_files import NotPrivate
from .shared_memory import Missing, gather

SEGMENT = 1024 * 1024
"""Bytes after which the writer begins a new segment: what was read takes no more room than that."""

_STRETCH = 16 * 1024 * 1024
"""Bytes that are written, or read, between an opening and the next, if there is so much."""

#: What begins a record, so that zeros do not; the bytes behind the header, and their checksum.
_HEADER = struct.Struct(">4sQI")
_RECORD, _TURN = b"\xd7GR1", b"\xd7GT1"
_COUNT = struct.Struct(">I")
_SIZE = struct.Struct(">Q")

#: Frames of a record at most: what has more is damaged.
_FRAMES = 1 << 24

_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

#: Bytes up to which a frame is copied, so that it does not keep the record that it came in.
_COPIED = 64 * 1024

#: Buffers that are written by one call (IOV_MAX, limits.h).
_BUFFERS = 512


class Damaged(ValueError):
    """A record is whole by its checksum, and makes no sense."""


class Folder:
    """The private folder in which the segments lie, as one side sees it.

    Args:
        path: Where it lies.

    Raises:
        NotPrivate: It is somebody else's, or others could replace it.
        OSError: It is not there.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        descriptor = private_files.open_folder(path)
        self._known = _identity(descriptor)
        os.close(descriptor)

    def open(self) -> int:
        """Returns a descriptor of it, by which it is seen as it is now.

        Raises:
            NotPrivate: Something else has taken its place.
            OSError: It cannot be opened, or is gone.
        """
        descriptor = os.open(self.path, private_files.FOLDER)
        if _identity(descriptor) != self._known:
            os.close(descriptor)
            raise NotPrivate(f"{self.path} is not the folder any more that it was")
        return descriptor


def is_gone(error: OSError) -> bool:
    """Tells whether a `Folder` that cannot be opened is gone: its file server may rest, too."""
    return isinstance(error, NotPrivate) or error.errno in (errno.ENOENT, errno.ENOTDIR)


def _identity(descriptor: int) -> tuple[int, int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, stat.S_IMODE(status.st_mode)


class SegmentWriter:
    """Appends records. Used by one thread.

    Args:
        name: What the segments are called, but for their number.

    Attributes:
        waiting: The records that are not written yet, oldest first.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = self._at = 0
        self.waiting: collections.deque[Frames] = collections.deque()

    def write(self, place: int, *, alone: bool = False) -> None:
        """Writes what waits, not all of much.

        Args:
            place: The folder, just opened.
            alone: Whether to write no more than the first record.

        Raises:
            NotPrivate: Something else has taken the place of the file.
            OSError: There is no room, say. What was not written waits on.
        """
        taken, size, buffers = 0, 0, list[Any]()
        for frames in self.waiting:
            if taken and size >= _STRETCH:
                break
            record = _packed(frames)
            buffers += record
            size += sum(memoryview(part).nbytes for part in record)
            taken += 1
            if alone or self._at + size >= SEGMENT:
                break
        if not taken:
            return
        turn = self._at + size >= SEGMENT
        if turn:
            buffers.append(_HEADER.pack(_TURN, 0, _begun(_TURN, 0)))
        self._append(place, buffers)
        # What is not known to be written, to the end, is written again in the same place.
        for _ in range(taken):
            self.waiting.popleft()
        self._at += size
        if turn:
            self._number, self._at = self._number + 1, 0

    def _append(self, place: int, buffers: list[Any]) -> None:
        new = os.O_CREAT | os.O_EXCL if not self._at else 0
        name = f"{self._name}.{self._number}"
        try:
            descriptor = os.open(name, _WRITE | new, 0o600, dir_fd=place)
        except FileExistsError:
            # This writer's own, from a try that has failed: nobody else can make one here.
            descriptor = os.open(name, _WRITE, dir_fd=place)
        try:
            _check(descriptor, name)
            if new:
                # A umask may take from its owner too.
                os.fchmod(descriptor, 0o600)
            try:
                _write_at(descriptor, buffers, self._at)
            except OSError:
                # Half a record would be in the way of a smaller one, and takes room.
                os.ftruncate(descriptor, self._at)
                raise
        finally:
            # Here NFS tells that the server has no room for it.
            os.close(descriptor)

    @property
    def begun(self) -> bool:
        """Whether anything was written."""
        return bool(self._at or self._number)


def _packed(frames: Frames) -> list[Any]:
    """Returns the buffers of a record."""
    frames = gather(frames)
    sizes = [memoryview(frame).nbytes for frame in frames]
    table = _COUNT.pack(len(frames)) + b"".join(map(_SIZE.pack, sizes))
    nbytes = len(table) + sum(sizes)
    checksum = zlib.crc32(table, _begun(_RECORD, nbytes))
    for frame in frames:
        checksum = zlib.crc32(frame, checksum)
    header = _HEADER.pack(_RECORD, nbytes, checksum)
    return [header + table, *(frame for frame, size in zip(frames, sizes, strict=True) if size)]


def _begun(kind: bytes, size: int) -> int:
    """Returns the checksum of a header, with which that of its record begins."""
    # Or a header of which the rest is not seen yet would be one of a record without anything.
    return zlib.crc32(_SIZE.pack(size), zlib.crc32(kind))


def _write_at(descriptor: int, buffers: Sequence[Any], at: int) -> None:
    left = collections.deque(memoryview(part).cast("B") for part in buffers)
    while left:
        written = os.pwritev(descriptor, list(itertools.islice(left, _BUFFERS)), at)
        at += written
        while left and written >= left[0].nbytes:
            written -= left.popleft().nbytes
        if written:
            left[0] = left[0][written:]


def _check(descriptor: int, name: str) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink > 1:
        raise NotPrivate(f"{name} is not the file that was written there: remove it")


class SegmentReader:
    """Reads records, each once and in their order. Used by one thread.

    Args:
        name: What the segments are called, but for their number.

    Attributes:
        more: Whether there may be more to read at once.
        moved: Whether the last look has found the segment of another size than the one before: its
            writer lives, though it may be long until a large record is whole.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = self._at = self._end = 0
        self.more = self.moved = False

    def look(self, place: int) -> list[Frames]:
        """Returns the records that have come since the last look, not all of much.

        Args:
            place: The folder, just opened.

        Raises:
            NotPrivate: Somebody else could have planted the file.
            Damaged: What was written makes no sense.
            OSError: It cannot be read.
        """
        name = f"{self._name}.{self._number}"
        self.more = self.moved = False
        try:
            descriptor = private_files.open_file_in(place, name)
        except FileNotFoundError:
            return []
        found: list[Frames] = []
        try:
            turned = self._read(descriptor, found)
        finally:
            os.close(descriptor)
        if turned:
            os.unlink(name, dir_fd=place)
            self._number, self._at, self._end, self.more = self._number + 1, 0, 0, True
        return found

    def _read(self, descriptor: int, found: list[Frames]) -> bool:
        """Takes in what is there; returns whether the segment is read to its end."""
        end = os.fstat(descriptor).st_size
        self.moved, self._end = end != self._end, end
        start = self._at
        while end - self._at >= _HEADER.size:
            if self._at - start > _STRETCH:
                self.more = True
                return False
            head = os.pread(descriptor, _HEADER.size, self._at)
            if len(head) < _HEADER.size:
                return False
            kind, size, checksum = _HEADER.unpack(head)
            if kind == _TURN:
                return bool(checksum == _begun(kind, size))
            if kind != _RECORD or self._at + _HEADER.size + size > end:
                return False
            frames = _record(descriptor, self._at + _HEADER.size, size, checksum)
            if frames is None:
                return False
            self._at += _HEADER.size + size
            found.append(frames)
        return False


def _record(descriptor: int, at: int, size: int, checksum: int) -> Frames | None:
    """Returns the frames of a record, None if not all of it is to be seen yet.

    Raises:
        Damaged: They do not fill it.
    """
    try:
        body = memoryview(bytearray(size))
    except MemoryError:
        return _without_the_large(descriptor, at, size)
    if not _filled(descriptor, body, at) or zlib.crc32(body, _begun(_RECORD, size)) != checksum:
        return None
    sizes = _sizes(body, size)
    begin = size - sum(sizes)
    frames: Frames = []
    for each in sizes:
        frame = body[begin : begin + each]
        frames.append(frame if each > _COPIED else bytes(frame))
        begin += each
    return frames


def _without_the_large(descriptor: int, at: int, size: int) -> Frames | None:
    """As `_record`, with `Missing` for large frames: there is no memory for all of them.

    It is not known to be whole.
    """
    head = memoryview(bytearray(_COUNT.size))
    if not _filled(descriptor, head, at):
        return None
    (count,) = _COUNT.unpack(head)
    table = memoryview(bytearray(_COUNT.size + min(count, _FRAMES) * _SIZE.size))
    if not _filled(descriptor, table, at):
        return None
    sizes = _sizes(table, size)
    begin = at + table.nbytes
    frames: Frames = []
    for each in sizes:
        if each > _COPIED:
            frames.append(Missing(each))
        else:
            frame = memoryview(bytearray(each))
            if not _filled(descriptor, frame, begin):
                return None
            frames.append(bytes(frame))
        begin += each
    return frames


def _filled(descriptor: int, room: memoryview, at: int) -> bool:
    """Fills a buffer from a file; False if there is not so much."""
    filled = 0
    while filled < room.nbytes:
        size = os.preadv(descriptor, [room[filled:]], at + filled)
        if not size:
            return False
        filled += size
    return True


def _sizes(body: memoryview, size: int) -> list[int]:
    """Returns the sizes of the frames of a record, which begins with them.

    Raises:
        Damaged: They do not fill it.
    """
    count = _COUNT.unpack_from(body)[0] if body.nbytes >= _COUNT.size else -1
    end = _COUNT.size + count * _SIZE.size
    if not 0 < count <= _FRAMES or end > body.nbytes:
        raise Damaged(f"a record of {size} bytes with {count} frames")
    sizes = [each for (each,) in _SIZE.iter_unpack(body[_COUNT.size : end])]
    if end + sum(sizes) != size:
        raise Damaged("frames that do not fill their record")
    return sizes
