"""A dispatcher's private folder on a cluster: for keys, and for what queue jobs print."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import SchedulerError


def remove(folder: str) -> None:
    """Removes a dispatcher's folder and what is in it, as far as that can be done."""
    # `shutil` takes ten times as long to import as this takes; and where no descriptor is left,
    # nothing can be imported.
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            _if_possible(os.unlink, os.path.join(parent, name))
        for name in folders:
            _if_possible(os.rmdir, os.path.join(parent, name))
    _if_possible(os.rmdir, folder)


def _if_possible(action: Callable[[str], None], path: str) -> None:
    try:
        action(path)
    except OSError:
        return


def no_folder(error: object) -> SchedulerError:
    """Returns what to raise if a dispatcher's folder cannot be made."""
    from ..errors import SchedulerError

    return SchedulerError(
        f"cannot make a folder for keys: {error}; name another place (GRIDENGINE_RUN_DIR)"
    )


def new_shared_folder(run_dir: str) -> str:
    """Makes the folder of a dispatcher with workers on other hosts, which they see too.

    Args:
        run_dir: As `gridengine.settings.Settings.run_dir`.

    Raises:
        SchedulerError: There is no room for it.
        GridEngineError: The folder around it is somebody else's, or open to others.
    """
    import tempfile

    from ..transport.launch_file import private_folder

    parent = run_dir or os.path.expanduser(os.path.join("~", ".gridengine"))
    try:
        private_folder(parent)
        _sweep(parent)
        return tempfile.mkdtemp(prefix=f"run-{os.uname().nodename}-{os.getpid()}-", dir=parent)
    except OSError as error:
        raise no_folder(error) from None


def _sweep(parent: str) -> None:
    """Removes the folders of programs on this host that were killed before they could do it."""
    import re

    for name in os.listdir(parent):
        match = re.fullmatch(r"run-(.+)-(\d+)-\w+", name)
        if match and match[1] == os.uname().nodename and not _is_alive(int(match[2])):
            remove(os.path.join(parent, name))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
