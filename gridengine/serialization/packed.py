"""Packed objects and functions: what of them others need to know."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Frame = Any
"""Bytes, or anything that offers a contiguous buffer."""


class Packed(NamedTuple):
    """An object on its way.

    Attributes:
        payload: The pickle, empty if it is the first of the frames.
        frames: The large buffers that it refers to, in order; views, not copies, of the
            packed object's own memory.
    """

    payload: bytes
    frames: Sequence[Frame]


packed_of: Callable[[tuple[bytes, Sequence[Frame]]], Packed] = functools.partial(
    tuple.__new__, Packed
)
"""Makes a `Packed` of a tuple of its fields, in half the time: there is one for each job."""


class Function(NamedTuple):
    """A packed callable, which travels once to each worker.

    Attributes:
        key: Tells it from all others of this program.
        payload: As in `Packed`.
        frames: As in `Packed`.
        name: What people call it.
    """

    key: bytes
    payload: bytes
    frames: Sequence[Frame]
    name: str
