"""Objects to bytes that `pickle.loads` reads where gridengine is installed, and back.

Functions and classes of ``__main__``, lambdas and closures travel too.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterable
from typing import Any

from ...errors import PackingError
from ...serialization.serializer import Pickler, pack, patient


def dumps(obj: object, what: str) -> bytes:
    """Returns an object as bytes.

    Args:
        obj: It.
        what: How an error shall call it.

    Raises:
        PackingError: Something in it cannot travel; the message says what and where.
    """
    return dumps_by((Pickler, patient(Pickler)), obj, what)


def dumps_by(picklers: Iterable[type[pickle.Pickler]], obj: object, what: str) -> bytes:
    """As `dumps`, by the first of some picklers that can do it.

    Raises:
        PackingError: As `dumps`.
    """
    for pickler in picklers:
        out = io.BytesIO()
        try:
            pickler(out, 5).dump(obj)
        # What a user's own reduction raises may be anything.
        except Exception:  # noqa: S112  # the last word is `pack`'s, which says where it is
            continue
        return out.getvalue()
    pack(obj, what)
    raise PackingError(f"{what} cannot be packed")


def dump_function(function: Callable[..., Any], *, star: bool) -> bytes:
    """Returns a function as bytes, and whether each task is a tuple of its arguments.

    Raises:
        TypeError: It cannot be called.
        PackingError: It cannot travel; the message says why.
    """
    if not callable(function):
        raise TypeError(f"func is {function!r}, which cannot be called")
    return dumps((function, star), "func")


def load_function(data: bytes) -> Callable[[Any], Any]:
    """Returns the function of one task that `dump_function` was given."""
    function, star = pickle.loads(data)
    return (lambda task: function(*task)) if star else function
