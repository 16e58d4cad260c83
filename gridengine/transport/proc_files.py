"""The kernel's files about processes, where they are about the processes that are seen here."""

from __future__ import annotations

import os


def folder(pid: int) -> str:
    """Returns the folder in which Linux tells about a process, empty if there is none.

    In a PID namespace that has no /proc of its own (``unshare --pid``, some sandboxes) the files
    there are about other processes, which happen to have the same numbers.
    """
    try:
        ours = os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return ""
    return f"/proc/{pid}" if ours else ""
