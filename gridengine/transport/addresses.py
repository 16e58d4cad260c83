"""The names under which supervisors and workers are known to the dispatcher."""

from __future__ import annotations


def worker_address(supervisor: bytes, number: int) -> bytes:
    """Returns the address of a supervisor's worker."""
    return b"%s.%d" % (supervisor, number)


def supervisor_of(address: bytes) -> tuple[bytes, int]:
    """Returns the address of a worker's supervisor and the worker's number there.

    Raises:
        ValueError: It is no worker's.
    """
    supervisor, _, number = address.partition(b".")
    return supervisor, int(number)
