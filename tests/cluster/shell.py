"""Running the system's own commands."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence

_LIMIT = 60.0  # seconds; a Grid Engine command that cannot reach its master gives up well before


class CommandError(RuntimeError):
    """A command of the system failed; the message has the command and all that it said."""


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    limit: float = _LIMIT,
) -> str:
    """Run a command to its end.

    Returns:
        What it wrote to its standard output.

    Raises:
        CommandError: It ended with another status than 0, or not within `limit` seconds.
    """
    try:
        done = subprocess.run(
            argv,
            env=env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            text=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{shlex.join(argv)}: not done after {limit:g} s") from error
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}".strip()
        raise CommandError(f"{shlex.join(argv)}: exit status {done.returncode}: {said}")
    return done.stdout
