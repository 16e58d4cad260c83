"""A dispatcher's private folder: for its socket, for keys, and for what queue jobs print."""

from __future__ import annotations

import os
import sys

from .. import nesting
from ..logs import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import SchedulerError
    from ..transport.run_folders import RunFolder

log = Log(__name__)

#: Bytes of a path with which that of a socket two floors below is not yet too long: 104 bytes with
#: its end on macOS, 108 on Linux (unix(4), unix(7)).
_LONGEST_SOCKET = 107 if sys.platform == "linux" else 103
_LONGEST = _LONGEST_SOCKET - len("/gridengine-01234567/dispatcher")


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


def place() -> str:
    """Returns the folder in which a dispatcher's own is made.

    Raises:
        SchedulerError: There is none.
    """
    # `tempfile` would look at the same; but its import would keep the first worker waiting.
    temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  # a folder of our own in it
    every = (os.path.abspath(temporary), "/tmp", "/var/tmp")  # noqa: S108
    for path in every:
        if len(os.fsencode(path)) <= _LONGEST and os.access(path, os.W_OK | os.X_OK):
            return path
    raise no_folder(f"none of {', '.join(every)} can be written, with a path short enough")


def new_local_folder() -> str:
    """Makes the folder of a dispatcher with workers on this host alone.

    Raises:
        SchedulerError: There is no room for it.
    """
    try:
        nested = _new_nested_folder(nesting.folder())
        if nested is not None:
            return nested
        folder = os.path.join(place(), f"gridengine-{os.urandom(4).hex()}")
        os.mkdir(folder, 0o700)
    except OSError as error:
        raise no_folder(error) from None
    return folder


def _new_nested_folder(parent: str) -> str | None:
    """Makes a folder in that of a job, with which it goes, however the job's worker ends.

    None outside of jobs, and where the path of its socket would be too long.
    """
    if not parent:
        return None
    os.makedirs(parent, mode=0o700, exist_ok=True)
    number = 1
    while len(os.fsencode(f"{parent}/{number}/dispatcher")) <= _LONGEST_SOCKET:
        folder = f"{parent}/{number}"
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            # Another job's on the same supervisor.
            number += 1
        else:
            return folder
    return None


def no_folder(error: object) -> SchedulerError:
    """Returns what to raise if a dispatcher's folder cannot be made."""
    from ..errors import SchedulerError

    return SchedulerError(
        f"cannot make a folder for sockets and keys: {error}; name another place "
        "(GRIDENGINE_RUN_DIR on a cluster, TMPDIR here)"
    )


def new_shared_folder(run_dir: str) -> RunFolder:
    """Makes the folder of a dispatcher with workers on other hosts, which they see too.

    Args:
        run_dir: As `gridengine.settings.Settings.run_dir`.

    Raises:
        SchedulerError: There is no room for it.
        GridEngineError: Others could read the folder around it, or replace it.
    """
    # Where there are workers of this host alone, nothing of it is needed.
    from ..errors import GridEngineError
    from ..transport import private_files
    from ..transport.run_folders import RunFolder

    parent = run_dir or os.path.expanduser(os.path.join("~", ".gridengine"))
    try:
        private_files.make_folder(parent)
        _sweep(parent)
        return RunFolder.make(parent)
    except private_files.NotPrivate as error:
        raise GridEngineError(str(error)) from None
    except OSError as error:
        raise no_folder(error) from None


def remove_shared_folder(folder: RunFolder) -> None:
    """Removes what `new_shared_folder` has made, and says what cannot be removed."""
    try:
        left = folder.remove()
    except OSError as error:
        left = [str(error)]
    if left:
        log.warning("the program's folder is not removed: %s", "; ".join(left))


def _sweep(parent: str) -> None:
    """Removes the folders of programs on this host that were killed before they could do it.

    Of those that may live it is `gridengine reap` that tells, and of those that are none.
    """
    import contextlib

    from ..transport.run_folders import RunFolder

    here = f"run-{os.uname().nodename}-"
    for name in os.listdir(parent):
        if name.startswith(here):
            with contextlib.suppress(OSError, ValueError):
                folder = RunFolder.read(os.path.join(parent, name))
                if folder.program.lives() is False:
                    folder.remove()
