"""How many files this process may have open: some of them are the program's own affair."""

from __future__ import annotations

import errno
import os
import resource
import sys

from ..errors import SchedulerError

SPARE = 8
"""Descriptors that are left to the program: to import a module takes one, or to log a line."""

#: Descriptors that ZeroMQ takes, and would end the process for want of: about 20, and two for each
#: address that is listened at. With `SPARE`, below which nobody is let in, and two for a worker.
_FOR_ZEROMQ = 32


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
    if descriptor + SPARE < limit():
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def are_free(count: int) -> bool:
    """Tells whether so many are free at this moment."""
    return _free(count) == count


def check_for_zeromq() -> None:
    """Returns if enough are free for connections to other hosts.

    Raises:
        SchedulerError: Too few are.
    """
    free = _free(_FOR_ZEROMQ)
    if free < _FOR_ZEROMQ:
        raise SchedulerError(
            f"{free} more files can be opened, and connections to other hosts take {_FOR_ZEROMQ}: "
            "close some, or raise the limit of open files (ulimit -n)"
        )


def _free(most: int) -> int:
    """Returns how many are free, or ``most`` if there are more."""
    taken: list[int] = []
    try:
        taken.append(os.open(os.devnull, os.O_RDONLY))
        while len(taken) < most:
            taken.append(os.dup(taken[0]))
    except OSError:
        # Of whatever sort the want is: of this process, or of the whole system.
        pass
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return len(taken)
