"""CPython's own tests of `multiprocessing.Pool`, run against `gridengine.Pool`.

They come from the interpreter that runs this, where it has them. What differs, and why, is said of
each test in `DIFFERENT`: those must fail.
"""

from __future__ import annotations

import functools
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gridengine

theirs: Any = pytest.importorskip(
    "test._test_multiprocessing", reason="this Python comes without CPython's own tests"
)

#: What is not as in CPython, by its test.
DIFFERENT = {
    # A pool has no processes of its own that could be looked at as ``_pool``: it may have them on
    # other hosts, and only as many as there is work for.
    "test_make_pool": "looks into Pool._pool",
    "test_pool_worker_lifetime": "looks into Pool._pool",
    # It sets ``_state`` by hand to have a pool that was terminated count as running.
    "test_resource_warning": "sets Pool._state",
    # The error is a PackingError, which names the argument, with theirs as its ``__cause__``.
    "test_map_unplicklable": "another exception",
    # The cause is an exception of this package's, with the same text.
    "test_traceback": "another type of the cause",
    # Lambdas travel, and so do results that refer to them.
    "test_unpickleable_result": "the result can travel",
}


_made: list[gridengine.Pool] = []


def make_pool(*args: Any, **kwargs: Any) -> gridengine.Pool:
    """Makes a pool of this host's processes, which ends with the test if that does not end it."""
    pool = gridengine.Pool(*args, **kwargs, scheduler="process")
    _made.append(pool)
    return pool


@pytest.fixture(autouse=True)
def their_pool_is_ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has ``multiprocessing.Pool`` be this one in their tests."""
    monkeypatch.setattr(theirs.multiprocessing, "Pool", make_pool)
    del _made[:]
    yield
    # A test that fails, as some of them shall, leaves its pool open.
    for pool in _made:
        pool.terminate()
    del _made[:]


class Warm:
    """Has the pool that the tests of a class share start all that it needs before the first."""

    Pool = staticmethod(make_pool)
    TYPE = "processes"
    pool: gridengine.Pool

    @classmethod
    def setUpClass(cls) -> None:
        """Makes it."""
        super().setUpClass()  # type: ignore[misc]  # of a TestCase
        cls.pool.apply_async(abs, (1,), callback=abs).get()
        assert [1] == list(cls.pool.imap(abs, iter([1])))


def ours(base: type, *mixins: type) -> type:
    """Returns a test case of theirs, with this pool."""
    own: dict[str, Any] = {
        name: unittest.expectedFailure(functools.wraps(test)(_calling(test)))
        for name in DIFFERENT
        if (test := getattr(base, name, None)) is not None
    }
    own.update(TYPE="processes", __module__=__name__)
    return type(base.__name__.lstrip("_"), (*mixins, base, unittest.TestCase), own)


def _calling(test: Callable[[Any], None]) -> Callable[[Any], None]:
    # Not the very one, which is not to be marked.
    return lambda self: test(self)


TestPool = ours(theirs._TestPool, Warm)
TestPoolWorkerErrors = ours(theirs._TestPoolWorkerErrors)
TestPoolWorkerLifetime = ours(theirs._TestPoolWorkerLifetime)


def test_what_differs_is_there() -> None:
    cases = (TestPool, TestPoolWorkerErrors, TestPoolWorkerLifetime)
    assert [name for name in DIFFERENT if not any(hasattr(case, name) for case in cases)] == []
