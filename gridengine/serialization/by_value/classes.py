"""Classes: each has a token, so that it is the same class wherever it arrives.

A class of the program travels to a worker by its contents, under its token. Back from there,
with an instance of it or as the type of an exception, the token alone travels, and the program
finds its own class: ``except`` and ``isinstance`` hold.

No code of the program is told of a class that it was told of once: no metaclass, no
``__init_subclass__``. What it takes to hash or make an instance comes first, and what a job has
set stays.
"""

from __future__ import annotations

import _thread
import abc
import contextlib
import enum
import os
import types
from collections.abc import Iterator
from typing import Any

from . import enums, namespaces, shared_values
from .importability import importable

# Never forgotten: a worker's answer may come when nothing else remembers the class.
_tokens: dict[int, str] = {}
_known: dict[str, Any] = {}
#: Those that came from elsewhere, and whether from the program that this worker works for.
_arrived: dict[str, bool] = {}
_complete: set[str] = set()

#: What a class has from its creation, and cannot be given.
_MADE_WITH_IT = frozenset(
    {"__dict__", "__weakref__", "__module__", "__qualname__", "__slots__", "__classcell__"}
)
#: What it takes to keep an instance in a table, to rebuild one, or a ``Stack[int]``. These come
#: first, in this order: what other methods use, such as a global table, may hold some.
_FIRST = (
    ("__hash__", "__eq__"),
    ("__parameters__", "__orig_bases__", "__class_getitem__"),
    ("__new__", "__init__", "__setattr__", "__setstate__"),
)
_SINGLETONS = (type(None), type(NotImplemented), type(...))
_HEAP_TYPE = 1 << 9
_IMMUTABLE = 1 << 8


def reduce(cls: type, upward: bool = False) -> Any:
    """Returns how a class travels; NotImplemented if a worker can import it.

    Args:
        cls: The class.
        upward: Whether from a worker to the program that it works for.
    """
    if importable(cls) or cls in _SINGLETONS:
        return NotImplemented
    if not cls.__flags__ & _HEAP_TYPE:
        return _reduce_type_of_the_interpreter(cls)
    token = token_of(cls)
    if upward and _arrived.get(token):
        return find, (token, cls.__qualname__)
    # Not at the top: a worker does without.
    from . import contents

    body: dict[str, Any] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    if "__slots__" in vars(cls):
        body["__slots__"] = vars(cls)["__slots__"]
    if "__orig_bases__" in vars(cls):
        # Generic, which looks at these, is content; those that follow may refer to the class.
        body["__orig_bases__"] = ()
    members = enums.members(cls) if isinstance(cls, enum.EnumMeta) else None
    values = attributes(cls)
    shared_values.send(token, values)
    values |= contents.of_class(cls)
    first = [
        _Early(cls, {name: values.pop(name) for name in group if name in values})
        for group in _FIRST
    ]
    recipe = (token, upward, type(cls), cls.__name__, cls.__bases__, body, members)
    return make, recipe, (first, values), None, None, fill


def token_of(obj: Any) -> str:
    """Returns the token of a class, or of what else must be the same wherever it arrives."""
    token = _tokens.get(id(obj))
    if token is None:
        # Another thread may be at it too: the first one's stands.
        token = _tokens.setdefault(id(obj), os.urandom(12).hex())
        _known[token] = obj
    return token


def remember(token: str, obj: Any) -> Any:
    """Gives an object a token; returns it, or what another thread has given the token before."""
    obj = _known.setdefault(token, obj)
    _tokens[id(obj)] = token
    return obj


def known(token: str) -> Any:
    """Returns what has a token, else None."""
    return _known.get(token)


def _reduce_type_of_the_interpreter(cls: type) -> Any:
    for name, value in vars(types).items():
        if value is cls:
            return getattr, (types, name)
    return NotImplemented


def attributes(cls: type) -> dict[str, Any]:
    """Returns what a class is given after it has been made."""
    skipped = enums.made_with_it(cls) if isinstance(cls, enum.EnumMeta) else ()
    return {
        name: value
        for name, value in vars(cls).items()
        if name not in _MADE_WITH_IT
        and name not in _OF_THE_INTERPRETER
        and name not in skipped
        and not _is_slot(cls, value)
    }


#: Kept by the interpreter for itself, whatever becomes of the class.
_OF_THE_INTERPRETER = frozenset(
    {"_abc_impl", "__annotate__", "__annotate_func__", "__annotations_cache__"}
)


def _is_slot(cls: type, value: Any) -> bool:
    return isinstance(value, types.MemberDescriptorType) and value.__objclass__ is cls


class _Early:
    """Travels as a call that gives a class some attributes while others are yet on their way."""

    def __init__(self, cls: type, attributes: dict[str, Any]) -> None:
        self._arguments = cls, attributes

    def __reduce__(self) -> tuple[Any, ...]:
        return _set_attributes, self._arguments


def find(token: str, name: str) -> Any:
    """Returns the class that has travelled under a token.

    Raises:
        LookupError: It has not been here.
    """
    try:
        return _known[token]
    except KeyError:
        raise LookupError(f"class {name!r} is not known here") from None


def make(
    token: str,
    upward: bool,
    metaclass: type,
    name: str,
    bases: tuple[type, ...],
    body: dict[str, Any],
    members: enums.Members | None,
) -> Any:
    """Returns the class with this token, made empty if it has not been here."""
    cls = _known.get(token)
    if cls is None:
        if members is None:
            cls = _make_bare(metaclass, name, bases, body)
        else:
            cls = enums.make(metaclass, name, bases, body, members)
        cls = remember(token, cls)
        _arrived.setdefault(token, False)
    if token in _arrived and not upward:
        _arrived[token] = True
    return cls


def _make_bare(metaclass: type, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
    """Returns a new class; no code of the program is told of it, as it was told once."""
    new = abc.ABCMeta.__new__ if issubclass(metaclass, abc.ABCMeta) else type.__new__
    with _silent(bases):
        return new(metaclass, name, bases, dict(body))


_silencing = _thread.RLock()


@contextlib.contextmanager
def _silent(bases: tuple[type, ...]) -> Iterator[None]:
    """Has none of the ancestors that a new class will have hear of it."""
    ancestors = dict.fromkeys(each for base in bases for each in base.__mro__)
    told = [each for each in ancestors if _NAME in vars(each) and _is_mutable(each)]
    if not told:
        yield
        return
    with _silencing:
        own = [vars(each)[_NAME] for each in told]
        for each in told:
            type.__setattr__(each, _NAME, classmethod(_ignore))
        try:
            yield
        finally:
            for each, method in zip(told, own, strict=True):
                type.__setattr__(each, _NAME, method)


_NAME = "__init_subclass__"


def _is_mutable(cls: type) -> bool:
    # The interpreter's own, as Generic, cannot be changed, and may be told twice.
    return bool(cls.__flags__ & _HEAP_TYPE) and not cls.__flags__ & _IMMUTABLE


def _ignore(cls: type, /, **_: Any) -> None:
    pass


def fill(cls: Any, state: tuple[list[None], dict[str, Any]]) -> None:
    """Gives a class its attributes."""
    registered = state[1].pop("_abc_impl", ())
    _set_attributes(cls, state[1])
    _complete.add(_tokens[id(cls)])
    for subclass in registered:
        cls.register(subclass)
    namespaces.publish(cls)


def _set_attributes(cls: type, attributes: dict[str, Any]) -> None:
    token = _tokens[id(cls)]
    if token not in _arrived or (token in _complete and not namespaces.in_worker()):
        # The program's own, or one that it may have changed since it came.
        return
    for name, value in attributes.items():
        if shared_values.is_news(token, name, value) or name not in vars(cls):
            type.__setattr__(cls, name, value)
