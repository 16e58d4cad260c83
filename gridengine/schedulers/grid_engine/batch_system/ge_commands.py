"""Running the Grid Engine's commands, which may lie in its root alone."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Mapping

from ...queue_session.process import commands


def run(
    program: str, *arguments: str, seconds: float, environ: Mapping[str, str] | None = None
) -> str:
    """Returns what a command prints; times in it are UTC.

    Args:
        program: Its name.
        arguments: They.
        seconds: How long it may take.
        environ: The environment, with SGE_ROOT; by default this process's.

    Raises:
        CommandMissing, CommandSlow, CommandFailed: It cannot be told.
    """
    path = find(program, environ)
    if path is None:
        raise commands.CommandMissing(program)
    return commands.run(program, *arguments, seconds=seconds, environ=environ, path=path)


def find(program: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Returns the path of a command, None if it is not installed."""
    root = (os.environ if environ is None else environ).get("SGE_ROOT", "")
    for path in sorted(glob.glob(f"{glob.escape(root)}/bin/*/{program}")) if root else ():
        if os.access(path, os.X_OK):
            return path
    return shutil.which(program)
