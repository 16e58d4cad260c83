"""Queues for something to become true: polled, limited, and telling what it saw last."""

from __future__ import annotations

import time
from collections.abc import Callable

_INTERVAL = 0.02  # seconds; short against the 40 ms or so that one Grid Engine command takes


class WaitTimeout(TimeoutError):
    """What was waited for did not happen; the message has the last state seen."""


def wait_until(what: str, probe: Callable[[], str | None], limit: float) -> None:
    """Call `probe` until it returns None, that is, until nothing is missing any more.

    Args:
        what: What is waited for, as a sentence that reads well after "waited N s until".
        probe: Returns None when it is so, otherwise a few words on how things are instead.
        limit: Seconds after which to give up.

    Raises:
        WaitTimeout: `probe` never returned None.
    """
    deadline = time.monotonic() + limit
    while (seen := probe()) is not None:
        if time.monotonic() > deadline:
            raise WaitTimeout(f"waited {limit:g} s until {what}; last seen: {seen}")
        time.sleep(_INTERVAL)
