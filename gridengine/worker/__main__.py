"""Starts a supervisor: ``python …/gridengine/worker LAUNCH_FILE``.

Run by its path, not by its name, so that a node needs to know nothing but the interpreter: where
modules are found, the package itself included, stands in the launch file.
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


def _prepare(path: str) -> tuple[bool, bool]:
    """Returns whether a batch system has started this process, and whether core files may be."""
    while not os.path.exists(path):
        _wait_for_the_program()
    with open(path, encoding="utf-8") as file:
        _refuse_if_planted(path, os.fstat(file.fileno()))
        _refuse_if_planted(os.path.dirname(path), os.stat(os.path.dirname(path)))
        launch = json.load(file)
    _refuse_if_other_python(launch, os.path.dirname(path))
    sys.path[:] = launch["sys_path"]
    return not launch["parent"], launch.get("core_files", False)


def _folder_of_jobs(path: str, of_a_batch_system: bool) -> str:
    """Returns where what jobs open makes folders; it is not made before it is needed."""
    if not of_a_batch_system:
        # The program's own, which goes with it.
        return os.path.dirname(path)
    # In that of the queue job, which the batch system removes too.
    temporary = os.environ.get("TMPDIR") or os.environ.get("TMP") or "/tmp"  # noqa: S108
    return os.path.join(os.path.abspath(temporary), f"gridengine-{os.urandom(4).hex()}")


def _wait_for_the_program() -> None:
    # On its own host it has started this process before it has written the file. Its end, or
    # word that this one is not needed, comes by the pipe.
    if select.select([0], [], [], 0.001)[0]:
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(sys.argv[1]))
        sys.exit(f"gridengine: the program has ended before it has written {sys.argv[1]}")


def _refuse_if_planted(path: str, status: os.stat_result) -> None:
    # As `gridengine.transport.launch_file` does; but where that is found the file itself says.
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        sys.exit(f"gridengine: {path} must be this user's, and nobody else's to read or write")


def _refuse_if_other_python(launch: dict[str, Any], folder: str) -> None:
    # Before anything is imported that is the program's: the files of one minor version are nothing
    # for another, and which of them fails first, and how, would be chance.
    version = ".".join(map(str, sys.version_info[:3]))
    # As `gridengine.transport.versions` does.
    here = f"{sys.implementation.name} {version}"
    # One that was started before this was installed may not say it; that is told by `Supervising`.
    program = launch.get("python", here)
    if here.rpartition(".")[0] == program.rpartition(".")[0]:
        return
    import runpy

    host = os.uname().nodename
    reason = (
        f"{host} runs {here} ({sys.executable}), this program {program}: functions travel as "
        "bytecode, which another version cannot run; have the same Python there under that path"
    )
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    note = runpy.run_path(os.path.join(package, "transport", "unreached.py"))["Unreached"]
    note(host, reason).write(folder, launch["queue_job"].format_map(os.environ))
    sys.exit(f"gridengine: {reason}")


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
    of_a_batch_system, core_files = _prepare(sys.argv[1])
    folder = _folder_of_jobs(sys.argv[1], of_a_batch_system)
    # Before all that a reaper has no use for is imported.
    from gridengine.worker.os_support import limit_core_files, tidy_descriptors
    from gridengine.worker.subreaper import stand_guard

    if of_a_batch_system and not core_files:
        # The key of the program's connections is in the memory.
        limit_core_files()
    tidy_descriptors()
    stand_guard(folder if of_a_batch_system else "")
    with _typing_alone():
        # Its own module, not this one: `__main__` will be the name of the user's program.
        from gridengine.worker.supervisor import main

    main(sys.argv[1], folder)
