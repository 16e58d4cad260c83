"""What the kernel tells about a process, for people who look for what it waits for (Linux)."""

from __future__ import annotations

import os

from ..transport import proc_files
from .os_support import children

#: Child processes that are named, and characters of the command of each, at most.
_NAMED = 10
_COMMAND = 200


def state(pid: int) -> str:
    """Returns the state of a process, such as ``S (sleeping)``, empty if that cannot be told."""
    return _status(pid).get("State", "")


def catches(pid: int, signum: int) -> bool:
    """Tells whether a process has a handler for a signal; True if that cannot be told."""
    caught = _status(pid).get("SigCgt", "")
    return not caught or bool(int(caught, 16) >> (signum - 1) & 1)


def blocks(pid: int, signum: int) -> bool:
    """Tells whether the main thread of a process lets a signal wait."""
    return bool(int(_status(pid).get("SigBlk", "0"), 16) >> (signum - 1) & 1)


def has_open(pid: int, descriptor: int) -> bool:
    """Tells whether a process has under this number what this one has; True if it may be."""
    folder = proc_files.folder(pid)
    if not folder:
        return True
    try:
        return os.path.samestat(os.stat(f"{folder}/fd/{descriptor}"), os.fstat(descriptor))
    except FileNotFoundError:
        return False
    except OSError:
        return True


def processor_time(pid: int) -> float | None:
    """Returns the seconds that the main thread of a process has run, None if not to be told."""
    words = _read(pid, f"task/{pid}/schedstat").split()
    return int(words[0]) / 1e9 if words and words[0].isdigit() else None


def waits_in(pid: int) -> str:
    """Returns the function of the kernel that a process waits in, empty if that is not told."""
    name = _read(pid, "wchan")
    return "" if name == "0" else name


def described_children(pid: int) -> list[str]:
    """Returns a line for each child of a process: its number, state and command."""
    described = []
    for child in children(pid)[:_NAMED]:
        command = " ".join(_read(child, "cmdline").split("\0")).strip()
        described.append(f"{child} {state(child)} {command[:_COMMAND]}".rstrip())
    return described


def _status(pid: int) -> dict[str, str]:
    lines = (line.partition(":") for line in _read(pid, "status").splitlines())
    return {name: value.strip() for name, _, value in lines}


def _read(pid: int, name: str) -> str:
    folder = proc_files.folder(pid)
    if not folder:
        return ""
    try:
        with open(f"{folder}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
