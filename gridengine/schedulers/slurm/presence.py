"""Whether Slurm's commands are here: on a laptop without them the answer costs next to nothing."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("sbatch", "squeue", "scontrol", "scancel")
"""The commands without which there is no Slurm here."""


def require(environ: Mapping[str, str] | None = None) -> None:
    """Sees that Slurm's commands are here.

    Raises:
        SchedulerUnavailable: One of them is not; the message says which.
    """
    if (name := missing(os.environ if environ is None else environ)) is not None:
        from ...errors import SchedulerUnavailable

        raise SchedulerUnavailable(
            f"no Slurm here: there is no {name} in the PATH; load the cluster's module, or log in "
            "to one of its hosts"
        )


def missing(environ: Mapping[str, str]) -> str | None:
    """Returns the name of a command that is needed and not here, None if all are."""
    # Not `shutil.which`, whose import takes longer than all of this.
    folders = [each for each in environ.get("PATH", os.defpath).split(os.pathsep) if each]
    return next((name for name in NEEDED if not _is_in(folders, name)), None)


def signs(environ: Mapping[str, str] | None = None) -> list[str]:
    """Returns what makes one think that this host belongs to a Slurm cluster."""
    environ = os.environ if environ is None else environ
    names = ("SLURM_CONF", "SLURM_JOB_ID")
    found = [f"{name}={environ[name]}" for name in names if environ.get(name)]
    folders = environ.get("PATH", "").split(os.pathsep)
    path = next((path for each in folders if each and _may_run(path := f"{each}/sbatch")), "")
    return [*found, path] if path else found


def _is_in(folders: list[str], name: str) -> bool:
    return any(_may_run(os.path.join(folder, name)) for folder in folders)


def _may_run(path: str) -> bool:
    return os.access(path, os.X_OK) and not os.path.isdir(path)
