"""The levels of the program's loggers, which travel with its functions; and when to look at them.

There may be hundreds of loggers, and a look is taken at the start of each job. But whoever sets a
level has `logging` forget what it knows of levels, a dictionary of each logger: so a mark in the
root logger's says whether any was set since.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Levels = tuple[int, int, dict[str, int]]
"""That of the root logger, that of `logging.disable`, and those of others, by name."""

AS_IMPORTED: Levels = (30, 0, {})
"""As they are when `logging` has been imported, or not even that."""

MARK = "gridengine"
"""Stands where levels are remembered, as long as none is set."""

UNSEEN: dict[Any, bool] = {MARK: True}
"""Where it stands as long as `logging` has not been imported."""


def mark() -> dict[Any, bool]:
    """Returns where the mark is until a level is set; to be called before `levels`."""
    root = _root()
    if root is None:
        return UNSEEN
    remembered: dict[Any, bool] | None = getattr(root, "_cache", None)
    if remembered is None:
        # A later Python has it no more: then each look is one at all of them.
        return {}
    remembered[MARK] = True
    return remembered


def levels() -> Levels:
    """Returns the levels that are set now."""
    root = _root()
    if root is None:
        return AS_IMPORTED
    named = {
        name: logger.level
        for name, logger in sorted(root.manager.loggerDict.copy().items())
        if getattr(logger, "level", 0)
    }
    return root.level, root.manager.disable, named


def _root() -> Any:
    """Returns the root logger, None if there is none, or it is just being made."""
    root = getattr(sys.modules.get("logging"), "root", None)
    # Another thread may be importing the module: its manager is what comes last.
    return root if hasattr(root, "manager") else None
