"""Files that other hosts read while they are written: each appears as a whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid


def write(path: str, content: bytes | str) -> None:
    """Writes a file in the place of another one, if there is one.

    Raises:
        OSError: It cannot be written; the other one is as it was.
    """
    beside = f"{path}.{uuid.uuid4()}.tmp"
    data = content.encode() if isinstance(content, str) else content
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            # A name that leads to nothing yet is worse than none, after the end of a node.
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def read(path: str) -> bytes:
    """Returns what is in a file.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        return file.read()


def copy(source: str, target: str) -> None:
    """Copies a file, or a folder with all that is in it; what has the target's name is replaced.

    Raises:
        OSError: That is not possible.
    """
    beside = f"{target}.{uuid.uuid4()}.tmp"
    try:
        if os.path.isdir(source):
            shutil.copytree(source, beside)
        else:
            shutil.copy2(source, beside)
        os.replace(beside, target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def move(source: str, target: str) -> None:
    """Moves a file or a folder, to another file system too.

    Raises:
        OSError: That is not possible.
    """
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(source, target)
        shutil.rmtree(source) if os.path.isdir(source) else os.unlink(source)
