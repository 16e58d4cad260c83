"""``import gridmap`` for programs that are not to be changed."""

from __future__ import annotations

import importlib
import sys

from ...errors import GridEngineError

NAME = "gridmap"

_PACKAGE = __name__.rpartition(".")[0]

#: GridMap's own modules.
_MODULES = ("conf", "data", "job", "runner", "version", "web")


def install() -> None:
    """Has ``import gridmap`` find this package, in this program and in the jobs of its calls.

    Idempotent.

    Raises:
        GridEngineError: GridMap itself was imported before.
    """
    ours = importlib.import_module(_PACKAGE)
    there = sys.modules.get(NAME)
    if there is not None and there is not ours:
        raise GridEngineError(
            f"gridmap is imported already, from {getattr(there, '__file__', None)}: call "
            f"{_PACKAGE}.install() before"
        )
    for module in _MODULES:
        sys.modules[f"{NAME}.{module}"] = importlib.import_module(f"{_PACKAGE}.{module}")
    sys.modules[NAME] = ours


def is_installed() -> bool:
    """Tells whether ``import gridmap`` finds this package."""
    there = sys.modules.get(NAME)
    return there is not None and there is sys.modules.get(_PACKAGE)
