"""What only the operating system can say or do; each with a fallback where only Linux has it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time

from ..transport import proc_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_M_ARENA_MAX = -8

#: More bytes than a control group can be meant to have.
_BEYOND = 1 << 60

#: Numbers of descriptors that are looked at one by one, where the system does not list those that
#: are open: 10 ms.
_LOOKED_AT = 65536


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def adopt_orphans() -> None:
    """Makes this process the parent of whatever its descendants leave behind (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int, signum: int = signal.SIGKILL) -> None:
    """Has the kernel send this process a signal when its parent ends (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        # It ended before the request was made.
        os._exit(1)


def open_process(pid: int) -> int | None:
    """Returns a descriptor that is readable once a process has ended, None if not to be had."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def limit_core_files() -> None:
    """Has a crash of this process, or of its children, leave no image of the memory.

    It is the soft limit: who wants one raises it.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    # A program that takes them all (core_pattern) gets them from Linux with a limit of 0, too, but
    # not with one of a byte; and a file needs more (core(5), fs/coredump.c).
    soft = 1 if _LINUX and hard != 0 else 0
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def tidy_descriptors() -> None:
    """Closes what this process has inherited, and opens what it should have inherited.

    A pipe of the program's that workers hold open would never come to its end. And where one of
    the standard streams is closed, the next file that is opened takes its place: what a job prints
    would go there.
    """
    for descriptor in _numbers_of_descriptors():
        try:
            # Those that this process has opened itself are not.
            if descriptor > 2 and os.get_inheritable(descriptor):
                os.close(descriptor)
        except OSError:
            continue
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest number that is free.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, _stream(descriptor))


def _stream(descriptor: int) -> IO[str]:
    return open(descriptor, "w" if descriptor else "r", encoding="utf-8", closefd=False)


def _numbers_of_descriptors() -> Iterable[int]:
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        # Without /proc. What is open above that is left to whoever opened it.
        return range(min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _LOOKED_AT))


def close_all_but(descriptors: set[int]) -> None:
    """Closes every descriptor of this process but these."""
    low = 0
    for keep in [*sorted(descriptors), resource.getrlimit(resource.RLIMIT_NOFILE)[0]]:
        # CPython 3.11 takes an empty range from 0 on for all there are.
        if low < keep:
            os.closerange(low, keep)
        low = keep + 1


def peak_memory(usage: resource.struct_rusage) -> int:
    """Returns the largest resident memory in bytes; getrusage(2) counts kilobytes on Linux."""
    return usage.ru_maxrss * (1024 if _LINUX else 1)


def memory_limit() -> int:
    """Returns the bytes that a process like this one may have, 0 if not limited.

    Of address space (``h_vmem`` on a Grid Engine, ``ulimit -v``), of data, or of the memory of its
    control group, whichever is least.
    """
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    limits = [limit for limit in limits if limit != resource.RLIM_INFINITY]
    for path in _files_of_own_group("memory.limit_in_bytes", "memory.max"):
        try:
            with open(path, "rb") as file:
                word = file.read().strip()
        except OSError:
            continue
        # Version 1 writes a number beyond all memory for none, version 2 a word.
        if word.isdigit() and int(word) < _BEYOND:
            limits.append(int(word))
    return min(limits, default=0)


def address_space() -> int:
    """Returns the bytes of address space that this process has, 0 if that cannot be told."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def was_kept_from_memory(error: BaseException) -> bool:
    """Tells whether an exception says that there is too little memory, where it is limited."""
    if not isinstance(error, MemoryError):
        return False
    limits = resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_DATA)
    return any(soft != resource.RLIM_INFINITY for soft, _ in limits)


def peak_address_space() -> int:
    """Returns the bytes of address space that this process has had at most, 0 if not to be told."""
    try:
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmPeak:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return 0


def spare_address_space() -> None:
    """Has the C library reserve no address space for each thread where that is limited (glibc).

    It takes 64 MiB for each, though they need some kilobytes: mallopt(3), M_ARENA_MAX.
    """
    if _LINUX and resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def is_over_its_cpu_time(status: int, usage: resource.struct_rusage) -> bool:
    """Tells whether the kernel has killed a process for its processor time.

    It does so, with SIGKILL, where nothing had to be said before (`ulimit -t`, and ``h_cpu``).
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limited = status == -signal.SIGKILL and hard != resource.RLIM_INFINITY
    # For a limit the kernel counts by its ticks, for what was used more exactly: on a busy virtual
    # machine 1.75 s were 2 s.
    return limited and usage.ru_utime + usage.ru_stime > hard - max(0.5, hard / 8)


def oom_kills() -> int:
    """Returns how many processes the kernel has killed for want of memory, 0 if it does not say.

    Of this process's control group where that is counted; otherwise, of the whole machine.
    """
    # Others' on a shared node would be taken for the cause of whatever ends a worker next.
    counters = _files_of_own_group("memory.oom_control", "memory.events")
    for path in (*counters, "/proc/vmstat"):
        try:
            with open(path, "rb") as file:
                for line in file:
                    if line.startswith(b"oom_kill "):
                        return int(line.split()[1])
        except OSError:
            continue
    return 0


def _files_of_own_group(first: str, second: str) -> list[str]:
    """Returns what is called so in this process's control group of version 1, or 2 (cgroups(7))."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            groups = dict(line.rstrip("\n").split(":", 2)[1:] for line in file)
    except (OSError, ValueError):
        return []
    return [
        f"/sys/fs/cgroup{mount}{groups[controller]}/{name}"
        for controller, mount, name in (
            ("memory", "/memory", first),
            ("", "", second),
        )
        if controller in groups
    ]


def kill(pid: int, signum: int) -> None:
    """Sends a process a signal, if it has not ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


def children(pid: int) -> list[int]:
    """Returns the processes whose parent is ``pid``, an empty list if that cannot be told."""
    folder = proc_files.folder(pid)
    if not folder:
        return []
    try:
        with open(f"{folder}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def kill_strays(keep: set[int], patience: float = 2.0) -> None:
    """Kills all children of this process but ``keep``, and what then becomes its child.

    A process that dies hands its own children on to the nearest one that adopts orphans, so
    this ends with none left, however they were started and whatever session they are in.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        strays = [pid for pid in children(os.getpid()) if pid not in keep]
        if not strays:
            return
        for pid in strays:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError, PermissionError):
                continue
