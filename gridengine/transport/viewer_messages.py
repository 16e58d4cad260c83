"""What a program and those who watch it say to each other, over a socket on one host.

::

    program                                       viewer (gridengine status, top, dashboard)
       │ ◀──────────── connects ─────────────────── │   the socket is its owner's alone
       │ ── ProgramFacts ─────────────────────────▶ │   whose program it is
       │ ── Events ───────────────────────────────▶ │   what is there; then what happens
       │ ◀───────────────────────────── Question ── │   a job's stack, output, end
       │ ── QuestionAnswered ─────────────────────▶ │
       │ ── (closes) ─────────────────────────────▶ │   the program's scheduler is closed

Each message is four bytes with its length, and a msgpack array. Nothing is unpickled on either
side.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from typing import Any, Literal

import msgspec
from msgspec import Struct

FOLDER = "programs"
"""Where the sockets of programs lie, in the folder of `gridengine.settings.Settings.run_dir`."""

SUFFIX = ".socket"

_LENGTH = struct.Struct(">I")

#: A message that is longer is none of ours: to a viewer, and to a program, which is only asked.
_LONGEST, _LONGEST_QUESTION = 256 * 1024 * 1024, 4096

#: The longest path of a socket: unix(7); 104 on BSD.
_PATH = 100

_CREDENTIALS = struct.Struct("iII")


class ProgramFacts(Struct, tag="facts", array_like=True, frozen=True):
    """A program's first word.

    Attributes:
        version: Of gridengine.
        program: Its command line.
        cwd: Its working directory.
        host: Where it runs.
        pid: Its process id there.
        began: When its scheduler was opened, in seconds since 1970.
        scheduler: What runs its jobs, as text.
        workers: How many there may be at one time.
    """

    version: str
    program: str
    cwd: str
    host: str
    pid: int
    began: float
    scheduler: str
    workers: int


class Events(Struct, tag="events", array_like=True, frozen=True):
    """What has happened, as `gridengine.observers.encoding` has it."""

    encoded: bytes


class Question(Struct, tag="question", array_like=True, frozen=True):
    """What a viewer wants of a job; each number is answered once."""

    number: int
    what: Literal["stack", "output", "end"]
    task: int


class QuestionAnswered(Struct, tag="answer", array_like=True, frozen=True):
    """The answer, or with ``ok`` False why there is none."""

    number: int
    ok: bool
    text: str


_to_viewer: Any = msgspec.msgpack.Decoder(ProgramFacts | Events | QuestionAnswered)
_to_program = msgspec.msgpack.Decoder(Question)
_encoder = msgspec.msgpack.Encoder()


class ViewerConnection:
    """One end of it.

    Args:
        end: The socket, connected; blocking, with its timeout.
        to_viewer: Whether this is the viewer's end.
    """

    def __init__(self, end: socket.socket, *, to_viewer: bool) -> None:
        self._socket = end
        self._decoder: Any = _to_viewer if to_viewer else _to_program
        self._longest = _LONGEST if to_viewer else _LONGEST_QUESTION
        self._unread = bytearray()

    def fileno(self) -> int:
        """Returns the descriptor to wait for."""
        return self._socket.fileno()

    def send(self, message: Struct) -> None:
        """Sends a message.

        Raises:
            OSError: The other end is gone, or takes nothing.
        """
        data = _encoder.encode(message)
        self._socket.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self) -> list[Any]:
        """Waits for something, and returns the messages that are complete by that.

        Raises:
            EOFError: The other end has closed.
            OSError: The connection is broken, or nothing has come in the socket's time.
            ValueError: What came is no message.
        """
        read = self._socket.recv(1 << 20)
        if not read:
            raise EOFError
        self._unread += read
        found = []
        while len(self._unread) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._unread)
            if length > self._longest:
                raise ValueError("a message that is too long")
            end = _LENGTH.size + length
            if len(self._unread) < end:
                break
            try:
                found.append(self._decoder.decode(self._unread[_LENGTH.size : end]))
            except RecursionError:
                raise ValueError("a message that is too deep") from None
            del self._unread[:end]
        return found

    def hear_no_more(self) -> None:
        """Has whoever waits for something to read know that there will be nothing."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def hang_up(self) -> None:
        """Has whoever sends or receives in another thread fail at once."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes it."""
        self._socket.close()


def bind(place: int, path: str) -> socket.socket:
    """Returns a socket that listens under a name in a private folder.

    Args:
        place: A descriptor of the folder.
        path: The name, with the folder's.

    Raises:
        OSError: There cannot be one.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Under its name it answers from the first moment: who found one that does not would take it
    # for that of a program that was killed, and remove it.
    unfinished = path.removesuffix(SUFFIX)
    try:
        listening.bind(_short(place, unfinished))
        os.chmod(unfinished, 0o600)
        listening.listen(8)
        listening.setblocking(False)
        os.rename(unfinished, path)
    except BaseException:
        listening.close()
        remove(unfinished)
        raise
    return listening


def connect(place: int, path: str, timeout: float) -> socket.socket:
    """Returns a socket that is connected to one of a name in a private folder.

    Args:
        place: A descriptor of the folder.
        path: The name, with the folder's.
        timeout: Seconds to wait for anything of it.

    Raises:
        OSError: Nobody listens there, or it is somebody else.
    """
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(timeout)
        connected.connect(_short(place, path))
        check_owner(connected)
    except BaseException:
        connected.close()
        raise
    return connected


def check_owner(connected: socket.socket) -> None:
    """Makes sure that the other end is a process of this user.

    Raises:
        PermissionError: It is not.
    """
    if sys.platform != "linux":
        # Nobody else gets into the folder.
        return
    told = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(told)
    if user != os.geteuid():
        raise PermissionError(f"the other end of a program's socket is user {user}")


def name_of_socket() -> str:
    """Returns a new name for a socket of this program, which says whose it is."""
    return f"{os.uname().nodename}-{os.getpid()}-{os.urandom(3).hex()}{SUFFIX}"


def pid_of(path: str) -> int:
    """Returns the process id of the program whose socket has this path.

    It is 0 if the path is none of a socket, or that of a program on another host: a home directory
    is that of other hosts too.
    """
    return _pid_in(path) if path.endswith(SUFFIX) else 0


def left_behind(place: int, folder: str) -> list[str]:
    """Returns the sockets of programs of this host that were killed, and could not remove them.

    Those that they had not finished are among them. No program that lives is disturbed by that.

    Args:
        place: A descriptor of the folder of sockets.
        folder: The same.
    """
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(place))]
    return [path for path in paths if _is_gone(_pid_in(path)) and not _answers(place, path)]


def _pid_in(path: str) -> int:
    # Also of one that has not its last name yet.
    host, *rest = os.path.basename(path).removesuffix(SUFFIX).rsplit("-", 2)
    is_ours = len(rest) == 2 and rest[0].isdecimal() and host == os.uname().nodename
    return int(rest[0]) if is_ours else 0


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False


def _answers(place: int, path: str) -> bool:
    # The number of a program in another PID namespace (a container) is none of a process here.
    try:
        connect(place, path, 1.0).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        pass
    return True


def remove(path: str) -> None:
    """Removes the name of a socket, if it is there, and the folder with the last one."""
    with contextlib.suppress(OSError):
        os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(path))


def _short(place: int, path: str) -> str:
    # Home directories may have long names, and a socket's must be short.
    if len(os.fsencode(path)) <= _PATH or sys.platform != "linux":
        return path
    return f"/proc/self/fd/{place}/{os.path.basename(path)}"
