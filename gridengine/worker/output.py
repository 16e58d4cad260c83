"""What a job prints: pipes that its worker and the supervisor read, and the report of a crash.

Descriptors 1 and 2 of a worker are pipes, so that what C code and other processes print is in them
too. The supervisor reads them while a call runs, whatever that does to the worker; at the end of a
call the worker itself reads what is left, and sends it with the result. Each byte is read by one of
them, which sends it. A chunk's bytes are counted, so that the program can put them in order::

    supervisor: take()                          worker: end()
      lock                                        nothing in the pipes, and READS as last seen?
      READS += 1                                  then nothing was printed
      read, count                                 lock
      whose calls? (the progress page)            read the rest, count, begin again at 0
      unlock                                      unlock

If the supervisor reads when the worker looks, READS has changed, and the worker waits for it: so it
begins nothing new as long as somebody reads what its last call has printed.

The traceback that `faulthandler` writes for a crash goes to a file, to which a worker also writes
where it is when it is asked.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import io
import itertools
import mmap
import os
import select
import sys

from ..transport.output_messages import PIECE_LENGTH, Piece
from .stack_dump import write_when_asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, Any

#: Numbers in shared memory: how often the supervisor has read, and how many bytes of each stream
#: were read since the current chunk began.
_READS, _COUNTS = 0, 1
_WORDS = 3

_HERE = os.path.dirname(os.path.abspath(__file__))

#: Bytes that a pipe holds through which much comes.
_LARGE = 1 << 20

#: Pieces of a stream that are read at a time, at most: a large pipe, and some.
_PIECES = _LARGE // PIECE_LENGTH + 1

#: How the report of a crash begins.
_CRASH = b"Fatal Python error"

#: Bytes of the file that are looked at, and of the report in it that are passed on, at most.
_FILE, _REPORT = 1 << 18, 4096

#: `setvbuf`: a line at a time.
_IOLBF = 1

_LONG = 1e-4


class Output:
    """What a worker prints, in pipes and memory that it shares with its supervisor.

    Attributes:
        wrote: Whether Python code may have printed anything since the last `end`.
        begun: Whether some of what the current chunk has printed is on its way.
        long: Seconds that a call takes after which it is worth a look, of some µs, whether it has
            printed anything past Python's own streams. After shorter ones a worker looks when it
            sends results.
        quiet: Whether what is printed goes nowhere.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._words = memoryview(self._memory).cast("Q")
        with contextlib.ExitStack() as undo:
            undo.callback(self._let_go_of_memory)
            self._crash = _nameless_file()
            undo.callback(self._crash.close)
            self._ends: list[int] = []
            undo.callback(self._close_pipes)
            for _ in range(2):
                self._ends += os.pipe()
            undo.pop_all()
        for end in self.read_ends:
            os.set_blocking(end, False)
        self._null = -1
        self._enlarged = [False, False]
        self._seen = 0
        self.wrote = self.begun = self.quiet = False
        self.long = _LONG

    def close(self) -> None:
        """Lets go of it."""
        self._let_go_of_memory()
        self._crash.close()
        self._close_pipes()

    def _let_go_of_memory(self) -> None:
        self._words.release()
        self._memory.close()

    def _close_pipes(self) -> None:
        for end in self._ends:
            if end >= 0:
                os.close(end)
        self._ends = []

    @property
    def descriptor(self) -> int:
        """The file that a worker must keep open."""
        return self._crash.fileno()

    @property
    def descriptors(self) -> set[int]:
        """All that a worker must keep open."""
        return {self.descriptor, *self._ends}

    @property
    def read_ends(self) -> tuple[int, int]:
        """Where standard output and standard error are read."""
        return self._ends[0], self._ends[2]

    def is_shared(self) -> None:
        """Notes, in the supervisor, that the worker has its copy of this."""
        for place in (1, 3):
            os.close(self._ends[place])
            self._ends[place] = -1

    # ------------------------------------------------------------------ the worker's side

    def capture(self) -> None:
        """Has this process print here, and crashes explained here."""
        self._poll = select.poll()
        for end in self.read_ends:
            self._poll.register(end, select.POLLIN)
        self._point(self._ends[1], self._ends[3])
        sys.stdout, sys.stderr = _Stream(1, self), _Stream(2, self)
        self._flush_c = _line_buffered_c()
        faulthandler.enable(self._crash)
        write_when_asked(self._crash)

    def be_quiet(self, quiet: bool) -> None:
        """Has what is printed from now on go nowhere, or here again."""
        self._flush()
        self.quiet = quiet
        if quiet and self._null < 0:
            self._null = os.open(os.devnull, os.O_WRONLY)
        if quiet:
            self._point(self._null, self._null)
        else:
            self._point(self._ends[1], self._ends[3])

    def _point(self, out: int, err: int) -> None:
        os.dup2(out, 1)
        os.dup2(err, 2)

    def end(self, *, over: bool = True) -> list[Piece]:
        """Returns what was printed since the last time, as far as the supervisor has not read it.

        What it has read shows in where the pieces start. Without any, nothing was printed.

        Args:
            over: Whether what is printed next is another chunk's.
        """
        if self.quiet:
            self.wrote = False
            return []
        self._flush()
        wrote, self.wrote = self.wrote, False
        pieces: list[Piece] = []
        if not (self._poll.poll(0) or self.begun or self._words[_READS] != self._seen):
            return pieces
        # Whatever the job has done to the descriptors.
        with contextlib.suppress(OSError), self._locked():
            pieces = self._read(whole=True)
            self._seen = self._words[_READS]
            if over:
                self._words[_COUNTS] = self._words[_COUNTS + 1] = 0
        self.begun = not over and (self.begun or bool(pieces))
        if pieces and not wrote:
            # Past Python's own streams: so may the calls that follow.
            self.long = 0.0
        return pieces

    def _flush(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            # Not `contextlib.suppress`: it costs more than the flush, before every answer.
            try:  # noqa: SIM105
                stream.flush()
            # Closed, or replaced, by the job: its output is its own affair.
            except Exception:  # noqa: S110
                pass
        self._flush_c(None)

    # ------------------------------------------------------------------ either side

    @contextlib.contextmanager
    def _locked(self, wait: bool = True) -> Iterator[None]:
        """Keeps the other process from reading.

        The system lets go of it when this one is killed.

        Raises:
            BlockingIOError: The other one reads just now.
        """
        fcntl.lockf(self._crash, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        try:
            yield
        finally:
            fcntl.lockf(self._crash, fcntl.LOCK_UN)

    def _read(self, *, whole: bool) -> list[Piece]:
        """Reads what is there, and returns it; with ``whole``, also where a stream stands."""
        pieces = []
        for stream, end in enumerate(self.read_ends):
            start = self._words[_COUNTS + stream]
            for number in range(_PIECES):
                try:
                    data = os.read(end, PIECE_LENGTH)
                except BlockingIOError:
                    data = b""
                if data or (whole and start and not number):
                    pieces.append(Piece(bool(stream), start, data))
                    start += len(data)
                    self._words[_COUNTS + stream] = start
                if len(data) < PIECE_LENGTH:
                    break
                self._enlarge(stream)
        return pieces

    def _enlarge(self, stream: int) -> None:
        """Makes a pipe hold more, which has been full: whoever reads it has other things to do."""
        if not self._enlarged[stream]:
            self._enlarged[stream] = True
            # Linux alone lets it be done, and as long as the user has not too many of them.
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(self.read_ends[stream], fcntl.F_SETPIPE_SZ, _LARGE)

    # ------------------------------------------------------------------ the supervisor's side

    def take(self, place: Callable[[], tuple[int, int]]) -> tuple[list[Piece], tuple[int, int]]:
        """Returns what was printed and not read yet, and at which calls the worker is.

        Args:
            place: Says where the worker is.

        Raises:
            BlockingIOError: The worker reads it itself.
        """
        with self._locked(wait=False):
            self._words[_READS] += 1
            pieces = self._read(whole=False)
            # Not before: if it has gone on meanwhile, nothing was left of the call before.
            return pieces, place()

    def counted(self) -> tuple[int, int]:
        """Returns how many bytes of each stream were read since the current chunk began."""
        return self._words[_COUNTS], self._words[_COUNTS + 1]

    def crash_report(self) -> list[str]:
        """Returns the lines that `faulthandler` has written, without the worker's own frames."""
        # Before it may stand where it was, when it was asked.
        file = self.file()
        at = file.find(_CRASH)
        crash = file[at : at + _REPORT].decode("utf-8", errors="replace") if at >= 0 else ""
        # The job's own frames stand before those of the worker that called it.
        return list(itertools.takewhile(lambda line: _HERE not in line, crash.splitlines()))

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


class _Stream(io.TextIOWrapper):
    """Standard output or error of a worker, which notes that something was printed."""

    def __init__(self, descriptor: int, output: Output) -> None:
        super().__init__(
            io.BufferedWriter(io.FileIO(descriptor, "wb", closefd=False)),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        self._output = output

    def write(self, text: str, /) -> int:
        self._output.wrote = True
        return super().write(text)


def _line_buffered_c() -> Callable[[Any], object]:
    """Has C code print a line at a time, and returns what flushes the rest."""
    try:
        library = ctypes.CDLL(None)
        for name in ("stdout", "__stdoutp"):
            with contextlib.suppress(ValueError):
                stream = ctypes.c_void_p.in_dll(library, name)
                library.setvbuf(stream, None, _IOLBF, 0)
        flush = library.fflush
        flush.argtypes = [ctypes.c_void_p]
        made: Callable[[Any], object] = flush
        return made
    except (OSError, AttributeError):
        return lambda _: None
