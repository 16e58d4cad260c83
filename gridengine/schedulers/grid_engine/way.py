"""By what a Grid Engine is used: its DRMAA library, or its commands alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from ...errors import SchedulerUnavailable
from . import drmaa_library

WAYS = ("auto", "drmaa", "commands")
_NAMES = "'drmaa', 'commands' or 'auto'"


BY = {"drmaa": "DRMAA library", "commands": "commands"}
"""What each is called."""


def checked(through: object) -> str:
    """Returns what was asked for.

    Raises:
        TypeError: It is no text.
        ValueError: It is none of `WAYS`.
    """
    if not isinstance(through, str):
        raise TypeError(f"through is {through!r}; it takes {_NAMES}")
    if through not in WAYS:
        raise ValueError(f"through is {through!r}; it takes {_NAMES}")
    return through


def chosen(wanted: str) -> str:
    """Returns which way is to be used: what is wanted, or by ``auto`` the library if it is there.

    No process is started, and nothing loaded: on a laptop it costs next to nothing.

    Raises:
        SchedulerUnavailable: It cannot be used here, as far as that can be told without trying.
    """
    way, reasons = _looked(wanted)
    if not way:
        raise SchedulerUnavailable(f"no Grid Engine here: {reasons}")
    return way


def problem(wanted: str) -> str | None:
    """Says why no Grid Engine can be used here, as far as that can be told without trying."""
    return _looked(wanted)[1] or None


def _looked(wanted: str) -> tuple[str, str]:
    """Returns which way is to be used; or nothing, and why."""
    reasons = []
    if wanted != "commands":
        reason = drmaa_library.problem(drmaa_library.find())
        if reason is None:
            return "drmaa", ""
        reasons.append(reason)
    if wanted != "drmaa":
        reason = commands_problem()
        if reason is None:
            return "commands", ""
        reasons.append(reason)
    return "", "; ".join(reasons)


def environment(way: str) -> Mapping[str, str]:
    """Returns the environment of a session process.

    Raises:
        SchedulerUnavailable: That way cannot be used here.
    """
    if way == "drmaa":
        return drmaa_library.environment(drmaa_library.require())
    made = dict(os.environ)
    if (qsub := _qsub(made)) is None or (root := drmaa_library.root(qsub, made)) is None:
        raise SchedulerUnavailable(f"no Grid Engine here: {commands_problem()}")
    made["SGE_ROOT"] = root
    return made


def commands_problem(environ: Mapping[str, str] | None = None) -> str | None:
    """Says why the commands cannot be used here, as far as that can be told without trying."""
    environ = os.environ if environ is None else environ
    qsub = _qsub(environ)
    if qsub is None:
        return "there is no qsub in $SGE_ROOT/bin or the PATH"
    found = drmaa_library.root(qsub, environ)
    if found is None:
        return f"{qsub} is here, but not the files of a Grid Engine; set SGE_ROOT"
    # That of another batch system has none.
    master = os.path.join(found, environ.get("SGE_CELL", "default"), "common", "act_qmaster")
    return None if os.path.exists(master) else f"{qsub} is here, but not {master}"


def root(environ: Mapping[str, str]) -> str:
    """Returns SGE_ROOT, or where its files are if it is not set; empty if they are nowhere."""
    if given := environ.get("SGE_ROOT"):
        return given
    places = (drmaa_library.find(environ), _qsub(environ))
    found = (drmaa_library.root(place, environ) for place in places if place is not None)
    return next(filter(None, found), "")


def _qsub(environ: Mapping[str, str]) -> Path | None:
    # Not `shutil.which`, whose import takes longer than all of this.
    folders = environ.get("PATH", "").split(os.pathsep)
    if root := environ.get("SGE_ROOT"):
        with contextlib.suppress(OSError):
            folders += [entry.path for entry in os.scandir(os.path.join(root, "bin"))]
    paths = (os.path.join(folder, "qsub") for folder in folders if folder)
    return next((Path(path) for path in paths if os.access(path, os.X_OK)), None)
