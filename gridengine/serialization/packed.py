"""Packed objects and functions: what of them others need to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Frame = Any
"""Bytes, or anything that offers a contiguous buffer."""


Packed = tuple[bytes, Sequence[Frame]]
"""An object on its way: its pickle, and the large buffers that this refers to, in order.

The buffers are views, not copies, of the packed object's own memory. If the pickle is large itself,
it is the first of them, and empty in its own place. A plain tuple, for there is one for each job.
"""


class Function(NamedTuple):
    """A packed callable, which travels once to each worker.

    Attributes:
        key: Tells it from all others of this program.
        payload: Its pickle, as in `Packed`.
        frames: The buffers, as in `Packed`.
        name: What people call it.
        context: What else it relies on, see `gridengine.serialization.context`.
        code: The version of the program's modules that it belongs to: no worker shall call it that
            has called one of an earlier version, and may have imported what there is no more.
    """

    key: bytes
    payload: bytes
    frames: Sequence[Frame]
    name: str
    context: bytes = b""
    code: int = 0

    def __repr__(self) -> str:
        # The context may hold a key.
        return f"<Function {self.name}>"
