"""What a job printed last, kept where its supervisor finds it when the job is dead.

The worker's ``sys.stdout`` and ``sys.stderr`` write through to where they did, and leave a copy
of the end in memory shared with the supervisor. What C code or a subprocess prints is not in
it; the traceback that `faulthandler` writes for a crash is, by way of a file, to which a worker
also writes where it is when it is asked.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import itertools
import mmap
import os
import sys
from typing import IO, Any

from .stack_dump import write_when_asked

_CURSOR = 8  # bytes at the start that say how much was written
_HERE = os.path.dirname(os.path.abspath(__file__))
_SIZE = mmap.PAGESIZE - _CURSOR

#: How the report of a crash begins.
_CRASH = b"Fatal Python error"

#: Bytes of the file that are looked at, at most.
_FILE = 1 << 18


class Output:
    """The last bytes that a worker printed, in memory that stays shared across a fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._written = memoryview(self._memory)[:_CURSOR].cast("Q")
        self._crash = _nameless_file()

    def close(self) -> None:
        """Gives the memory back."""
        self._written.release()
        self._memory.close()
        self._crash.close()

    @property
    def descriptor(self) -> int:
        """The file that a worker must keep open."""
        return self._crash.fileno()

    # ------------------------------------------------------------------ the worker's side

    def capture(self) -> None:
        """Has this process's output copied here, and crashes explained here."""
        sys.stdout = self._stream(1)
        sys.stderr = self._stream(2)
        faulthandler.enable(self._crash)
        write_when_asked(self._crash)

    def _stream(self, descriptor: int) -> io.TextIOWrapper:
        raw = _Copying(descriptor, self)
        return io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )

    def begin(self) -> None:
        """Forgets what was printed so far: another job begins."""
        self._written[0] = 0

    def add(self, data: Any) -> None:
        """Keeps the end of what was printed, and of this."""
        written = self._written[0]
        # Only the end of it can be kept, but all of it counts.
        kept = bytes(data[-_SIZE:])
        start = (written + len(data) - len(kept)) % _SIZE
        first = min(len(kept), _SIZE - start)
        self._memory[_CURSOR + start : _CURSOR + start + first] = kept[:first]
        self._memory[_CURSOR : _CURSOR + len(kept) - first] = kept[first:]
        self._written[0] = written + len(data)

    # ------------------------------------------------------------------ the supervisor's side

    def read(self) -> str:
        """Returns the last lines that were printed, and those of a crash."""
        written = self._written[0]
        ring = self._memory[_CURSOR:]
        at = written % _SIZE
        data = ring[at:] + ring[:at] if written > _SIZE else ring[:written]
        # Before it may stand where it was, when it was asked.
        file = self.file()
        at = file.find(_CRASH)
        crash = file[at : at + _SIZE].decode("utf-8", errors="replace") if at >= 0 else ""
        lines = data.decode("utf-8", errors="replace").splitlines()
        # The job's own frames stand before those of the worker that called it.
        lines += itertools.takewhile(lambda line: _HERE not in line, crash.splitlines())
        return "\n".join(lines)

    def file(self) -> bytes:
        """Returns what the worker has written to the file."""
        # Without moving the position, which is the worker's too.
        return os.pread(self.descriptor, _FILE, 0)

    def forget_file(self) -> None:
        """Empties the file."""
        with contextlib.suppress(OSError):
            os.ftruncate(self.descriptor, 0)
            os.lseek(self.descriptor, 0, os.SEEK_SET)


def _nameless_file() -> IO[bytes]:
    try:
        return open(os.memfd_create("gridengine-crash"), "w+b")
    except (AttributeError, OSError):
        # Linux alone has the above; this one takes longer to import than to use.
        import tempfile

        return tempfile.TemporaryFile()


class _Copying(io.RawIOBase):
    """Writes to a descriptor and to an `Output`."""

    def __init__(self, descriptor: int, output: Output) -> None:
        self._descriptor = descriptor
        self._output = output

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        view = memoryview(data)
        written = os.write(self._descriptor, view)
        self._output.add(view[:written])
        return written
