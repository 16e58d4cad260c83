"""Large functions that a worker keeps as they came, to be unpacked afresh for each map."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Callable, Sequence
from typing import Any

from ..serialization.packed import ShortOfMemory
from ..serialization.serializer import unpack
from ..transport.messages import FunctionDefinition
from ..transport.shared_memory import Missing


class KeptFunctions:
    """The functions that were defined with their content's name, by this."""

    def __init__(self) -> None:
        self._kept: dict[bytes, _Pickle] = {}

    def unpack(self, definition: FunctionDefinition, frames: Sequence[Any]) -> Callable[..., Any]:
        """Returns the function of a definition: of what came with it, or is kept from before.

        Raises:
            ShortOfMemory: There is no memory to keep it.
        """
        if not definition.content or any(type(frame) is Missing for frame in frames):
            function: Callable[..., Any] = unpack(definition.payload, frames)
            return function
        if definition.frames:
            try:
                self._kept[definition.content] = _Pickle(definition.payload, frames)
            except MemoryError:
                # The program takes it for kept, so this worker had better end.
                sizes = [memoryview(frame).nbytes for frame in frames]
                raise ShortOfMemory(sum(sizes)) from None
        return self._kept[definition.content].unpack()

    def forget(self, content: bytes) -> None:
        """Lets go of what is kept under a name, if anything is."""
        self._kept.pop(content, None)


class _Pickle:
    """A packed function in memory of its own, if the system has some without a name.

    What is unpacked shares its pages until it writes to them: it is there once, and what calls do
    to their arrays stays theirs.
    """

    def __init__(self, payload: bytes, frames: Sequence[Any]) -> None:
        self._payload = payload
        self._frames = [_Buffer.of(frame) or bytes(frame) for frame in frames]

    def unpack(self) -> Callable[..., Any]:
        function: Callable[..., Any] = unpack(
            self._payload, [f.mapped() if isinstance(f, _Buffer) else f for f in self._frames]
        )
        return function


class _Buffer:
    """A large buffer in a file without a name."""

    def __init__(self, descriptor: int, nbytes: int) -> None:
        self._descriptor = descriptor
        self._nbytes = nbytes

    @classmethod
    def of(cls, frame: Any) -> _Buffer | None:
        view = memoryview(frame).cast("B")
        try:
            kept = cls(os.memfd_create("gridengine", os.MFD_CLOEXEC), view.nbytes)
        except (AttributeError, OSError):
            # Linux alone has it; there may be no descriptor left.
            return None
        try:
            at = 0
            while at < view.nbytes:
                at += os.pwrite(kept._descriptor, view[at:], at)
        except OSError:
            return None
        return kept

    def mapped(self) -> mmap.mmap:
        try:
            return mmap.mmap(self._descriptor, self._nbytes, access=mmap.ACCESS_COPY)
        except OSError as error:
            # As an array of that size would: of a limit of the address space, say.
            raise MemoryError(f"no room for {self._nbytes} bytes") from error

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
