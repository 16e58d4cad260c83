"""What the doctor looks at on this host: its Python, its limits, and whether workers start here."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import psutil

from ..client.map import map as parallel_map
from ..dispatcher.run_folder import new_shared_folder, remove_shared_folder
from ..errors import GridEngineError
from ..schedulers.process import ProcessScheduler, usable_cores
from ..settings import Settings
from ..transport import versions
from .report import Check

_LIBRARIES = ("pyzmq", "msgspec", "dill", "psutil")
_SLOW_PYZMQ = "27.2.0"
_FILES = 256  # descriptors that a program with some dozens of workers needs
_PROCESSES = 64  # that this user should be able to start yet
_ROOM = 64 * 1024**2  # bytes; a container's usual /dev/shm
_LITTLE_MEMORY = 512 * 1024**2
_SLOW_START = 5.0  # seconds; an interpreter on a cold network file system takes some
_NO_LIMIT = 1 << 60  # what control groups say where there is none is above it

#: Places of the limit in a control group, of the second version and of the first.
_MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def checks(settings: Settings) -> Iterator[Callable[[], Check]]:
    """Yields functions of which each looks at one thing; several threads may call them."""
    yield python
    yield packages
    yield cores
    yield memory
    yield limits
    yield temporary_folder
    yield lambda: run_folder(settings)
    yield workers


def python() -> Check:
    """This interpreter."""
    told = f"{versions.python()}, {sys.executable or 'of no known path'}"
    if not sys.executable:
        return Check("python", "failed", told, "start a Python whose sys.executable is its path")
    return Check("python", "ok", told)


def packages() -> Check:
    """The packages that each side needs."""
    found = {"gridengine": versions.gridengine()}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    told = ", ".join(f"{name} {version}" for name, version in found.items())
    if found.get("pyzmq") == _SLOW_PYZMQ:
        advice = f"pyzmq {_SLOW_PYZMQ} encrypts a tenth as fast as others: install another"
        return Check("packages", "warning", told, advice)
    return Check("packages", "ok", told)


def cores() -> Check:
    """The cores that are granted."""
    usable, all_of_them = usable_cores(), os.cpu_count() or 1
    told = f"{usable} of {all_of_them}, load {os.getloadavg()[0]:.1f}"
    return Check("cores", "ok", told)


def memory() -> Check:
    """The memory that may be used: of the host, or of the control group."""
    total, limit = psutil.virtual_memory().total, _limit_of_the_group()
    free = psutil.virtual_memory().available
    told = f"{in_units(free)} free of {in_units(total)}"
    if limit is not None and limit < total:
        told += f"; this control group may use {in_units(limit)}"
        free = min(free, limit)
    if free < _LITTLE_MEMORY:
        return Check("memory", "warning", told, "a worker that imports numpy needs about 50 MB")
    return Check("memory", "ok", told)


def limits() -> Check:
    """What this user may have: processes, and open files."""
    import resource

    files, processes = (
        resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
    )
    own = _processes_of_this_user()
    told = f"{_limit(files)} open files, {_limit(processes)} processes ({own} are running)"
    if 0 <= files < _FILES:
        return Check("limits", "warning", told, f"ulimit -n {_FILES * 4} in the shell")
    # Root is not counted.
    if 0 <= processes < own + _PROCESSES and os.geteuid():
        return Check("limits", "warning", told, "end some processes, or ulimit -u")
    return Check("limits", "ok", told)


def temporary_folder() -> Check:
    """The folder for temporary files, and shared memory."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
        room = shutil.disk_usage(tempfile.gettempdir()).free
    except OSError as error:
        return Check(
            "temporary files", "failed", str(error), "set TMPDIR to a folder that can be written"
        )
    told = f"{tempfile.gettempdir()}, {in_units(room)} free"
    shared = None
    with contextlib.suppress(OSError):
        shared = shutil.disk_usage("/dev/shm").free  # noqa: S108  # only looked at
        told += f"; /dev/shm, {in_units(shared)} free"
    if room < _ROOM:
        return Check("temporary files", "warning", told, "clear it, or set TMPDIR")
    return Check("temporary files", "ok", told)


def run_folder(settings: Settings) -> Check:
    """The folder for keys: private, and to be written."""
    begun = time.monotonic()
    try:
        folder = new_shared_folder(settings.run_dir)
    except GridEngineError as error:
        return Check("run folder", "failed", str(error), "see docs/reference/settings.md: run_dir")
    remove_shared_folder(folder)
    parent = os.path.dirname(folder.path)
    took = time.monotonic() - begun
    told = f"{parent}{_file_system(parent)}, private, written in {took * 1000:.0f} ms"
    return Check("run folder", "ok", told)


def workers() -> Check:
    """Whether workers start on this host, and compute."""
    begun = time.monotonic()
    try:
        with ProcessScheduler(1) as scheduler:
            assert parallel_map(abs, [-7], scheduler=scheduler, progress=False) == [7]
    except Exception as error:
        return Check(
            "workers here", "failed", f"{type(error).__name__}: {error}",
            "python -m gridengine.example shows it, too",
        )  # fmt: skip
    took = time.monotonic() - begun
    told = f"a worker has started, computed and ended in {took:.1f} s"
    if took > _SLOW_START:
        advice = "have Python and its packages on a file system that is quicker to import from"
        return Check("workers here", "warning", told, advice)
    return Check("workers here", "ok", told)


def in_units(size: float) -> str:
    """Returns a number of bytes as people write it."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1024
        units.pop(0)
    unit = units[0]
    return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"


def _limit_of_the_group() -> int | None:
    for path in _MEMORY_LIMITS:
        with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            limit = int(file.read())
            return limit if limit < _NO_LIMIT else None
    return None


def _processes_of_this_user() -> int:
    user, count = os.geteuid(), 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            count += process.uids().effective == user
    return count


def _limit(value: int) -> str:
    return "unlimited" if value < 0 else str(value)


def _file_system(path: str) -> str:
    """Returns the kind of file system on which a path lies, with a comma before it."""
    best = ("", "")
    for each in psutil.disk_partitions(all=True):
        inside = os.path.commonpath([each.mountpoint, os.path.realpath(path)]) == each.mountpoint
        if inside and len(each.mountpoint) >= len(best[0]):
            best = each.mountpoint, each.fstype
    return f" ({best[1]})" if best[1] else ""
