"""Has a failed assert of the contract show the values in it, as pytest does for tests."""

from __future__ import annotations

import sys

from .. import extras

_MODULES = ("maps", "functions", "jobs", "failures", "sessions", "talk")


def rewrite_asserts() -> None:
    """Tells pytest of the modules that are not imported yet.

    Raises:
        ModuleNotFoundError: pytest is not installed; the message names the extra.
    """
    with extras.needed("testing", "gridengine.testing"):
        import pytest
    names = (f"{__package__}.{module}" for module in _MODULES)
    pytest.register_assert_rewrite(*(name for name in names if name not in sys.modules))
