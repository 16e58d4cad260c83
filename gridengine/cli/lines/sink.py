"""Where the lines of results go: standard output, or a file that is there when it is whole."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from typing import IO

from ...errors import GridEngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class Sink:
    """A context manager; at its end a file gets its name, unless by an exception.

    Until then it is called by that name with ``.part`` behind it, and so it stays after an
    exception: what is done is not lost.

    Args:
        path: Of the file; None or ``-`` for standard output. What is no ordinary file, such as a
            pipe, is written to at once.

    Attributes:
        unfinished: What the file is called until the end; empty if it is none.

    Raises:
        OSError: It cannot be written.
        GridEngineError: Standard output is closed.
    """

    def __init__(self, path: str | None) -> None:
        # A link stays one.
        self._path = None if path in (None, "-") else os.path.realpath(path)
        self.unfinished = ""
        if self._path is None:
            if sys.stdout is None:
                raise GridEngineError("standard output is closed; name a file by -o")
            # Found here, before what calls and modules print is sent elsewhere.
            self._file: IO[bytes] = sys.stdout.buffer
        elif _is_ordinary(self._path):
            self.unfinished = f"{self._path}.part"
            self._file = open(self.unfinished, "wb")  # noqa: SIM115  # closed by __exit__
        else:
            self._file = open(self._path, "wb")  # noqa: SIM115

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
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
