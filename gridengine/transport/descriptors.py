"""How many files this process may have open: some of them are the program's own affair."""

from __future__ import annotations

import errno
import os
import resource
import sys

#: Descriptors that are not taken from the program: to import a module takes one, or to log a line.
_SPARE = 8


def limit() -> int:
    """Returns how many descriptors there may be."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def leave_some(descriptor: int) -> int:
    """Returns a descriptor that has just been opened, if it is none of the last.

    Raises:
        OSError: It was one, and is closed (EMFILE).
    """
    # It has the lowest number that was free.
    if descriptor + _SPARE < limit():
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
