"""Commands of a batch system, run and waited for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Sequence

from ..errors import SchedulerError

TIMEOUT = 60.0
"""Seconds that a command gets: a master under load takes that long, and one that is away longer."""

_MOST = 500  # names on one command line
_QUOTED = 2000  # characters of what it has printed that an error quotes at most


class CommandError(SchedulerError):
    """A command of a batch system has failed; the message has what it has printed.

    Attributes:
        status: Its exit status, -N for signal N; None if it has not ended in time.
        output: All that it has printed.
    """

    def __init__(self, message: str, status: int | None = None, output: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.output = output


def run(
    command: Sequence[str],
    *,
    text: str = "",
    timeout: float = TIMEOUT,
    statuses: Collection[int] = (0,),
) -> str:
    """Runs a command of a batch system, and returns what it prints.

    Its messages are in English (``LC_ALL=C``), and a Ctrl-C in the program's terminal is not for
    it.

    Args:
        command: The program and its arguments.
        text: What it reads.
        timeout: Seconds after which it is killed.
        statuses: With which exit statuses what it prints is an answer.

    Raises:
        CommandError: It cannot be started, has not ended in time, or with another status.
    """
    try:
        done = subprocess.run(  # noqa: S603  # as the scheduler has it
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"{command[0]} has not answered within {timeout:g} s") from None
    except OSError as error:
        raise CommandError(f"{command[0]} cannot be started: {error.strerror}") from None
    if done.returncode not in statuses:
        said = (done.stderr.strip() or done.stdout.strip())[:_QUOTED]
        what = f"{command[0]} ended with status {done.returncode}"
        raise CommandError(
            f"{what}: {said}" if said else what, done.returncode, done.stdout + done.stderr
        )
    return done.stdout


def run_for_all(command: Sequence[str], names: Sequence[str]) -> None:
    """Runs a command with names behind it, several times if these are many.

    Args:
        command: The program and its first arguments.
        names: What it is run for, such as queue jobs.

    Raises:
        CommandError: As `run` raises it, the first of them, when it has been run for all.
    """
    failed = None
    for first in range(0, len(names), _MOST):
        try:
            run([*command, *names[first : first + _MOST]])
        except CommandError as error:
            # It may be one name of these that is over, and the others are to be heard all the same.
            failed = failed or error
    if failed is not None:
        raise failed
