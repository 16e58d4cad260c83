"""CPython's own tests of executors, of ``wait`` and ``as_completed``, on `gridengine.Executor`.

They are run from the interpreter's ``test`` package, as it is; not every Python comes with one.
What of them says something else than is meant here:

- The tests whose programs import ``ProcessPoolExecutor`` by name, and those that look at its
  threads, processes and queues, are about its insides. What they are after is tested in
  ``test_executor.py``: the end of the program, of the executor, and what is let go of.
- The result of a short call that is followed by an unexpectedly long one on the same worker may
  come at the second heartbeat only: they are quick here.
- What no worker has been given yet is cancelled, also while the workers start.
- A worker that dies breaks a ``ProcessPoolExecutor``, with all its futures; here it is the affair
  of the call that it ran.
"""

from __future__ import annotations

import functools
import importlib
import unittest
from types import ModuleType
from typing import Any

import pytest

import gridengine

_PACKAGE = "test.test_concurrent_futures"


def _found(*names: str) -> ModuleType:
    """Returns the first of some modules; one file has been made a package of them."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    pytest.skip(f"this Python comes without {_PACKAGE}", allow_module_level=True)


_util = _found(f"{_PACKAGE}.util", _PACKAGE)


def _home(name: str) -> ModuleType:
    return _found(f"{_PACKAGE}.{name}", _PACKAGE)


#: About names and insides of ``concurrent.futures``.
_BY_NAME = ("interpreter_shutdown", "submit_after_interpreter_shutdown", "hang_gh83386")


class _Own(_util.ExecutorMixin):  # type: ignore[misc, name-defined]  # of a module that is looked for
    executor_type = staticmethod(functools.partial(gridengine.Executor, scheduler="process"))

    def setUp(self) -> None:
        super().setUp()
        # A call that has no worker yet is cancelled, where others count it as begun.
        self.executor.submit(int).result()


@pytest.fixture(autouse=True)
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker has done before a long call is said at the second heartbeat."""
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "1")


def _tests_of(mixin: type) -> type[unittest.TestCase]:
    others: dict[str, Any] = {
        f"test_{name}": None for name in _BY_NAME if hasattr(mixin, f"test_{name}")
    }
    return type(mixin.__name__, (_Own, mixin, _util.BaseTestCase), others)


TestExecutor = _tests_of(_home("executor").ExecutorTest)
TestWait = _tests_of(_home("test_wait").WaitTests)
TestAsCompleted = _tests_of(_home("test_as_completed").AsCompletedTests)
TestShutdown = _tests_of(_home("test_shutdown").ExecutorShutdownTest)
