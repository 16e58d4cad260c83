"""A file of all that a dispatcher tells, for reports after the run.

::

    dispatcher's thread                  the log's thread
      events ──▶ a list, with times ──▶ encoded and packed, each second ──▶ file

The file is a line of JSON that says whose it is, and blocks: four bytes with the length, and as
many of zlib's, which hold what `encoding.encode` returns. Of a program that was killed the last
second is missing.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import json
import os
import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import msgspec

from ..errors import GridEngineError
from ..ledger.events import DispatcherEvent
from ..logs import Log
from ..transport import private_files
from . import encoding
from .encoding import TimedEvent

log = Log(__name__)

FORMAT = "gridengine-events-1"
SUFFIX = ".events"

#: Seconds between two blocks: what is lost when the program is killed.
_SECONDS = 1.0

#: Logs of this many runs are kept in a folder.
_KEPT = 100

#: Of zlib's levels the fastest one takes less time than to make the events.
_LEVEL = 1

_LENGTH = struct.Struct(">I")

#: Bytes of a block at most, packed or not: what says more is damaged.
_LONGEST = 1 << 30

_READ = "what stands before that place was read"


class Header(NamedTuple):
    """Whose a log is.

    Attributes:
        program: Its command line.
        host: Where it ran.
        pid: Its process id there.
        scheduler: What ran its jobs, as text.
        began: When the log began, in seconds since 1970.
        cores: How many its scheduler could have at one time.
        slots: Cores of each worker.
    """

    program: str
    host: str
    pid: int
    scheduler: str
    began: float
    cores: int
    slots: int = 1


class EventLog:
    """Writes one; an observer.

    Args:
        folder: Where it is written, under a name of its own; made if need be.
        scheduler: As of `Header`.
        cores: As of `Header`.
        slots: As of `Header`.

    Attributes:
        path: The file.

    Raises:
        GridEngineError: It cannot be written there, or others could.
    """

    def __init__(self, folder: str, scheduler: str, cores: int, slots: int = 1) -> None:
        began = time.time()
        header = Header(
            " ".join(sys.orig_argv),
            os.uname().nodename,
            os.getpid(),
            scheduler,
            began,
            cores,
            slots,
        )
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(began))
        name = f"{stamp}-{header.host}-{header.pid}-{os.urandom(2).hex()}{SUFFIX}"
        self.path = os.path.join(folder, name)
        try:
            private_files.make_folder(folder)
            _keep_newest(folder)
            self._file = _new_file(self.path)
            # Whoever looks at it now, or after a kill, sees what it is.
            self._file.write(json.dumps({"format": FORMAT, **header._asdict()}).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise GridEngineError(
                f"no log of events can be written: {error} (GRIDENGINE_EVENT_LOG)"
            ) from None
        self._told: collections.deque[TimedEvent] = collections.deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gridengine-event-log", daemon=True)
        self._thread.start()
        # A thread that writes when the interpreter ends could end it with an error.
        atexit.register(self.close)

    def __call__(self, event: DispatcherEvent) -> None:
        """Takes in what has happened."""
        self._told.append((time.time(), event))

    def close(self) -> None:
        """Writes what is left, and waits for that. Idempotent."""
        self._over.set()
        self._thread.join()
        atexit.unregister(self.close)

    def _run(self) -> None:
        try:
            with self._file:
                while not self._over.wait(_SECONDS):
                    self._write()
                self._write()
        except OSError as error:
            log.warning("the log of events %s ends here: %s", self.path, error)
            # What is told from now on is not kept either.
            self._told = collections.deque(maxlen=0)

    def _write(self) -> None:
        # The dispatcher's thread goes on with it meanwhile.
        told = [self._told.popleft() for _ in range(len(self._told))]
        if told:
            block = zlib.compress(encoding.encode(told), _LEVEL)
            self._file.write(_LENGTH.pack(len(block)) + block)
            self._file.flush()


def header_of(path: str) -> Header:
    """Returns whose a log is.

    Raises:
        GridEngineError: It is no log of events, or one of a version that this one cannot read.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        return _read_header(file, path)


def read(path: str) -> Iterator[TimedEvent]:
    """Yields the events of a log with their times, in their order.

    Of a program that runs, or was killed, it ends early.

    Raises:
        GridEngineError: It is no log of events, or one of a version that this one cannot read; or
            it is damaged behind the events that were yielded.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        _read_header(file, path)
        while len(length := file.read(_LENGTH.size)) == _LENGTH.size:
            (expected,) = _LENGTH.unpack(length)
            if expected > _LONGEST:
                raise GridEngineError(f"the log of events {path} is damaged: {_READ}")
            block = file.read(expected)
            if len(block) < expected:
                # Its program was killed as it wrote this.
                return
            try:
                yield from encoding.decode(_unpacked(block))
            except (ValueError, zlib.error):
                raise GridEngineError(f"the log of events {path} is damaged: {_READ}") from None


def folder_of(run_dir: str) -> str:
    """Returns where logs lie; ``run_dir`` is as `gridengine.settings.Settings.run_dir`."""
    return os.path.join(private_files.run_folder(run_dir), "events")


def newest_first(folder: str) -> list[str]:
    """Returns the logs in a folder, none if there is no such folder."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(SUFFIX)]
    except FileNotFoundError:
        return []
    # Their names begin with the time.
    return [os.path.join(folder, name) for name in sorted(names, reverse=True)]


def _read_header(file: BinaryIO, path: str) -> Header:
    try:
        told: dict[str, Any] = json.loads(file.readline(65536))
        if told["format"] != FORMAT:
            raise ValueError
        fields = {field: told[field] for field in Header._fields if field in told}
        return msgspec.convert(tuple(Header(**fields)), Header)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise GridEngineError(f"{path} is no log of events of this version") from None


def _unpacked(block: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(block, _LONGEST)
    if not unpacker.eof:
        raise ValueError("it is longer than any block")
    return data


def _keep_newest(folder: str) -> None:
    for path in newest_first(folder)[_KEPT - 1 :]:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _new_file(path: str) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")
