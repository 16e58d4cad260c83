"""Files that appear as a whole, or not at all."""

from __future__ import annotations

from ..queue_pools import files


def copy(src: str, dst: str) -> None:
    """Copies a file or a folder.

    Raises:
        OSError: That is not possible.
    """
    files.copy(src, dst)


def move(src: str, dst: str) -> None:
    """Moves a file or a folder, to another file system too.

    Raises:
        OSError: That is not possible.
    """
    files.move(src, dst)


def write(content: str | bytes, path: str, mode: str = "wt") -> None:
    """Writes a file; ``mode`` is as of `open`, and needs not be given.

    Raises:
        OSError: That is not possible.
    """
    files.write(path, content)


def read(path: str, mode: str = "rt") -> str | bytes:
    """Returns what is in a file: text, or bytes if there is a ``b`` in ``mode``.

    Raises:
        OSError: That is not possible.
    """
    data = files.read(path)
    return data if "b" in mode else data.decode()
