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
import select
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
    data, parent = b"", os.getppid()
    while len(data) < size:
        # A fork of the program may hold the other end open when the program is gone.
        while not select.select([0], [], [], 1.0)[0]:
            if os.getppid() != parent:
                sys.exit(1)
        part = os.read(0, size - len(data))
        if not part:
            # It has ended, or needs this process no more.
            sys.exit(1)
        data += part
    return data


def _read_unless_planted(path: str) -> str:
    # Before the file says where modules are found: this package is around this program, and what
    # is imported here needs no other.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from gridengine.transport.private_files import NotPrivate, read_file

    try:
        return read_file(path)
    except NotPrivate as error:
        sys.exit(f"gridengine: {error}")


def _refuse_if_other_python(launch: dict[str, Any], folder: str) -> None:
    # Before anything is imported that is the program's: the files of one minor version are nothing
    # for another, and which of them fails first, and how, would be chance.
    from gridengine.transport.unreached import Unreached
    from gridengine.transport.versions import python, refusal_of_python

    host = os.uname().nodename
    # One that was started before this was installed may not say it; that is told by `Supervising`.
    if reason := refusal_of_python(host, python(), launch.get("python", python())):
        Unreached(host, reason).write(folder, launch["queue_job"].format_map(os.environ))
        sys.exit(f"gridengine: {reason}")


def _end_file(launch: dict[str, Any]) -> str:
    """Returns where the end of this queue job is noted, nothing if it has no name."""
    name = launch["queue_job"].format_map(os.environ)
    return name and os.path.join(os.path.dirname(sys.argv[1]), "ends", name)


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
    if sys.warnoptions:
        import warnings

        # By -W error what is imported would end this process; and workers get the program's own
        # filters with its functions.
        warnings.simplefilter("ignore")
    here = sys.argv[1].isdecimal()
    if here:
        launch = _heard()
    else:
        launch = json.loads(_read_unless_planted(sys.argv[1]))
        _refuse_if_other_python(launch, os.path.dirname(sys.argv[1]))
    sys.path[:] = launch["sys_path"]
    # Before all that a reaper has no use for is imported.
    from gridengine.worker.os_support import limit_core_files, tidy_descriptors
    from gridengine.worker.subreaper import stand_guard

    if not here and not launch.get("core_files", False):
        # The key of the program's connections is in the memory.
        limit_core_files()
    tidy_descriptors()
    stand_guard(of_a_batch_system=not here, end_file="" if here else _end_file(launch))
    with _typing_alone():
        # Its own module, not this one: `__main__` will be the name of the user's program.
        from gridengine.worker.start import main

    main(sys.argv[1], launch if here else None)
