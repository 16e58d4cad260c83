"""Modules: which of them a worker can import, and the worker's own ``__main__``."""

from __future__ import annotations

import builtins
import importlib
import sys
import types
import weakref
from collections.abc import Sequence
from typing import Any

_MISSING = object()
_verdicts: dict[str, tuple[types.ModuleType | None, bool]] = {}
_namespaces: dict[str, dict[str, Any]] = {}
_spaces: weakref.WeakValueDictionary[int, Space] = weakref.WeakValueDictionary()
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


def publish(obj: Any) -> None:
    """Lets the code of a worker find what has arrived by its name in ``__main__``, as pickle does.

    Args:
        obj: A function or class.
    """
    name = obj.__qualname__
    if _in_worker and obj.__module__ == "__main__" and name.isidentifier():
        vars(sys.modules["__main__"]).setdefault(name, obj)


class Space:
    """The globals of functions, on their way; one for all functions of a pickle that share them.

    Attributes:
        shared: Name of the module whose globals they are, which all that arrives shares; None
            if they are no module's (of ``exec``, say), or of one that a worker imports.
        imported: Whether it is one that a worker imports, so that none of them must travel.
    """

    def __init__(self, globals_: dict[str, Any]) -> None:
        # As long as it lives, so that no other dict gets its id.
        self._globals = globals_
        self.imported = are_imported(globals_)
        own = not self.imported and _are_known(globals_)
        self.shared: str | None = globals_["__name__"] if own else None

    def __reduce__(self) -> tuple[Any, ...]:
        if self.imported:
            return _globals_of, (self._globals["__name__"],)
        names = ("__name__", "__package__", "__file__")
        about = {name: self._globals[name] for name in names if name in self._globals}
        return namespace, (self.shared, about)


def are_imported(globals_: dict[str, Any]) -> bool:
    """Returns True for the globals of a module that a worker imports."""
    name = globals_.get("__name__")
    if not isinstance(name, str) or not module_importable(name):
        return False
    return vars(sys.modules[name]) is globals_


def _are_known(globals_: dict[str, Any]) -> bool:
    name: Any = globals_.get("__name__")
    if not isinstance(name, str):
        return False
    module = sys.modules.get(name)
    return globals_ is _namespaces.get(name) or (module is not None and vars(module) is globals_)


def space_of(globals_: dict[str, Any]) -> Space:
    """Returns the space of some globals, the same as long as somebody holds it."""
    space = _spaces.get(id(globals_))
    if space is None:
        space = _spaces[id(globals_)] = Space(globals_)
    return space


def _globals_of(name: str) -> dict[str, Any]:
    return vars(importlib.import_module(name))


def namespace(shared: str | None, about: dict[str, Any]) -> dict[str, Any]:
    """Returns the globals for arriving functions: those of module ``shared``, or new ones."""
    if shared is None:
        return {"__builtins__": builtins, **about}
    known = _namespaces.get(shared)
    if known is not None:
        return known
    if shared == "__main__" or (not _in_worker and shared in sys.modules):
        globals_ = vars(sys.modules[shared])
    else:
        globals_ = {}
    globals_.setdefault("__builtins__", builtins)
    if _in_worker:
        globals_.update(about)
        # Only here: in the program, a module of that name may yet be loaded anew.
        _namespaces[shared] = globals_
    return globals_


def importable(obj: Any) -> bool:
    """Returns True if a worker finds ``obj`` by its module and qualified name."""
    name = getattr(obj, "__module__", None)
    if not isinstance(name, str) or not module_importable(name):
        return False
    found: Any = sys.modules.get(name)
    for part in getattr(obj, "__qualname__", "").split("."):
        found = getattr(found, part, _MISSING)
    return found is obj


def module_importable(name: str) -> bool:
    """Returns True if a worker with the same import path finds this very module."""
    module = sys.modules.get(name)
    known = _verdicts.get(name)
    if known is None or known[0] is not module:
        known = _verdicts[name] = module, module is not None and _is_importable(name, module)
    return known[1]


def _is_importable(name: str, module: types.ModuleType) -> bool:
    parent, _, last = name.rpartition(".")
    path = None
    if parent:
        if not module_importable(parent):
            return False
        path = getattr(sys.modules[parent], "__path__", None)
        if getattr(sys.modules[parent], last, None) is module and not _file(module):
            # The parent makes it when it is imported, as os does path.
            return True
    elif name in ("__main__", "__mp_main__"):
        return False
    elif name in sys.stdlib_module_names:
        return True
    spec = _find(name, path)
    # A file of the same name elsewhere, or a module made by hand, is another one.
    own = getattr(module, "__spec__", None)
    if spec is None or (own is None and not _file(module)):
        return name.partition(".")[0] in sys.stdlib_module_names
    return bool(spec.origin == (own.origin if own is not None else _file(module)))


def _file(module: types.ModuleType) -> str | None:
    return getattr(module, "__file__", None)


def _find(name: str, path: Sequence[str] | None) -> Any:
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec = find_spec(name, path) if find_spec is not None else None
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
