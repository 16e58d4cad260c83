"""Libraries that only some programs need, and that come with an extra of the package."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def needed(extra: str, what: str) -> Iterator[None]:
    """Has the imports within say what to install, if a library is missing.

    Args:
        extra: The extra of setup.cfg that brings the library.
        what: What is of no use without it, as a user names it.

    Raises:
        ModuleNotFoundError: A library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        raise ModuleNotFoundError(
            f"{what} needs {library}, which is not installed: {command(extra)}",
            name=error.name,
            path=error.path,
        ) from error


def command(extra: str) -> str:
    """Returns the command that installs an extra."""
    return f"pip install 'gridengine[{extra}]'"
