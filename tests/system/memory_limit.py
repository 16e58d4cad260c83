"""A real limit of memory: a control group of the kernel, below the one that the tests run in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..waiting import wait_until

_ROOT = Path("/sys/fs/cgroup")


class NoLimit(Exception):
    """There can be no such group here; the text says why."""


@contextlib.contextmanager
def memory_limit(size: int) -> Iterator[list[str]]:
    """A group whose processes may have ``size`` bytes of memory together, and no swap.

    Yields:
        The beginning of a command that is to run in it.

    Raises:
        NoLimit: There is none to be had.
    """
    group = _parent() / f"gridengine-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise NoLimit(f"no control group can be made: {error}") from None
    try:
        _set_limit(group, size)
        yield ["sh", "-c", f'echo $$ > {group / "cgroup.procs"} && exec "$@"', "sh"]
    finally:
        # It can be removed when the last process in it has been reaped.
        wait_until(lambda: _is_removed(group), what=f"{group} in use")


def _parent() -> Path:
    """Returns the group to make one in: so nothing escapes the limits that it is under."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return _ROOT / "memory" / path.strip("/")
        if controllers == "" and (_ROOT / "cgroup.controllers").exists():
            # Version 2 has processes in its leaves alone: beside the tests' own.
            parent = (_ROOT / path.strip("/")).parent if path != "/" else _ROOT
            if "memory" in (parent / "cgroup.subtree_control").read_text().split():
                return parent
    raise NoLimit("this process is in no control group that could limit memory")


def _set_limit(group: Path, size: int) -> None:
    # Version 2, version 1; the swap after the memory, which it must not be below.
    limits = ("memory.max", size), ("memory.limit_in_bytes", size)
    swaps = ("memory.swap.max", 0), ("memory.memsw.limit_in_bytes", size)
    try:
        for name, value in (*limits, *swaps):
            if (group / name).exists():
                (group / name).write_text(str(value))
    except OSError as error:
        raise NoLimit(f"the control group cannot be given a limit: {error}") from None


def _is_removed(group: Path) -> bool:
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()
