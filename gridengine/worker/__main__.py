"""Starts a supervisor: ``python …/gridengine/worker LAUNCH_FILE``.

Run by its path, not by its name, so that a node needs to know nothing but the interpreter: where
modules are found, the package itself included, stands in the launch file.
"""

import json
import os
import sys


def _prepare(path: str) -> bool:
    """Returns whether it is a batch system that has started this process."""
    with open(path, encoding="utf-8") as file:
        _refuse_if_planted(path, os.fstat(file.fileno()))
        _refuse_if_planted(os.path.dirname(path), os.stat(os.path.dirname(path)))
        launch = json.load(file)
    library_path = launch["environ"].get("LD_LIBRARY_PATH")
    if library_path and library_path != os.environ.get("LD_LIBRARY_PATH"):
        # The loader reads it once, when a program starts.
        os.environ["LD_LIBRARY_PATH"] = library_path
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  # ourselves
    sys.path[:] = launch["sys_path"]
    return not launch["parent"]


def _refuse_if_planted(path: str, status: os.stat_result) -> None:
    # As `gridengine.launch` does; but where that is found, stands in the file itself.
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        sys.exit(f"gridengine: {path} must be this user's, and nobody else's to read or write")


if __name__ == "__main__":
    of_a_batch_system = _prepare(sys.argv[1])
    # Before all that a reaper has no use for is imported.
    from gridengine.worker.reaper import stand_guard

    stand_guard(of_a_batch_system=of_a_batch_system)
    # Its own module, not this one: `__main__` will be the name of the user's program.
    from gridengine.worker.supervisor import main

    main(sys.argv[1])
