"""Names of the first gridengine: ``gridengine.functional.partial`` and its helpers.

For programs that were written for it; see ``docs/migrate/first-gridengine.md``.
"""

from __future__ import annotations

import numbers

from .client.map import map
from .client.partial import partial

__all__ = ["isexception", "isnumeric", "map", "partial"]


def isexception(x: object) -> bool:
    """Returns whether ``x`` is an exception; `gridengine.raised` tells whether a call raised it."""
    return isinstance(x, Exception)


def isnumeric(x: object) -> bool:
    """Returns whether ``x`` is a number."""
    return isinstance(x, numbers.Number)
