"""Globals on their way: those of a module are one namespace for all that arrives in a worker.

Functions that arrive one after the other see what the others have set, as in the program. Those
of ``__main__`` are the worker's own ``__main__``, and those of a module that a worker imports are
that module's own there, see `own_globals`.
"""

from __future__ import annotations

import _thread
import builtins
import contextlib
import importlib
import sys
import types
import weakref
from collections.abc import Iterator
from typing import Any

from . import own_globals, shared_values
from .importability import forget, module_importable
from .refused import belongs_to_a_process

_modules: dict[str, types.ModuleType] = {}
_namespaces: weakref.WeakValueDictionary[int, Namespace] = weakref.WeakValueDictionary()
_in_worker = False


class _Arriving(_thread._local):
    """What this thread knows of what it unpacks."""

    from_here = False


_arriving = _Arriving()


def become_worker() -> None:
    """Makes room for the program's ``__main__`` in a worker, once, at its start.

    Functions and classes that arrive fill it; names that they bring overwrite older ones.
    """
    global _in_worker
    _in_worker = True
    sys.modules["__main__"] = types.ModuleType("__main__")
    forget()


def in_worker() -> bool:
    """Returns True in a worker, for what arrives from the program."""
    return _in_worker and not _arriving.from_here


@contextlib.contextmanager
def from_here() -> Iterator[None]:
    """Has all that this thread unpacks meanwhile count as packed by this very process.

    So it changes nothing that is there: a worker has the globals and classes of what it has packed.
    """
    before, _arriving.from_here = _arriving.from_here, True
    try:
        yield
    finally:
        _arriving.from_here = before


def publish(obj: Any) -> None:
    """Lets the code of a worker find what has arrived by its name in ``__main__``, as pickle does.

    Args:
        obj: A function or class.
    """
    name = obj.__qualname__
    if in_worker() and obj.__module__ == "__main__" and name.isidentifier():
        vars(sys.modules["__main__"]).setdefault(name, obj)


class Namespace:
    """The globals of functions, on their way; arrives as a module that has them.

    Attributes:
        shared: Name of the module whose globals they are, which all that arrives shares; None
            if they are no module's (of ``exec``, say).
    """

    def __init__(self, globals_: dict[str, Any]) -> None:
        # As long as it lives, so that no other dict gets its id.
        self._globals = globals_
        self.shared: str | None = globals_["__name__"] if _are_known(globals_) else None

    @property
    def imported(self) -> bool:
        """Whether a worker imports the module."""
        name = self.shared
        return (
            name is not None
            and name != "__main__"
            and module_importable(name)
            and (vars(sys.modules[name]) is self._globals)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        if self.imported:
            return importlib.import_module, (self.shared,)
        names = ("__name__", "__package__", "__file__")
        about = {name: self._globals[name] for name in names if name in self._globals}
        return make, (self.shared, about)

    def pack(self, values: dict[str, Any]) -> tuple[Any, ...]:
        """Returns the state with which `fill` gives the namespace some of its globals."""
        if self.shared is not None and self.imported:
            return self.shared, *own_globals.packed(self.shared, values)
        if self.shared is not None:
            shared_values.send(self.shared, values)
        return self.shared, self.with_stand_ins(values), None

    def with_stand_ins(self, values: dict[str, Any]) -> dict[str, Any]:
        """Returns globals with something else for what each process has of its own: locks."""
        if self.imported:
            return {name: value for name, value in values.items() if own_globals.is_plain(value)}
        if self.shared == "__main__":
            return values
        return {name: _stand_in(value) for name, value in values.items()}


def _stand_in(value: Any) -> Any:
    return _Call(_NEW[type(value)]) if type(value) in _NEW else value


#: A module that is imported has new ones.
_NEW: dict[type, Any] = {
    _thread.LockType: _thread.allocate_lock,
    _thread.RLock: _thread.RLock,
    _thread._local: _thread._local,
}


class _Call:
    """Travels as the result of a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._recipe = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._recipe


def _are_known(globals_: dict[str, Any]) -> bool:
    name: Any = globals_.get("__name__")
    if not isinstance(name, str):
        return False
    known = (_modules.get(name), sys.modules.get(name))
    return any(module is not None and vars(module) is globals_ for module in known)


def of(globals_: dict[str, Any]) -> Namespace:
    """Returns the namespace of some globals, the same as long as somebody holds it."""
    found = _namespaces.get(id(globals_))
    if found is None:
        found = _namespaces[id(globals_)] = Namespace(globals_)
    return found


def make(shared: str | None, about: dict[str, Any]) -> types.ModuleType:
    """Returns the module for what arrives: the one of the name ``shared``, or a new one."""
    known = _modules.get(shared) if shared is not None else None
    if known is not None:
        return known
    if shared is not None and (shared == "__main__" or not in_worker()) and shared in sys.modules:
        module = sys.modules[shared]
    else:
        module = types.ModuleType(about.get("__name__", "builtins"))
        if "__name__" not in about:
            del module.__name__
    vars(module).setdefault("__builtins__", builtins)
    if shared is None:
        vars(module).update(about)
    elif in_worker():
        vars(module).update(about)
        # Only here: in the program, a module of that name may yet be loaded anew.
        _modules[shared] = module
    return module


def fill(globals_: dict[str, Any], state: tuple[Any, ...]) -> None:
    """Gives a namespace the globals of which `Namespace.pack` has made ``state``."""
    shared, values, replacements = state
    if replacements is not None:
        own_globals.fill(shared, globals_, values, replacements, in_worker=in_worker())
        return
    for name, value in values.items():
        if shared is None:
            globals_[name] = value
        elif not in_worker():
            # A function that comes back must not change the program that it came from.
            globals_.setdefault(name, value)
        elif shared_values.is_news(shared, name, value) or name not in globals_:
            globals_[name] = value


def reduce_module(module: types.ModuleType) -> Any:
    """Returns how a module travels: as the name of what to import, else by all that is in it."""
    name = module.__name__
    known = sys.modules.get(name) is module
    if name == "__main__" and known:
        return _main_module, ()
    if known and module_importable(name):
        return importlib.import_module, (name,)
    space = of(vars(module))
    return _itself, (space,), space.pack(globals_of(module)), None, None, _fill_module


def globals_of(module: types.ModuleType) -> dict[str, Any]:
    """Returns what of a module travels with it: not its open files and their like.

    Functions of it that use one of these say so when they are packed.
    """
    return {
        name: value
        for name, value in vars(module).items()
        if name not in _OF_THE_IMPORT and (type(value) in _NEW or not belongs_to_a_process(value))
    }


_OF_THE_IMPORT = frozenset({"__builtins__", "__loader__", "__spec__", "__cached__"})


def _itself(module: types.ModuleType) -> types.ModuleType:
    return module


def _fill_module(module: types.ModuleType, state: tuple[Any, ...]) -> None:
    fill(vars(module), state)


def _main_module() -> types.ModuleType:
    return sys.modules["__main__"]
