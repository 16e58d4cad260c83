"""Clears up the folders of runs of a program that has died."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from ....transport.process_identity import ProcessIdentity
from ....transport.run_folders import RunFolder


def remove(folders: Iterable[str], program: ProcessIdentity) -> None:
    """Removes what queue jobs would have used, keys among it; nobody else is there to do it.

    Args:
        folders: Those of runs, as far as they are known.
        program: The one that has died: others' folders are left.
    """
    for folder in folders:
        with contextlib.suppress(OSError, ValueError):
            made = RunFolder.read(folder)
            if made.program == program:
                made.remove()
