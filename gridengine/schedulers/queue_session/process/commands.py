"""Running the Grid Engine's own commands, where they are installed."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping


class CommandMissing(Exception):
    """The command is not installed here, or cannot be run."""


class CommandSlow(Exception):
    """The command took longer than it may."""


class CommandFailed(Exception):
    """The command ended with another status than 0; the message is what it said.

    Attributes:
        output: The same, with its lines.
    """

    def __init__(self, output: str) -> None:
        super().__init__(" ".join(output.split()))
        self.output = output


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
    environ = os.environ if environ is None else environ
    path = find(program, environ)
    if path is None:
        raise CommandMissing(program)
    try:
        done = subprocess.run(  # noqa: S603  # the Grid Engine's own
            [path, *arguments],
            env={**environ, "TZ": "UTC0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandSlow(program) from None
    except OSError as error:
        raise CommandMissing(str(error)) from error
    if done.returncode != 0:
        raise CommandFailed(done.stdout)
    return done.stdout


def find(program: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Returns the path of a command, None if it is not installed."""
    root = (os.environ if environ is None else environ).get("SGE_ROOT", "")
    for path in sorted(glob.glob(f"{glob.escape(root)}/bin/*/{program}")) if root else ():
        if os.access(path, os.X_OK):
            return path
    return shutil.which(program)


def user() -> str:
    """Returns the name that queue jobs of this user have for their owner."""
    # Not of LOGNAME: the Grid Engine goes by the user id, too.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
