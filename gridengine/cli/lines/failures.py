"""What is said of lines whose calls failed."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from ...client.replay import call_number
from ...errors import JobDied, JobError
from ...logs import printable
from ...serialization.exceptions import RemoteTraceback
from .calls import LineError


def is_of_a_call(error: BaseException) -> bool:
    """Tells whether an exception is what a call has raised, or has died of."""
    return call_number(error) is not None or isinstance(error, JobError)


def summary(error: BaseException) -> str:
    """Returns an exception of a call in a line, or in some if it is a death."""
    text = str(error)
    if isinstance(error, (JobDied, LineError)):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def remote_traceback(error: BaseException) -> str:
    """Returns where it was raised, as far as that is in what the user has written."""
    if isinstance(error, LineError) or not isinstance(error.__cause__, RemoteTraceback):
        return ""
    return str(error.__cause__).strip('\n"')


def describe(error: BaseException, number: int | None) -> str:
    """Returns what is said of the first failure, which is the last."""
    where = "a line" if number is None else f"line {number}"
    trace = remote_traceback(error)
    return printable(f"{trace}\n" if trace else "") + printable(
        f"gridengine: {where}: {summary(error)}\n"
    )


class Failures:
    """Failed lines, each an object of JSON in a line of its own.

    Args:
        path: Of a file; None for standard error.

    Attributes:
        count: How many there are.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(self, path: str | None) -> None:
        self.count = 0
        self._file: TextIO | None = None
        if path is not None:
            self._file = open(path, "w", encoding="ascii")  # noqa: SIM115  # see `close`

    def add(self, error: BaseException, number: int | None) -> None:
        """Writes one."""
        self.count += 1
        told = {"line": number, "error": summary(error), "traceback": remote_traceback(error)}
        line = json.dumps({name: value for name, value in told.items() if value != ""}) + "\n"
        if self._file is not None:
            self._file.write(line)
            self._file.flush()
            return
        from ...dispatcher.above_bars import above_bars

        with above_bars(sys.stderr):
            sys.stderr.write(line)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
