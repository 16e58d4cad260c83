"""The directory and the variables that jobs ask for themselves: a part of a function's context."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Mapping
from typing import NamedTuple

from .context import unpack
from .functions import key_in_context
from .packed import Function


class OwnSurroundings(NamedTuple):
    """What calls have for themselves; other calls in the same worker do not.

    Attributes:
        cwd: The directory, None for the one that all have.
        env: Variables that are set, or taken away.
    """

    cwd: str | None
    env: dict[str, str | None]


def in_own_surroundings(
    function: Function, cwd: str | None, env: Mapping[str, str | None]
) -> Function:
    """Returns a packed function that is called in a directory, and with variables, of its own."""
    context = _with_own(function.context, cwd, tuple(sorted(env.items())))
    return function._replace(context=context, key=key_in_context(function, context))


def own_surroundings_of(function: Function) -> OwnSurroundings:
    """Returns what a packed function is to be called in."""
    return _own_in(function.context) if b"own" in function.context else OwnSurroundings(None, {})


@functools.lru_cache(maxsize=100)
def _own_in(packed: bytes) -> OwnSurroundings:
    return OwnSurroundings(*unpack(packed).get("own", (None, {})))


@functools.lru_cache(maxsize=100)
def _with_own(packed: bytes, cwd: str | None, env: tuple[tuple[str, str | None], ...]) -> bytes:
    variables, end, rest = packed.partition(b"\n")
    parts = pickle.loads(rest)
    # Not among the program's variables, which are looked through before they go to nodes: these
    # are asked for.
    parts["own"] = tuple(OwnSurroundings(cwd, dict(env)))
    return b"%s%s%s" % (variables, end, pickle.dumps(parts, 5))
