"""Where the lines of results go: standard output, or a file that is there when it is whole."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from types import TracebackType
from typing import IO

from typing_extensions import Self


class Sink:
    """A context manager; at its end a file gets its name, unless by an exception.

    Until then it is called by that name with ``.part`` behind it, and so it stays after an
    exception: what is done is not lost.

    Args:
        path: Of the file; None for standard output. What is no ordinary file, such as a pipe, is
            written to at once.

    Attributes:
        unfinished: What the file is called until the end; empty if it is none.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self.unfinished = ""
        if path is None:
            # Found here, before what calls and modules print is sent elsewhere.
            self._file: IO[bytes] = sys.stdout.buffer
        elif _is_ordinary(path):
            self.unfinished = f"{path}.part"
            self._file = open(self.unfinished, "wb")  # noqa: SIM115  # closed by __exit__
        else:
            self._file = open(path, "wb")  # noqa: SIM115

    def write(self, lines: list[bytes]) -> None:
        """Writes lines, for who reads them now."""
        self._file.write(b"".join(lines))
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._path is None:
            return
        if error is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            return
        if self.unfinished:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        if self.unfinished:
            os.replace(self.unfinished, self._path)


def _is_ordinary(path: str) -> bool:
    try:
        # A link to a file is replaced by it; one to a pipe is written to.
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
