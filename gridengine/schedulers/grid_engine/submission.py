"""What the Grid Engine takes of a command, and of where it prints."""

from __future__ import annotations

import re
from collections.abc import Sequence


def whole_command(command: Sequence[str]) -> tuple[str, ...]:
    """Returns a command, if the Grid Engine passes it on as it is.

    Raises:
        ValueError: It does not.
    """
    for argument in command:
        if bad := re.search(r"[\n\r\0]", argument):
            raise ValueError(f"the Grid Engine cuts off an argument at {bad[0]!r}: {argument!r}")
    return tuple(command)


def folder_for_logs(path: str) -> str:
    """Returns a folder's path, if the Grid Engine can take it as one.

    Raises:
        ValueError: It cannot.
    """
    if bad := re.search(r"[:,$\n\\]", path):
        raise ValueError(f"the Grid Engine takes no output path with {bad[0]!r} in it: {path!r}")
    return path
