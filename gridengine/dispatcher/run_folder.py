"""A dispatcher's private folder on a cluster: for keys, and for what queue jobs print."""

from __future__ import annotations

import os

from ..logs import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import SchedulerError
    from ..transport.run_folders import RunFolder

log = Log(__name__)


def no_folder(error: object) -> SchedulerError:
    """Returns what to raise if a dispatcher's folder cannot be made."""
    from ..errors import SchedulerError

    return SchedulerError(
        f"cannot make a folder for keys: {error}; name another place (GRIDENGINE_RUN_DIR)"
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

    parent = private_files.run_folder(run_dir)
    try:
        # By a link of the user's own: from here on no link is followed in its place.
        parent = private_files.without_link(parent, make=True)
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
