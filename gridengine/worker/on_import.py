"""Has something done when a module has been imported; who does not import it pays nothing."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any


def when_imported(name: str, do: Callable[[], object]) -> None:
    """Calls ``do`` as soon as a module of the standard library has been imported, at once if it is.

    Args:
        name: The module.
        do: What is to be done; the module can be imported in it.
    """
    if name in sys.modules:
        do()
    else:
        sys.meta_path.insert(0, _Watch(name, do))


class _Watch:
    """Looks out for one module, once, as the first of those that are asked where modules are."""

    def __init__(self, name: str, do: Callable[[], object]) -> None:
        self._name = name
        self._do = do

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """Returns how the module is imported, and that something is done then; None for others."""
        if name != self._name:
            return None
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._do)  # type: ignore[assignment]
        return spec


class _Loader:
    """Loads a module as its own loader does, and does what is to be done then."""

    def __init__(self, own: Any, do: Callable[[], object]) -> None:
        self._own = own
        self._do = do

    def create_module(self, spec: Any) -> Any:
        """Returns what the module's own loader makes of it."""
        return self._own.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Runs the module's code."""
        # From here on, all is as if nobody had looked.
        module.__spec__.loader = module.__loader__ = self._own
        self._own.exec_module(module)
        self._do()
