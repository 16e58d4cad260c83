"""What all that arrives in a worker shares: the globals of a module, the attributes of a class.

A job may set them for the next (``global model``), so they are not overwritten each time that a
function arrives which uses them, unless the program has given them another value. And as two
functions may have brought different values, a function must travel anew after the other has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ATOMS = frozenset({int, float, bool, str, bytes, complex, type(None)})
_EMPTY = (list, dict, set)
_LONG = 1000

_sent: dict[tuple[str, str], object] = {}
_given: dict[tuple[str, str], object] = {}
_generation = 0


def constant(value: Any) -> object:
    """Returns what tells an unchangeable value from others; None for what can change.

    A list, dict or set that is empty counts as unchangeable: it is there to be filled.
    """
    kind = type(value)
    if kind in ATOMS:
        if kind in (str, bytes) and len(value) > _LONG:
            return None
        # With its type, as 1 equals True; as text, as 0.0 equals -0.0 and nan nothing.
        return kind, repr(value) if kind in (float, complex) else value
    return (kind,) if kind in _EMPTY and not value else None


def send(space: str, values: Mapping[str, Any]) -> None:
    """Notes, where it is packed, what ``space`` will have in a worker."""
    for name, value in values.items():
        mark = constant(value) or id(value)
        if _sent.setdefault((space, name), mark) != mark:
            _sent[space, name] = mark
            begin_generation()


def begin_generation() -> None:
    """Has every function packed anew that is needed again."""
    global _generation
    _generation += 1


def generation() -> int:
    """Returns a number that changes when what was packed before may not be used again."""
    return _generation


def is_news(space: str, name: str, value: Any) -> bool:
    """Returns False, in a worker, if ``value`` is what ``name`` was given before."""
    mark = constant(value)
    before = _given.get((space, name))
    _given[space, name] = mark
    return mark is None or mark != before
