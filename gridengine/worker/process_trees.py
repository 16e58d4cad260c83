"""What a process and all that it has started use, as the kernel counts it (Linux).

Two files are read of each process: ``stat`` has its processor time and its memory, ``children``
who its own children are. They stay open from one look to the next, which takes a third of the time
of opening them, and can never be about another process that has got the same number.
"""

from __future__ import annotations

import contextlib
import os
import resource
from typing import NamedTuple

from ..transport import proc_files

#: Bytes of a file that are read: a line of numbers, or the children of one thread.
_STAT, _CHILDREN = 1024, 65536

#: Where the numbers stand behind the name of the command (proc_pid_stat(5)).
_STATE, _UTIME, _CSTIME, _THREADS, _RSS = 0, 11, 14, 17, 21

#: Processes of a tree that are looked at, at most, and how deep: somebody may fork for ever.
_MOST, _DEPTH = 1000, 20

#: Seconds between two looks for children that other threads than the main one have started. Most
#: processes have none, and to list the threads takes as long as all else.
_THREADS_EVERY = 5.0

#: Processes whose files stay open, at most: two descriptors each.
_KEPT = 512

#: The states of a process that is stopped, by a signal or by a debugger.
_STOPPED = (b"T", b"t")

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = resource.getpagesize()


class TreeUse(NamedTuple):
    """What a process and its descendants use.

    Attributes:
        cpu: Seconds of processor time so far, with that of the children that have been waited for.
        rss: Bytes that are resident; pages that they share count for each.
        pids: Who they are.
        stopped: Whether the first of them is stopped, by a signal or by somebody who debugs it.
    """

    cpu: float
    rss: int
    pids: tuple[int, ...]
    stopped: bool


class _Process:
    """One process, with its files as long as they may stay open."""

    __slots__ = (
        "_children",
        "_facts",
        "_has_threads",
        "_line",
        "_others",
        "_others_due",
        "_stat",
        "pid",
    )

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._children = -1
        self._stat = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        self._others: list[int] = []
        self._others_due = 0.0
        self._line = b""
        self._facts = b"", 0, 0
        self._has_threads = False
        try:
            path = f"/proc/{pid}/task/{pid}/children"
            self._children = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            # A kernel without that file, or it has just ended.
            pass
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        for descriptor in (self._stat, self._children):
            if descriptor >= 0:
                os.close(descriptor)
        self._stat = self._children = -1

    def look(self, now: float) -> tuple[bytes, int, int, list[int]]:
        """Returns its state, its ticks of processor time, its pages of memory, and its children.

        Raises:
            OSError: It has ended.
        """
        line = os.pread(self._stat, _STAT, 0)
        # One that has done nothing since says the same: to take that apart is half of all work.
        if line != self._line:
            self._line = line
            # The name of the command may hold anything.
            words = line[line.rindex(b")") + 2 :].split(None, _RSS + 1)
            ticks = sum(map(int, words[_UTIME : _CSTIME + 1]))
            self._facts = words[_STATE], ticks, int(words[_RSS])
            self._has_threads = words[_THREADS] != b"1"
        children = os.pread(self._children, _CHILDREN, 0) if self._children >= 0 else b""
        found = [int(word) for word in children.split()] if children else []
        if self._has_threads:
            if now >= self._others_due:
                self._others_due = now + _THREADS_EVERY
                self._others = _children_of_other_threads(self.pid)
            found += self._others
        return *self._facts, found


class OpenFiles:
    """How many more processes may have their files kept open: workers need descriptors, too."""

    def __init__(self) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        unlimited = soft == resource.RLIM_INFINITY
        self.left = _KEPT if unlimited else min(_KEPT, soft // 8)


class ProcessTree:
    """A process and what it has started, looked at again and again.

    Args:
        pid: The first of them, a child of this process that has not been waited for.
        files: How many may be kept open.
    """

    def __init__(self, pid: int, files: OpenFiles) -> None:
        self._root = pid
        self._files = files
        self._kept: dict[int, _Process] = {}
        self._readable = bool(proc_files.folder(pid))
        # Processor time that no process has any more, for nobody has waited for those that had it.
        self._lost = self._total = 0
        self._was_less = False

    def look(self, now: float) -> TreeUse | None:
        """Returns what they use, None where that is not to be had.

        Args:
            now: On the monotonic clock.
        """
        if not self._readable:
            return None
        ticks = pages = 0
        stopped = False
        seen: dict[int, _Process] = {}
        level = [self._root]
        for _ in range(_DEPTH):
            below: list[int] = []
            for pid in level:
                if pid in seen or len(seen) >= _MOST:
                    continue
                facts = self._look_at(pid, seen, now)
                if facts is None:
                    continue
                state, its_ticks, its_pages, children = facts
                ticks += its_ticks
                pages += its_pages
                below += children
                if pid == self._root:
                    stopped = state in _STOPPED
            if not below:
                break
            level = below
        self._keep(seen)
        if self._root not in seen:
            return None
        return TreeUse(self._grown(ticks) / _TICKS, pages * _PAGE, tuple(seen), stopped)

    def _look_at(
        self, pid: int, seen: dict[int, _Process], now: float
    ) -> tuple[bytes, int, int, list[int]] | None:
        """Returns what is told of a process; None if it has ended since its parent was read."""
        process = self._kept.get(pid)
        try:
            if process is None:
                process = _Process(pid)
            facts = process.look(now)
        except (OSError, ValueError, IndexError):
            if process is not None and pid not in self._kept:
                process.close()
            return None
        seen[pid] = process
        return facts

    def _grown(self, ticks: int) -> int:
        """Returns the ticks so far, which never become fewer."""
        total = ticks + self._lost
        less = total < self._total
        if less and self._was_less:
            self._lost += self._total - total
        # Once is no loss: a child has ended, and its parent, which has its time by now, was read
        # before that.
        self._was_less = less and not self._was_less
        self._total = max(self._total, total)
        return self._total

    def _keep(self, seen: dict[int, _Process]) -> None:
        """Keeps the files of these open, as far as there may be so many, and closes all others."""
        for pid in self._kept.keys() - seen.keys():
            self._kept.pop(pid).close()
            self._files.left += 1
        if len(seen) == len(self._kept):
            return
        for pid, process in seen.items():
            if pid in self._kept:
                continue
            if self._files.left > 0:
                self._files.left -= 1
                self._kept[pid] = process
            else:
                process.close()

    def close(self) -> None:
        """Closes what it has open."""
        self._keep({})


def _children_of_other_threads(pid: int) -> list[int]:
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        if int(thread) == pid:
            continue
        # It may have ended since.
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as f:
            found += map(int, f.read().split())
    return found
