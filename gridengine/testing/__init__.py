"""The tests that hold every scheduler of this package, for those who write one.

`SchedulerContract` has them, as a class for pytest (``pip install 'gridengine[testing]'``)::

    from gridengine.testing import SchedulerContract

    class TestMine(SchedulerContract):
        def make_scheduler(self):
            return MyScheduler(max_workers=2)

``docs/reference/testing.md`` says what is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contract import SchedulerContract

__all__ = ["SchedulerContract"]


def __getattr__(name: str) -> object:
    # Workers import the functions of the tests from this package, and need no pytest.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .rewriting import rewrite_asserts

    rewrite_asserts()
    from .contract import SchedulerContract

    globals()[name] = SchedulerContract
    return SchedulerContract


def __dir__() -> list[str]:
    return __all__
