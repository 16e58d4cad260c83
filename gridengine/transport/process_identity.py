"""Which process it is, told by a number that another one gets in time: by its host and its start.

A number alone is no identity. Another host has the same ones; so has a container (a PID namespace),
which may share the host's name and the home directory; a host counts from anew when it is started,
and in another time namespace it does so from another moment;
and a number is given again when its process has ended.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from . import proc_files

#: Where the start of a process stands in /proc/PID/stat behind its name, in ticks since the host's
#: start, and its state: proc_pid_stat(5), fields 22 and 3.
_START = 22 - 3
_STATE = 0


class ProcessIdentity(NamedTuple):
    """A process, as it can be told from all others.

    Attributes:
        host: The host's name.
        boot: The start of the host of which the process is (Linux), else empty.
        namespace: The PID namespace in which it has its number (Linux), and the time namespace in
            which that says when it began, if the kernel has such; else empty.
        pid: Its number.
        start: When it began: on Linux in clock ticks since the host's start, elsewhere in
            milliseconds since 1970; 0 if that cannot be told.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """Returns the identity of a process that is seen from here."""
        return cls(os.uname().nodename, _boot(), _namespaces(), pid, _start_of(pid) or 0)

    @classmethod
    def from_json(cls, noted: object) -> ProcessIdentity:
        """Returns what was noted as the dictionary of an identity's fields.

        Raises:
            ValueError: It is none.
        """
        if not isinstance(noted, dict) or noted.keys() != set(cls._fields):
            raise ValueError(f"{noted!r} does not say which process it is")
        texts = all(isinstance(noted[name], str) for name in ("host", "boot", "namespace"))
        if not texts or not all(type(noted[name]) is int for name in ("pid", "start")):
            raise ValueError(f"{noted!r} does not say which process it is")
        return cls(**noted)

    def lives(self) -> bool | None:
        """Tells whether the process lives, None if that cannot be told from here."""
        if self.unknown_because():
            return None
        start = _start_of(self.pid)
        if start is None:
            return False
        return start == self.start if start and self.start else True

    def unknown_because(self) -> str:
        """Says why it cannot be told from here whether the process lives; empty if it can."""
        host, boot, namespace = os.uname().nodename, _boot(), _namespaces()
        if self.host != host:
            return f"it can be looked at on {self.host} only"
        if self.boot != boot:
            return "this host has been started since, or another one has the same name"
        if self.namespace != namespace:
            which = "time" if self.namespace.split()[:1] == namespace.split()[:1] else "PID"
            return (
                f"it is of another {which} namespace (a container), and can be looked at there only"
            )
        if sys.platform == "linux" and not (boot and namespace):
            return "there is no /proc here, to tell it from one in another PID namespace"
        return ""


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def namespace_of(pid: int | str) -> str:
    """Returns the PID namespace of a process, such as ``pid:[4026531836]``; empty if not told."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _namespaces() -> str:
    """Returns what gives this process's numbers their meaning: its PID and time namespace."""
    number = namespace_of("self")
    try:
        # /proc counts a process's start from another moment there: time_namespaces(7).
        return number and f"{number} {os.readlink('/proc/self/ns/time')}"
    except OSError:
        return number


def _start_of(pid: int) -> int | None:
    """Returns when a process began, 0 if that cannot be told, None if there is none that runs."""
    folder = proc_files.folder(pid)
    try:
        if folder:
            with open(f"{folder}/stat", "rb") as file:
                # The name before it may have any sign in it.
                fields = file.read().rpartition(b")")[2].split()
            # One that has ended, and of which its parent does not know yet, is none.
            return None if fields[_STATE] in b"ZX" else int(fields[_START])
    except (OSError, IndexError):
        # It has ended, or /proc shows nothing of other users' processes (hidepid).
        pass
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        return 0
    return 0 if sys.platform == "linux" else _start_by_psutil(pid)


def _start_by_psutil(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return None if ended else int(process.create_time() * 1000)
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0
