"""Packed objects and functions: what of them others need to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import format_bytes

Frame = Any
"""Bytes, or anything that offers a contiguous buffer."""


Packed = tuple[bytes, Sequence[Frame]]
"""An object on its way: its pickle, and the large buffers that this refers to, in order.

The buffers are views, not copies, of the packed object's own memory. If the pickle is large itself,
it is the first of them, and empty in its own place. A plain tuple, for there is one for each job.
"""


class ShortOfMemory(MemoryError):
    """There was no memory to bring an object to where it is needed.

    Attributes:
        nbytes: How much was missing at least.
    """

    def __init__(self, nbytes: int) -> None:
        super().__init__(f"no memory for {format_bytes(nbytes)} at once")
        self.nbytes = nbytes


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
        content: Tells what is in it from all else, for workers to keep it; empty if they do not.
    """

    key: bytes
    payload: bytes
    frames: Sequence[Frame]
    name: str
    context: bytes = b""
    code: int = 0
    content: bytes = b""

    def __repr__(self) -> str:
        # The context may hold a key.
        return f"<Function {self.name}>"
