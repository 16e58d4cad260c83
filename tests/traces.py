"""What a process has that a test could leave behind: children, threads, files, dispatchers."""

from __future__ import annotations

import collections
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from gridengine.dispatcher.registry import open_dispatchers
from gridengine.transport.viewer_messages import FOLDER, left_behind, pid_of

#: matplotlib keeps some of these open for each thread that has drawn, up to a limit of its own.
_FONTS = "/mpl-data/fonts/"


class Traces(NamedTuple):
    """What there is at one moment.

    Attributes:
        children: Process ids.
        threads: As `threading.enumerate` has them.
        descriptors: What each is open on, as Linux names it: ``socket:[4711]``.
        doors: Addresses of the sockets that listen.
        names: Paths of what lies in the folders.
        dispatchers: Those that are open, which need not have anything of the above.
    """

    children: frozenset[int]
    threads: frozenset[threading.Thread]
    descriptors: collections.Counter[str]
    doors: frozenset[Any]
    names: frozenset[str]
    dispatchers: frozenset[str]


def look(folders: Sequence[Path]) -> Traces:
    """Returns what this process has, and what lies in these folders."""
    opened = _descriptors()
    doors = {_address(number) for number, at in opened.items() if _is_socket(at)}
    return Traces(
        children=frozenset(_children(os.getpid())),
        threads=frozenset(threading.enumerate()),
        descriptors=collections.Counter(opened.values()),
        doors=frozenset(door for door, listens in doors if listens),
        names=frozenset(f"{folder}/{name}" for folder in folders for name in _names(folder)),
        dispatchers=frozenset(
            # Not themselves: whoever has let go of one is to be rid of it.
            f"{type(each).__name__} {id(each):#x}"
            for each in open_dispatchers()
        ),
    )


def new(before: Traces, now: Traces) -> list[str]:
    """Says what is there now and was not before.

    What a scheduler that was open before does in the meantime is its own: its supervisors, which
    were children before, replace their workers; for these they make sockets, or they connect to
    where it listened before, and they lend memory to it. After a while it can be watched.
    """
    watched = before.dispatchers & now.dispatchers
    pids = now.children - before.children
    threads = now.threads - before.threads
    return [
        *(f"process {pid} ({_command(pid)})" for pid in sorted(pids)),
        *(f"thread {thread.name}" for thread in threads if thread.is_alive()),
        *_new_descriptors(before, now),
        *sorted(
            name
            for name in now.names - before.names
            if not (_is_for_viewers(name) and (watched or _is_of_others(name, before.children)))
        ),
        *sorted(now.dispatchers - before.dispatchers),
    ]


def _new_descriptors(before: Traces, now: Traces) -> Iterator[str]:
    surplus = now.descriptors - before.descriptors
    if not surplus:
        return
    watched = len(before.dispatchers & now.dispatchers)
    family = before.children.union(*map(_descendants, before.children))
    lent = {at for pid in family for at in _memory_of(pid)}
    for number, at in _descriptors().items():
        if _FONTS in at:
            continue
        if not surplus[at] or at in lent or _is_connection(number, at, before.doors, family):
            continue
        surplus[at] -= 1
        if watched and _is_socket(at) and _is_for_viewers(str(_address(number)[0])):
            watched -= 1
            continue
        yield f"descriptor {number} on {at}"


def _descriptors(pid: int | str = "self") -> dict[int, str]:
    folder, found = f"/proc/{pid}/fd", {}
    for number in map(int, _names(Path(folder))):
        # The listing's own is gone by now.
        with contextlib.suppress(OSError):
            at = os.readlink(f"{folder}/{number}")
            if _is_memory(at):
                # All have the same name.
                at += f" {os.stat(f'{folder}/{number}').st_ino}"
            found[number] = at
    # The standard streams are pytest's to change.
    return {number: at for number, at in found.items() if number > 2}


def _is_memory(at: str) -> bool:
    return at.startswith("/memfd:")


def _memory_of(pid: int) -> set[str]:
    """Returns the memory without a name that a process has open."""
    return {at for at in _descriptors(pid).values() if _is_memory(at)}


def _is_socket(at: str) -> bool:
    return at.startswith("socket:")


def _is_connection(number: int, at: str, doors: frozenset[Any], family: Set[int]) -> bool:
    if not _is_socket(at):
        return False
    address, listens = _address(number)
    return not listens and (address in doors or _maker_of(number) in family)


def _is_for_viewers(path: str) -> bool:
    return FOLDER in path.split("/")


def _is_of_others(folder: str, programs: Set[int]) -> bool:
    """True if there are sockets only of programs that go on, or that tests have killed.

    Of the latter they are for others to remove.
    """
    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        killed = set(left_behind(place, folder))
        others = {f"{folder}/{name}" for name in os.listdir(place)} - killed
        return all(pid_of(path) in programs for path in others)
    finally:
        os.close(place)


def _maker_of(number: int) -> int | None:
    """Returns who has made the pair to which a socket belongs (unix(7)), None if it is of none."""
    try:
        with socket.socket(fileno=os.dup(number)) as copy:
            made_by = copy.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return int.from_bytes(made_by[:4], sys.byteorder) or None
    except (OSError, AttributeError):  # Linux alone has it.
        return None


def _address(number: int) -> tuple[Any, bool]:
    """Returns a socket's own address, which its connections share, and whether it listens."""
    try:
        with socket.socket(fileno=os.dup(number)) as copy:
            address = copy.getsockname()
            # Of one that listens on all addresses, each connection has its own.
            place = address[1] if isinstance(address, tuple) else address
            return place, bool(copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return None, False


def _children(pid: int) -> set[int]:
    if sys.platform != "linux":
        return {child.pid for child in psutil.Process(pid).children()}
    # psutil looks at every process of the machine, which takes longer than most tests.
    found: set[int] = set()
    for task in _names(Path(f"/proc/{pid}/task")):
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
            found.update(map(int, children))
    return found


def _descendants(pid: int) -> set[int]:
    children = _children(pid)
    return children.union(*map(_descendants, children))


def _command(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())[:200]
    except psutil.Error:
        return "ended"


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
