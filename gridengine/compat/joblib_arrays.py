"""joblib's batches to frames: large arrays that several of them have travel once.

joblib writes arrays from ``max_nbytes`` on to files, each once in a `joblib.Parallel`, and has its
workers map them. Here the first batch that has an array takes it along. If a second one has it too,
it becomes a part of the function that runs the batches, which each worker gets once.
"""

from __future__ import annotations

import copyreg
import mmap
import pickle
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

from ..serialization.functions import pack_once
from ..serialization.packed import Function, Packed
from ..serialization.serializer import Pickler, pack_arguments, pack_by
from ..transport.shared_memory import gather
from .joblib_worker import BatchRunner, array_of_file, shared_array

_packing = threading.local()


class BatchPickler(Pickler):
    """The pickler of batches, in a thread that has said whose batch it packs."""

    # By their types, and not by the reducer: that is asked about each object.
    dispatch_table: Any = MappingProxyType({})


def _reduce_array(array: Any) -> Any:
    reduced = _packing.batches.reduce_array(array)
    return array.__reduce_ex__(5) if reduced is None else reduced


def _note_types() -> None:
    """Has the pickler know arrays, if there are any in the program, and what others have noted."""
    numpy = sys.modules.get("numpy")
    arrays = () if numpy is None else (numpy.ndarray, numpy.memmap)
    BatchPickler.dispatch_table = {
        **copyreg.dispatch_table, **dict.fromkeys(arrays, _reduce_array)
    }  # fmt: skip


class BatchPacker:
    """Packs the batches of one call of a `joblib.Parallel`.

    Args:
        remote: Whether the workers may be on other hosts, which need not see the same files.
        least: Bytes from which an array travels once, None for never.
        mmap_mode: What may be done to such an array: as for `joblib.Parallel`.
        threads: As of `BatchRunner`.
        initializer: As of `BatchRunner`.
    """

    def __init__(
        self,
        *,
        remote: bool,
        least: int | None,
        mmap_mode: str | None,
        threads: int | None,
        initializer: tuple[int, Callable[..., object], Sequence[Any]] | None,
    ) -> None:
        self._remote = remote
        self._least = least
        self._writable = mmap_mode in (None, "c")
        self._threads = threads
        self._initializer = initializer
        # An array is told by where it lies: a view of it is another object each time. As long as
        # its owner lives, nothing else can lie there.
        self._seen: dict[tuple[Any, ...], weakref.ref[Any]] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._shared: list[Any] = []
        self._used: set[int] = set()
        self._functions: dict[frozenset[int], Function] = {}

    def pack(self, batch: object) -> tuple[frozenset[int], Packed]:
        """Returns a batch as the arguments of its `function`, and the arrays that this must have.

        One thread at a time may call it; joblib has a lock for that.

        Raises:
            PackingError: Something in it cannot travel; the message says what and where.
        """
        self._used = set()
        outer = getattr(_packing, "batches", None)
        _packing.batches = self
        _note_types()
        try:
            payload, frames = pack_by(BatchPickler, batch, "the calls")
        finally:
            _packing.batches = outer
        apart = (pickle.PickleBuffer(frame) for frame in gather(frames))
        return frozenset(self._used), pack_arguments(((payload, *apart), {}))

    def function(self, numbers: frozenset[int], share: Callable[[Function], Function]) -> Function:
        """Returns what runs the batches that have these arrays.

        Args:
            numbers: Those of the arrays.
            share: Makes a new function ready for the workers, see `gridengine.dispatcher.sharing`.

        Raises:
            PackingError: The initializer cannot travel.
        """
        if numbers not in self._functions:
            arrays = {number: self._shared[number] for number in sorted(numbers)}
            runner = BatchRunner(arrays, self._writable, self._threads, self._initializer)
            self._functions[numbers] = share(pack_once(runner, "the initializer"))
        return self._functions[numbers]

    def functions(self) -> list[Function]:
        """Returns all that `function` has returned."""
        return list(self._functions.values())

    def reduce_array(self, array: Any) -> Any:
        """Reduces an array to its file, or to its number; None if it travels itself."""
        by_file = _reduced_to_file(array, self._remote)
        if by_file is not None:
            return by_file
        # Objects in it would be shared by calls that change them.
        if self._least is None or array.nbytes < self._least or array.dtype.hasobject:
            return None
        number = self._number_of(array)
        if number is None:
            return None
        self._used.add(number)
        return shared_array, (number,)

    def _number_of(self, array: Any) -> int | None:
        """Returns the number of an array that travels apart, None for one seen for the first time.

        In a batch of its own, that is: within one, the pickler knows it again.
        """
        begin = array.__array_interface__["data"][0]
        layout = (begin, array.dtype, array.shape, array.strides)
        number = self._numbers.get(layout)
        if number is not None:
            return number
        owner = _owner(array)
        seen = self._seen.get(layout)
        if seen is None or seen() is not owner:
            self._seen[layout] = weakref.ref(owner)
            return None
        self._numbers[layout] = len(self._shared)
        # Alive from now on, so that nothing else can lie where it is.
        self._shared.append(_plain(array))
        return self._numbers[layout]


def _owner(array: Any) -> Any:
    """Returns the array whose memory it is."""
    while isinstance(array.base, sys.modules["numpy"].ndarray):
        array = array.base
    return array


def _plain(array: Any) -> Any:
    """Returns an array without its file."""
    return array.view(sys.modules["numpy"].ndarray)


def _reduced_to_file(array: Any, remote: bool) -> Any:
    """Returns how an array on a memory map is opened anew, None for one that travels itself.

    What is written to such a map is meant for its file, so a copy will not do; what cannot be
    written may be copied to where the file is perhaps not.
    """
    memory = _memory_map_of(array)
    if memory is None or not memory.filename or memory.mode not in ("r", "r+", "w+"):
        return None
    if remote and memory.mode == "r":
        return None
    begin = memory.__array_interface__["data"][0]
    at = array.__array_interface__["data"][0] - begin
    mode = "r" if memory.mode == "r" else "r+"
    layout = (array.dtype, array.shape, array.strides, at)
    return array_of_file, (str(memory.filename), mode, (memory.offset, memory.nbytes), layout)


def _memory_map_of(array: Any) -> Any:
    while array is not None:
        if isinstance(getattr(array, "base", None), mmap.mmap):
            return array if hasattr(array, "filename") else None
        array = getattr(array, "base", None)
    return None
