"""Deletes queue jobs that another session has left, where there is no ``qdel``.

A program by itself, for the reasons for which the session process is one; the names of the queue
jobs come by standard input.
"""

from __future__ import annotations

import sys

from ...queue_session.process.batch_system import Denied, Unreachable
from .drmaa_system import DrmaaSystem


def main() -> int:
    """Returns the exit status."""
    try:
        library = DrmaaSystem()
        library.open("")
        library.delete(sys.stdin.read().split())
        library.close()
    except (Denied, Unreachable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
