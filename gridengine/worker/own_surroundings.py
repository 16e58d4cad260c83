"""The directory and the variables that jobs have for themselves, in their worker."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .. import nesting


class Surroundings:
    """Sets them, and has all as it was before when others come."""

    def __init__(self) -> None:
        # What was there before, None for variables that were not.
        self._variables: dict[str, str | None] = {}
        self._directory: str | None = None

    def enter(self, cwd: str | None, env: Mapping[str, str | None]) -> None:
        """Sets what a job has asked for.

        Raises:
            OSError: The directory cannot be entered; the message says on which host.
        """
        for name, value in env.items():
            # What a job was granted it cannot grant itself.
            if name != nesting.VARIABLE:
                self._variables[name] = os.environ.get(name)
                _set(name, value)
        if cwd is None:
            return
        before = os.getcwd()
        try:
            os.chdir(cwd)
        except OSError as error:
            host = os.uname().nodename
            reason = f"{error.strerror}: the job's cwd= on {host}"
            raise type(error)(error.errno, reason, cwd) from None
        self._directory = before

    def leave(self) -> None:
        """Has all as it was before `enter`."""
        variables, self._variables = self._variables, {}
        for name, value in variables.items():
            _set(name, value)
        directory, self._directory = self._directory, None
        if directory is not None:
            try:
                os.chdir(directory)
            except OSError:
                # Removed by a job, say; nobody has asked for it.
                os.chdir("/")


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
