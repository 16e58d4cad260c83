"""Starts a supervisor: ``python …/gridengine/worker LAUNCH_FILE``, on the program's host ``PID``.

Run by its path, not by its name, so that a node needs to know nothing but the interpreter: where
modules are found, the package itself included, stands in the launch file. On its own host the
program says the same by the socket that it leaves as standard input: its length, four bytes, and
the text. The process id is for people, and for `gridengine reap`.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def _heard() -> dict[str, Any]:
    """Returns what the program on this host has to say."""
    told: dict[str, Any] = json.loads(_read(int.from_bytes(_read(4), "big")))
    return told


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            # It has ended, or needs this process no more.
            sys.exit(1)
        data += part
    return data


def _read_file(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        _refuse_if_planted(path, os.fstat(file.fileno()))
        _refuse_if_planted(os.path.dirname(path), os.stat(os.path.dirname(path)))
        launch: dict[str, Any] = json.load(file)
    return launch


def _refuse_if_planted(path: str, status: os.stat_result) -> None:
    # As `gridengine.transport.launch_file` does; but where that is found the file itself says.
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        sys.exit(f"gridengine: {path} must be this user's, and nobody else's to read or write")


@contextlib.contextmanager
def _typing_alone() -> Iterator[None]:
    # Where `typing_extensions` is installed msgspec imports it, which takes as long as the start
    # of the interpreter, for names that `typing` has too from Python 3.11 on.
    name = "typing_extensions"
    hidden = sys.version_info >= (3, 11) and name not in sys.modules
    if hidden:
        # As if it were not there (https://docs.python.org/3/reference/import.html).
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hidden:
            del sys.modules[name]


if __name__ == "__main__":
    # Nothing of what is imported is garbage; the supervisor lets it be collected from then on.
    gc.disable()
    here = sys.argv[1].isdecimal()
    launch = _heard() if here else _read_file(sys.argv[1])
    sys.path[:] = launch["sys_path"]
    # Before all that a reaper has no use for is imported.
    from gridengine.worker.os_support import tidy_descriptors
    from gridengine.worker.subreaper import stand_guard

    tidy_descriptors()
    stand_guard(of_a_batch_system=not here)
    with _typing_alone():
        # Its own module, not this one: `__main__` will be the name of the user's program.
        from gridengine.worker.supervisor import main

    main(sys.argv[1], launch if here else None)
