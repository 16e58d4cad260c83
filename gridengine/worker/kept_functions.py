"""Large functions that a worker keeps as they came, to be unpacked afresh for each map."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Callable, Sequence
from typing import Any

from ..serialization.packed import ShortOfMemory
from ..serialization.serializer import unpack
from ..transport.descriptors import leave_some
from ..transport.messages import FunctionDefinition
from ..transport.shared_memory import Missing

#: Bytes at whose multiples processors like arrays to begin.
_ALIGNMENT = 64


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
        self._frames = _NamelessFile.of(frames) or [bytes(frame) for frame in frames]

    def unpack(self) -> Callable[..., Any]:
        frames = self._frames
        mapped = frames.mapped() if isinstance(frames, _NamelessFile) else frames
        function: Callable[..., Any] = unpack(self._payload, mapped)
        return function


class _NamelessFile:
    """Buffers in one file in memory: one descriptor, and one more while they are mapped."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._parts: list[slice] = []

    @classmethod
    def of(cls, frames: Sequence[Any]) -> _NamelessFile | None:
        """Returns a file with copies of buffers, None if there can be none."""
        try:
            file = cls(leave_some(os.memfd_create("gridengine", os.MFD_CLOEXEC)))
        except (AttributeError, OSError):
            # Linux alone has it; there may be no descriptor left.
            return None
        try:
            for frame in frames:
                file._append(memoryview(frame).cast("B"))
        except OSError:
            return None
        return file

    def _append(self, view: memoryview) -> None:
        end = self._parts[-1].stop if self._parts else 0
        begin = at = -(-end // _ALIGNMENT) * _ALIGNMENT
        while at < begin + view.nbytes:
            at += os.pwrite(self._descriptor, view[at - begin :], at)
        self._parts.append(slice(begin, at))

    def mapped(self) -> list[memoryview]:
        """Returns the buffers, to be changed at will.

        Raises:
            MemoryError: There is no room for them.
        """
        length = self._parts[-1].stop
        try:
            memory = memoryview(mmap.mmap(self._descriptor, length, access=mmap.ACCESS_COPY))
        except OSError as error:
            # As an array of that size would: of a limit of the address space, say.
            raise MemoryError(f"no room for {length} bytes") from error
        return [memory[part] for part in self._parts]

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
