"""Running a batch system's own commands, where they are installed."""

from __future__ import annotations

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
        status: Its exit status.
    """

    def __init__(self, output: str, status: int = 1) -> None:
        super().__init__(" ".join(output.split()))
        self.output = output
        self.status = status


def run(
    program: str,
    *arguments: str,
    seconds: float,
    environ: Mapping[str, str] | None = None,
    path: str | None = None,
) -> str:
    """Returns what a command prints; times in it are UTC.

    Args:
        program: Its name.
        arguments: They.
        seconds: How long it may take.
        environ: The environment; by default this process's.
        path: Where it is, if it may be elsewhere than in the ``PATH``.

    Raises:
        CommandMissing, CommandSlow, CommandFailed: It cannot be told.
    """
    path = path or shutil.which(program)
    if path is None:
        raise CommandMissing(program)
    try:
        done = subprocess.run(  # noqa: S603  # the batch system's own
            [path, *arguments],
            env={**(os.environ if environ is None else environ), "TZ": "UTC0"},
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
        raise CommandFailed(done.stdout, done.returncode)
    return done.stdout


def user() -> str:
    """Returns the name that queue jobs of this user have for their owner."""
    # Not of LOGNAME: batch systems go by the user id, too.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
