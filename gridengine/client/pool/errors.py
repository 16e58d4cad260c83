"""What a `Pool` raises that is `multiprocessing`'s too."""

from __future__ import annotations

import multiprocessing

from ...errors import TimeoutError
from ...logs import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...dispatcher.dispatcher import Dispatcher


class PoolTimeoutError(TimeoutError, multiprocessing.TimeoutError):
    """A result is not there in time; its calls go on."""


def too_late(timeout: float | None, dispatcher: Dispatcher | None) -> PoolTimeoutError:
    """Returns what says that a result is not there, and why there are no workers if that is so."""
    why = "" if dispatcher is None else dispatcher.state_reasons.without_workers()
    text = f"there is no result within {timeout} s{f'; {why}' if why else ''}"
    return PoolTimeoutError(printable(text))
