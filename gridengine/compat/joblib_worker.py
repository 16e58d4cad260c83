"""What runs joblib's batches in a worker.

It comes before joblib and numpy: how many threads numeric libraries start is read when they are
imported.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..transport.launch_file import THREADS

_current = threading.local()

#: Initializers that this process has called, by their numbers in the program.
_initialized: set[int] = set()


class BatchRunner:
    """The function of all batches of a `joblib.Parallel` that share the same large arrays.

    It is packed, and sent, as any function of jobs is: once to each worker.

    Args:
        arrays: What the batches share, by number.
        writable: Whether each batch gets copies, to be changed at will; otherwise what writes to
            one of them raises, as with joblib's own memory maps.
        threads: How many threads numeric libraries may use, None for what the worker says.
        initializer: What each worker calls before its first batch: a number, the function and its
            arguments.
    """

    def __init__(
        self,
        arrays: Mapping[int, Any],
        writable: bool,
        threads: int | None,
        initializer: tuple[int, Callable[..., object], Sequence[Any]] | None,
    ) -> None:
        self._arrays = arrays
        self._writable = writable
        self._threads = threads
        self._initializer = initializer

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for array in self._arrays.values():
            array.flags.writeable = False

    def __call__(self, payload: Any, *buffers: Any) -> Any:
        """Runs one batch.

        Args:
            payload: Its pickle; if that is empty, it is the first of the buffers.
            buffers: What the pickle refers to.
        """
        with _limited(self._threads):
            self._initialize()
            rest = iter(buffers)
            return self._unpacked(payload or next(rest), rest)()

    def _unpacked(self, payload: Any, buffers: Iterator[Any]) -> Any:
        outer = getattr(_current, "array", None)
        _current.array = self._array
        try:
            return pickle.loads(payload, buffers=buffers)
        finally:
            _current.array = outer

    def _array(self, number: int) -> Any:
        array = self._arrays[number]
        return array.copy(order="K") if self._writable else array

    def _initialize(self) -> None:
        if self._initializer is None:
            return
        number, function, arguments = self._initializer
        if number not in _initialized:
            function(*arguments)
            _initialized.add(number)


def shared_array(number: int) -> Any:
    """Returns an array that the batches share, while one of them is unpacked."""
    return _current.array(number)


def array_of_file(
    filename: str,
    mode: str,
    place: tuple[int, int],
    layout: tuple[Any, tuple[int, ...], tuple[int, ...], int],
) -> Any:
    """Returns an array on a memory map of a file.

    Args:
        filename: The file.
        mode: As numpy has it: "r" or "r+".
        place: Where in the file the memory map begins, and its bytes.
        layout: The array's type, shape and strides, and where it begins in the map.

    Raises:
        OSError: There is no such file here.
    """
    import numpy as np

    dtype, shape, strides, at = layout
    memory = np.memmap(filename, np.uint8, mode, place[0], (place[1],))  # type: ignore[call-overload]  # any mode
    array: Any = np.ndarray(shape, dtype, memory, at, strides)
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        return array
    # Whoever has a memory map may flush it.
    order = "C" if array.flags.c_contiguous else "F"
    return memory[at : at + array.nbytes].view(dtype).reshape(shape, order=order)


@contextlib.contextmanager
def _limited(threads: int | None) -> Iterator[None]:
    """Has numeric libraries use so many threads at most, those imported meanwhile too."""
    if threads is None:
        yield
        return
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    try:
        with _limited_now(threads):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _limited_now(threads: int) -> contextlib.AbstractContextManager[object]:
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return contextlib.nullcontext()
    limits: contextlib.AbstractContextManager[object] = threadpool_limits(threads)
    return limits
