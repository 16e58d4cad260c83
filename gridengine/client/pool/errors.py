"""What a `Pool` raises that is `multiprocessing`'s too."""

from __future__ import annotations

import multiprocessing

from ...errors import TimeoutError


class PoolTimeoutError(TimeoutError, multiprocessing.TimeoutError):
    """A result is not there in time; its calls go on."""
