"""The random numbers of seeded calls: each call of a map has its own, wherever it runs.

They come from the seed of the map and the number of the call alone. numpy's own means for that is a
`SeedSequence` with the number as its ``spawn_key`` (NEP 19; after M. E. O'Neill's ``seed_seq_fe``,
https://www.pcg-random.org/posts/developing-a-seed_seq-alternative.html). `random` is seeded with a
text, of which it takes the SHA-512 (its version 2), so that it does not depend on whether numpy is
there. And numpy is imported for nobody: where a call does it, numpy's generator is seeded then.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..serialization.function_options import Seed
from ..states import Mode
from .calls import Items

if TYPE_CHECKING:
    import numpy as np

_NUMPY = "numpy.random"

#: 32-bit words for numpy's global generator: as much as a SeedSequence holds.
_WORDS = 4


class _CallSeed:
    """What one call is seeded with."""

    def __init__(self, seed: Seed, call: int) -> None:
        self._seed = seed
        self._key = (*seed.spawn_key, call)
        self._sequence: np.random.SeedSequence | None = None

    @property
    def text(self) -> str:
        return f"{self._seed.entropy} {self._key} {self._seed.pool_size}"

    def sequence(self) -> np.random.SeedSequence:
        if self._sequence is None:
            from .. import extras

            with extras.needed("numpy", "gridengine.seed_sequence()"):
                from numpy.random import SeedSequence

            self._sequence = SeedSequence(
                self._seed.entropy, spawn_key=self._key, pool_size=self._seed.pool_size
            )
        return self._sequence

    def seed_numpy(self) -> None:
        sys.modules[_NUMPY].seed(self.sequence().generate_state(_WORDS))


#: That of the call that runs. Its threads have it too.
_current: _CallSeed | None = None


def seed_sequence() -> np.random.SeedSequence | None:
    """Returns what the random numbers of the running call come from.

    In a call of a map with ``seed=`` that is a `numpy.random.SeedSequence` of its own, the same
    one each time in a call, and in each run of the program the same for the same call:
    ``numpy.random.default_rng(gridengine.seed_sequence())`` is its generator. Elsewhere it is None,
    with which ``default_rng`` makes a generator that nobody can foresee.

    Raises:
        ImportError: numpy is not installed where the call runs.
    """
    return None if _current is None else _current.sequence()


class SeededCalls:
    """A function of the number of a call and its item.

    Args:
        function: What is called.
        mode: How it is applied to an item.
        seed: That of the map.
    """

    def __init__(self, function: Callable[..., Any], mode: int, seed: Seed) -> None:
        self._function = function
        self._star = mode == Mode.STARMAP
        self._seed = seed

    def __call__(self, number: int, item: Any) -> Any:
        """Calls it, all generators seeded."""
        import random

        global _current
        _current = _CallSeed(self._seed, number)
        random.seed(_current.text)
        if _NUMPY in sys.modules:
            _current.seed_numpy()
        return self._function(*item) if self._star else self._function(item)


class NumberedItems:
    """Items, each with the number of its call.

    Args:
        items: They.
        first: The number of the first.
    """

    def __init__(self, items: Items, first: int) -> None:
        self._items = items
        self._first = first

    def __getitem__(self, part: slice, /) -> Iterable[tuple[int, Any]]:
        """Returns some neighbours."""
        return zip(itertools.count(self._first + part.start), self._items[part])


def streams_of(seed: Seed | None) -> contextlib.AbstractContextManager[None]:
    """Returns the context in which calls are to run that are seeded so, or not at all.

    What runs afterwards finds the generators as they were.
    """
    if seed is None and _current is None:
        return contextlib.nullcontext()
    return _hidden() if seed is None else _kept()


@contextlib.contextmanager
def _hidden() -> Iterator[None]:
    global _current
    outer, _current = _current, None
    try:
        yield
    finally:
        _current = outer


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    import random

    state = random.getstate()
    numpy = sys.modules.get(_NUMPY)
    numpys = None if numpy is None else numpy.get_state()
    watch = _ImportOfNumpy()
    if numpy is None:
        sys.meta_path.insert(0, watch)
    try:
        with _hidden():
            yield
    finally:
        watch.end()
        random.setstate(state)
        if numpy is not None:
            numpy.set_state(numpys)
        elif _NUMPY in sys.modules:
            # What came with the import is no secret any more.
            sys.modules[_NUMPY].seed()


class _ImportOfNumpy:
    """Seeds numpy's generator when a call imports it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """Returns how `numpy.random` is imported and seeded, None for other modules."""
        if name != _NUMPY:
            return None
        self.end()
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_seed(module: Any) -> None:
                execute(module)
                if _current is not None:
                    _current.seed_numpy()

            spec.loader.exec_module = execute_and_seed  # type: ignore[method-assign]
        return spec

    def end(self) -> None:
        """Is not asked any more."""
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)
