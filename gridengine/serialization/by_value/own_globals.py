"""Globals of a module that a worker imports, used by a local function or a lambda of it.

In the worker the function has the module's own globals. What the import has made there stays as
long as it is what the program has, for the module's other functions hold the same: functions,
sentinels, locks. What the program has set or changed since takes its place, if it can travel: for
an object, if its pickle is another than that of the worker's own.
"""

from __future__ import annotations

import _thread
import importlib
import io
import pickle
import sys
import types
from collections.abc import Iterable
from typing import Any

from . import shared_values
from .importability import module_importable

_CONTAINERS = (list, tuple, set, frozenset)
_OF_THE_IMPORT = frozenset(
    {"__builtins__", "__loader__", "__spec__", "__cached__", "__name__", "__package__", "__file__"}
)
#: The pickles of the objects that a module here has, or has had, of the program or of its import.
_pickles: dict[tuple[str, str], bytes | None] = {}

Replacements = dict[str, dict[str, "Replacement"]]


class _Search(_thread._local):
    """What has been found so far for the function that is being packed in this thread.

    Found for all that it uses, so that each object is packed once, and one that holds a function
    which uses it is not packed again within itself.
    """

    found: dict[str, dict[str, bytes | None]] | None = None


_search = _Search()


def packed(module: str, values: dict[str, Any]) -> tuple[dict[str, Any], Replacements]:
    """Returns what travels of the globals of a module that a function uses, for `fill`.

    The plain ones by name, and the others, by module and name, of all that the function leads to.
    """
    values = {name: value for name, value in values.items() if name not in _OF_THE_IMPORT}
    plain = {name: value for name, value in values.items() if is_plain(value)}
    others = {name: value for name, value in values.items() if name not in plain}
    shared_values.send(_space(module), values)
    return plain, _replacements(module, others)


def _replacements(module: str, values: dict[str, Any]) -> Replacements:
    if _search.found is not None:
        # The outermost function takes them along.
        _find(_search.found, module, values)
        return {}
    found = _search.found = {}
    try:
        _find(found, module, values)
    finally:
        _search.found = None
    return {
        each: {name: Replacement(packed) for name, packed in named.items() if packed is not None}
        for each, named in found.items()
    }


def _find(found: dict[str, dict[str, bytes | None]], module: str, values: dict[str, Any]) -> None:
    known = found.setdefault(module, {})
    for name, value in values.items():
        if name not in known:
            known[name] = None
            known[name] = _dump(value)


def fill(
    module: str,
    globals_: dict[str, Any],
    plain: dict[str, Any],
    replacements: Replacements,
    *,
    in_worker: bool,
) -> None:
    """Gives a module those globals that its own import cannot have made; see `packed`."""
    if in_worker:
        _set_plain(_space(module), globals_, plain)
    else:
        # A function that comes back must not change the program that it came from.
        for name, value in plain.items():
            globals_.setdefault(name, value)
    for each, others in replacements.items():
        _replace(_space(each), vars(importlib.import_module(each)), others, in_worker)


def _space(module: str) -> str:
    # Another than that of what is made of the module's contents.
    return f"{module} (imported)"


def _set_plain(space: str, globals_: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in values.items():
        news = shared_values.is_news(space, name, value)
        # One that is the same stays, for others may have it under another name.
        if name not in globals_ or (news and not _same(globals_[name], value)):
            globals_[name] = value
            _pickles.pop((space, name), None)


def _replace(
    space: str, globals_: dict[str, Any], values: dict[str, Replacement], in_worker: bool
) -> None:
    for name, value in values.items():
        there = name in globals_
        if there and not in_worker:
            continue
        if there and (space, name) not in _pickles:
            _pickles[space, name] = _dump_here(globals_[name])
        if not there or value.payload != _pickles[space, name]:
            globals_[name] = value.unpacked()
            _pickles[space, name] = value.payload
            shared_values.is_news(space, name, globals_[name])


class Replacement:
    """An object on its way, which is made anew only where it is wanted."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload

    def __reduce__(self) -> tuple[Any, ...]:
        return Replacement, (self.payload,)

    def unpacked(self) -> Any:
        """Returns the object."""
        return pickle.loads(self.payload)


def _dump_here(value: Any) -> bytes | None:
    """Returns the pickle of a worker's own object as it would be packed with a function's."""
    before, _search.found = _search.found, {}
    try:
        return _dump(value)
    finally:
        _search.found = before


def _dump(value: Any) -> bytes | None:
    """Returns an object's pickle; None if it cannot travel, and is the worker's own then."""
    from ..serializer import Pickler, patient

    for pickler in (Pickler, patient(Pickler)):
        out = io.BytesIO()
        try:
            pickler(out, 5).dump(value)
        # Whatever its own code raises.
        except Exception:  # noqa: S112
            continue
        return out.getvalue()
    return None


def is_plain(value: Any) -> bool:
    """Returns True for numbers, text, and builtin containers of these, as deep as they go."""
    seen: set[int] = set()
    parts = [value]
    while parts:
        part = parts.pop()
        kind = type(part)
        if kind in shared_values.ATOMS or id(part) in seen:
            continue
        seen.add(id(part))
        if kind is dict:
            parts += _but_atoms(part)
            parts += _but_atoms(part.values())
        elif kind in _CONTAINERS:
            parts += _but_atoms(part)
        elif kind is not bytearray and kind is not range:
            return False
    return True


def _but_atoms(parts: Iterable[Any]) -> Iterable[Any]:
    # Mostly there are none, which is told sooner of all at once.
    return () if shared_values.ATOMS.issuperset(map(type, parts)) else parts


def _same(first: Any, second: Any) -> bool:
    """Returns True if two objects, the second of them plain, are alike in all parts."""
    if type(first) is not type(second):
        return False
    # As text, which tells 1 from True and 0.0 from -0.0, and knows of lists within themselves.
    return is_plain(first) and repr(first) == repr(second)


def named(module: str, value: Any) -> Any:
    """Returns what travels for a value that a function of a module holds: a sentinel by its name.

    That is an object with nothing in it but its class, which the module has too.
    """
    if type(value) in shared_values.ATOMS or not _has_only_a_class(value):
        return value
    for name, each in vars(sys.modules[module]).items():
        if each is value:
            return _Sentinel(module, name, type(value))
    return value


def _has_only_a_class(value: Any) -> bool:
    kind: Any = type(value)
    return (
        kind.__bases__ == (object,)
        and kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
        and isinstance(getattr(value, "__dict__", None), dict)
        and not vars(value)
        and "__slots__" not in vars(kind)
    )


class _Sentinel:
    """Travels as what a module has under a name."""

    def __init__(self, *place: Any) -> None:
        self._place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return _find_sentinel, self._place


def _find_sentinel(module: str, name: str, kind: type) -> Any:
    found = getattr(importlib.import_module(module), name, None)
    # Another one if the program has put it there at run time.
    return found if type(found) is kind else object.__new__(kind)


class _Homes:
    """Where bare ``object()`` are that modules tell others from by their identity."""

    def __init__(self) -> None:
        self._modules = 0
        self._homes: dict[int, tuple[str, str]] = {}

    def of(self, value: object) -> tuple[str, str] | None:
        """Returns module and name of one that a worker can import, else None."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._homes = {
                id(each): (module, name)
                for module, content in list(sys.modules.items())
                if isinstance(content, types.ModuleType)
                for name, each in list(vars(content).items())
                if type(each) is object
            }
        home = self._homes.get(id(value))
        if home is None or not module_importable(home[0]):
            return None
        return home if vars(sys.modules[home[0]]).get(home[1]) is value else None


_homes = _Homes()


def reduce_sentinel(value: object) -> Any:
    """Returns how an ``object()`` travels: by name if it is a module's that workers import."""
    home = _homes.of(value)
    return NotImplemented if home is None else (_get, home)


def _get(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
