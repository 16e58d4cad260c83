"""The levels of the program's loggers, in a worker: set when it imports `logging`, if it does."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ..serialization.log_levels import AS_IMPORTED, Levels

#: What the program has, and what of that was set here.
_program: Levels = AS_IMPORTED
_here: Levels = AS_IMPORTED


def set_levels(levels: Levels) -> None:
    """Has loggers the levels that the program has; what it has not changed stays as it is."""
    global _program
    _program = levels
    if "logging" in sys.modules:
        apply_levels()


def apply_levels() -> None:
    """As `set_levels`, when `logging` has been imported."""
    import logging

    global _here
    before, _here = _here, _program
    root, disabled, named = _here
    if root != before[0]:
        logging.getLogger().setLevel(root)
    if disabled != before[1]:
        logging.disable(disabled)
    for name, level in _changed(before[2], named).items():
        logging.getLogger(name).setLevel(level)


def _changed(before: Mapping[str, int], named: Mapping[str, int]) -> dict[str, int]:
    unset = dict.fromkeys(before.keys() - named.keys(), 0)
    return unset | {name: level for name, level in named.items() if before.get(name) != level}
