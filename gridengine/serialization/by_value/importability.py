"""What a worker finds by its name, and so need not be sent."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from typing import Any

from .shared_values import begin_generation

_MISSING = object()
_verdicts: dict[str, tuple[types.ModuleType | None, bool]] = {}
_registered: set[str] = set()


def register_by_value(module: types.ModuleType) -> None:
    """Sends functions and classes of a module by their contents, for nodes that lack it.

    Those of ``__main__`` go that way by themselves, as do those of a file outside the import
    path. With a package go all modules in it. What `cloudpickle.register_pickle_by_value` was
    given counts as well.

    Args:
        module: One that this program has imported, such as a file beside it that the nodes of
            a cluster do not see, or see in another version.

    Raises:
        TypeError: It is no module.
    """
    if not isinstance(module, types.ModuleType):
        raise TypeError(f"a module is needed, not {module!r}")
    _registered.add(module.__name__)
    begin_generation()


def unregister_by_value(module: types.ModuleType) -> None:
    """Undoes `register_by_value`: a worker imports the module again.

    Raises:
        ValueError: It is not registered.
    """
    name = getattr(module, "__name__", None)
    if name not in _registered:
        raise ValueError(f"{module!r} is not registered to go by value")
    _registered.remove(name)
    begin_generation()


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
    """Returns True if a worker with the same import path finds this very module.

    False for one that is to go by value, here or for cloudpickle.
    """
    return _is_found(name) and not _is_registered(name)


def _is_found(name: str) -> bool:
    module = sys.modules.get(name)
    known = _verdicts.get(name)
    if known is None or known[0] is not module:
        known = _verdicts[name] = module, module is not None and _finds(name, module)
    return known[1]


def forget() -> None:
    """Forgets what could be imported, for the import path or ``__main__`` is another one."""
    _verdicts.clear()


def _is_registered(name: str) -> bool:
    cloudpickle: Any = sys.modules.get("cloudpickle")
    elsewhere = cloudpickle.list_registry_pickle_by_value() if cloudpickle is not None else ()
    while (_registered or elsewhere) and name:
        if name in _registered or name in elsewhere:
            return True
        name = name.rpartition(".")[0]
    return False


def _finds(name: str, module: types.ModuleType) -> bool:
    parent, _, last = name.rpartition(".")
    path = None
    if parent:
        if not _is_found(parent):
            return False
        path = getattr(sys.modules[parent], "__path__", None)
        if getattr(sys.modules[parent], last, None) is module and not _file(module):
            # The parent makes it when it is imported, as os does path.
            return True
    elif name in ("__main__", "__mp_main__"):
        return False
    elif name in sys.stdlib_module_names:
        return True
    spec = find_spec(name, path)
    # A file of the same name elsewhere, or a module made by hand, is another one.
    own = getattr(module, "__spec__", None)
    if spec is None or (own is None and not _file(module)):
        return name.partition(".")[0] in sys.stdlib_module_names
    return bool(spec.origin == (own.origin if own is not None else _file(module)))


def _file(module: types.ModuleType) -> str | None:
    return getattr(module, "__file__", None)


def find_spec(name: str, path: Sequence[str] | None) -> Any:
    """Returns where an import finds a module now, None if nowhere.

    Args:
        name: Its whole name.
        path: That of its package; None if it is in none.
    """
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec = find_spec(name, path) if find_spec is not None else None
        if spec is not None:
            return spec
    return None
