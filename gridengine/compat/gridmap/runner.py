"""What a process uses, as GridMap's module of this name says it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

#: Seconds over which the load is measured.
_LOOK = 0.1


def get_memory_usage(pid: int, heart_pid: int) -> float:
    """Returns the resident memory of a process and all that it has started, in megabytes.

    Args:
        pid: The process.
        heart_pid: One that does not count, nor what it has started; -1 for none.
    """
    return sum(_resident(each) for each in _tree(pid, heart_pid)) / 2**20


def get_cpu_load(pid: int, heart_pid: int) -> tuple[float, bool]:
    """Returns the mean load of a process and all that it has started, and whether one runs.

    It is measured over a tenth of a second, in percent of a processor.

    Args:
        pid: The process.
        heart_pid: As of `get_memory_usage`.
    """
    processes = list(_tree(pid, heart_pid))
    before = [_cpu_seconds(each) for each in processes]
    began = time.monotonic()
    time.sleep(_LOOK)
    took = time.monotonic() - began
    after = [_cpu_seconds(each) for each in processes]
    loads = [100 * max(0.0, end - begin) / took for begin, end in zip(before, after, strict=True)]
    mean = sum(loads) / len(loads) if loads else 0.0
    return mean, any(map(_runs, processes))


def get_job_status(parent_pid: int, heart_pid: int) -> dict[str, Any]:
    """Returns ``memory`` and ``cpu_load`` of a process; nothing for -1."""
    if parent_pid == -1:
        return {}
    return {
        "memory": get_memory_usage(parent_pid, heart_pid),
        "cpu_load": get_cpu_load(parent_pid, heart_pid),
    }


def _tree(pid: int, heart_pid: int) -> Iterator[Any]:
    """Yields the processes, but for one and its children."""
    import psutil

    try:
        process = psutil.Process(pid)
        processes = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    left_out = {heart_pid}
    for each in processes:
        try:
            if each.pid in left_out or each.ppid() in left_out:
                left_out.add(each.pid)
                continue
        except psutil.NoSuchProcess:
            continue
        yield each


def _resident(process: Any) -> int:
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _cpu_seconds(process: Any) -> float:
    import psutil

    try:
        used = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(used.user + used.system)


def _runs(process: Any) -> bool:
    import psutil

    try:
        return bool(process.status() == psutil.STATUS_RUNNING)
    except psutil.Error:
        return False
