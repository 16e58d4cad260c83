"""Modules: which of them a worker can import, and the worker's own ``__main__``."""

from __future__ import annotations

import builtins
import importlib
import sys
import types
from typing import Any

_MISSING = object()
_verdicts: dict[tuple[str, int], bool] = {}
_namespaces: dict[str, dict[str, Any]] = {}
_in_worker = False


def become_worker() -> None:
    """Makes room for the program's ``__main__`` in a worker, once, at its start.

    Functions and classes that arrive fill it; names that they bring overwrite older ones.
    """
    global _in_worker
    _in_worker = True
    sys.modules["__main__"] = types.ModuleType("__main__")
    _verdicts.clear()


def in_worker() -> bool:
    """Returns True in a worker."""
    return _in_worker


def namespace(name: str, package: str | None, file: str | None) -> dict[str, Any]:
    """Returns the globals that arriving functions of module ``name`` share."""
    known = _namespaces.get(name)
    if known is not None:
        return known
    if name == "__main__" or (not _in_worker and name in sys.modules):
        globals_ = vars(sys.modules[name])
    else:
        globals_ = {"__name__": name}
    globals_.setdefault("__builtins__", builtins)
    if _in_worker:
        globals_["__package__"] = package
        if file is not None:
            globals_["__file__"] = file
        # Only here: in the program, a module of that name may yet be loaded anew.
        _namespaces[name] = globals_
    return globals_


def importable(obj: Any) -> bool:
    """Returns True if a worker finds ``obj`` by its module and qualified name."""
    name = getattr(obj, "__module__", None)
    if not isinstance(name, str) or not module_importable(name):
        return False
    found: Any = sys.modules.get(name)
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, _MISSING)
    return found is obj


def module_importable(name: str) -> bool:
    """Returns True if a worker with the same import path finds this very module."""
    module = sys.modules.get(name)
    key = name, id(module)
    verdict = _verdicts.get(key)
    if verdict is None:
        verdict = _verdicts[key] = _is_importable(name, module)
    return verdict


def _is_importable(name: str, module: types.ModuleType | None) -> bool:
    if module is None or name in ("__main__", "__mp_main__"):
        return False
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    loaded = sys.modules.get(top)
    spec = _find(top)
    if spec is None or loaded is None:
        return False
    # A file of the same name elsewhere, or a module made by hand, is another one.
    own = getattr(loaded, "__spec__", None)
    if own is not None and own.origin == spec.origin:
        return name == top or getattr(module, "__spec__", None) is not None
    return getattr(loaded, "__file__", None) == spec.origin is not None


def _find(name: str) -> Any:
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec = find_spec(name, None) if find_spec is not None else None
        if spec is not None:
            return spec
    return None


def reduce(module: types.ModuleType) -> Any:
    """Returns how a module travels: as the name of what to import.

    Raises:
        TypeError: A worker could not import it.
    """
    name = module.__name__
    if name == "__main__" and sys.modules.get(name) is module:
        return _main_module, ()
    if sys.modules.get(name) is not module or not module_importable(name):
        raise TypeError(f"module {name!r} cannot be imported by a worker: it is not on sys.path")
    return importlib.import_module, (name,)


def _main_module() -> types.ModuleType:
    return sys.modules["__main__"]
