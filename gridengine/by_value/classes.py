"""Classes: each has a token, so that it is the same class wherever it arrives.

A class of the program travels to a worker by its contents, under its token. Back from there,
with an instance of it or as the type of an exception, the token alone travels, and the program
finds its own class: ``except`` and ``isinstance`` hold.
"""

from __future__ import annotations

import enum
import os
import sys
import types
import typing
import weakref
from typing import Any

from . import modules

_tokens: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_known: dict[str, Any] = {}
_arrived: set[str] = set()
_complete: set[str] = set()

#: What a class has from its creation, and cannot be given.
_MADE_WITH_IT = frozenset(
    "__dict__ __weakref__ __module__ __qualname__ __slots__ _abc_impl __classcell__".split()
)
_SINGLETONS = (type(None), type(NotImplemented), type(...))


class _Example(enum.Enum):
    A = 1


def reduce(cls: type) -> Any:
    """Returns how a class travels; NotImplemented if a worker can import it."""
    if modules.importable(cls) or cls in _SINGLETONS:
        return NotImplemented
    if cls.__module__ == "builtins":
        return _reduce_type_of_the_interpreter(cls)
    token = _token(cls)
    if token in _arrived:
        return find, (token, cls.__qualname__)
    if isinstance(cls, enum.EnumMeta):
        members = {name: member.value for name, member in cls.__members__.items()}
        body = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        arguments = (token, type(cls), cls.__name__, cls.__bases__, body, members)
        return make_enum, arguments, _attributes_of_enum(cls), None, None, fill
    body = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    if "__slots__" in vars(cls):
        body["__slots__"] = vars(cls)["__slots__"]
    arguments = (token, type(cls), cls.__name__, cls.__bases__, body)
    return make, arguments, _attributes(cls), None, None, fill


def _token(obj: Any) -> str:
    token = _tokens.get(obj)
    if token is None:
        token = os.urandom(12).hex()
        _remember(token, obj)
    return token


def _remember(token: str, obj: Any) -> None:
    _tokens[obj] = token
    _known[token] = obj


def _reduce_type_of_the_interpreter(cls: type) -> Any:
    for name, value in vars(types).items():
        if value is cls:
            return getattr, (types, name)
    return NotImplemented



def _attributes(cls: type) -> dict[str, Any]:
    fields = vars(cls).get("__dataclass_fields__")
    attributes = {
        name: value
        for name, value in vars(cls).items()
        if name not in _MADE_WITH_IT and not _is_slot(cls, value)
    }
    if fields is not None:
        attributes["__dataclass_fields__"] = _Fields(fields)
    return attributes


def _is_slot(cls: type, value: Any) -> bool:
    kinds = (types.MemberDescriptorType, types.GetSetDescriptorType)
    return isinstance(value, kinds) and value.__objclass__ is cls


def _attributes_of_enum(cls: enum.EnumMeta) -> dict[str, Any]:
    ordinary = vars(_Example)
    return {
        name: value
        for name, value in vars(cls).items()
        if name not in _MADE_WITH_IT
        and name not in cls.__members__
        and ordinary.get(name) is not value
        and not _is_of_the_machinery(name, value)
    }


def _is_of_the_machinery(name: str, value: Any) -> bool:
    """Whether the metaclass makes this attribute of an enumeration: ``_member_map_``."""
    if name in ("__new__", "_new_member_", "_generate_next_value_"):
        return True
    return name.startswith("_") and not isinstance(
        value, (types.FunctionType, classmethod, staticmethod, property)
    )


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
    token: str, metaclass: type, name: str, bases: tuple[type, ...], body: dict[str, Any]
) -> Any:
    """Returns the class with this token, made empty if it has not been here."""
    if token in _known:
        return _known[token]
    shielded = _is_told_of_subclasses(bases)
    first = (_Shield, *bases) if shielded else bases
    try:
        cls = metaclass.__new__(metaclass, name, first, dict(body))
    except TypeError:
        # A metaclass that wants more than its due, such as TypedDict's.
        cls = type.__new__(metaclass, name, first, dict(body))
    if shielded:
        cls.__bases__ = bases
    _arrive(token, cls)
    return cls


def make_enum(
    token: str,
    metaclass: Any,
    name: str,
    bases: tuple[type, ...],
    body: dict[str, Any],
    members: dict[str, Any],
) -> Any:
    """As `make`; the members of an enumeration must be there from the start."""
    if token in _known:
        return _known[token]
    namespace = metaclass.__prepare__(name, bases)
    namespace.update(body)
    for member, value in members.items():
        namespace[member] = value
    cls = metaclass.__new__(metaclass, name, bases, namespace)
    _arrive(token, cls)
    return cls


def _arrive(token: str, cls: Any) -> None:
    _remember(token, cls)
    _arrived.add(token)
    if modules.in_worker() and cls.__module__ == "__main__" and "." not in cls.__qualname__:
        # So that what refers to it by name finds it.
        setattr(sys.modules["__main__"], cls.__name__, cls)


def fill(cls: type, attributes: dict[str, Any]) -> None:
    """Gives a class its attributes, the first time that it arrives."""
    token = _tokens[cls]
    if token not in _arrived or token in _complete:
        return
    _complete.add(token)
    for name, value in attributes.items():
        if isinstance(value, _Fields):
            value = value.restored()
        type.__setattr__(cls, name, value)


def _is_told_of_subclasses(bases: tuple[type, ...]) -> bool:
    return any(
        "__init_subclass__" in vars(each)
        for base in bases
        for each in base.__mro__
        if each is not object
    )


class _Shield:
    """A first base for the moment of creation: the others have been told of the class before."""

    def __init_subclass__(cls, **_: Any) -> None:
        pass


class _Fields:
    """The fields of a dataclass, whose markers `dataclasses` compares by identity."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def __reduce__(self) -> Any:
        import dataclasses

        slots = dataclasses.Field.__slots__
        missing = [
            (name, slot)
            for name, field in self._fields.items()
            for slot in slots
            if getattr(field, slot, None) in (dataclasses.MISSING,)
        ]
        plain = {
            name: {
                slot: getattr(field, slot)
                for slot in slots
                if hasattr(field, slot)
                and (name, slot) not in missing
                and slot != "_field_type"
            }
            for name, field in self._fields.items()
        }
        types_ = {name: field._field_type.name for name, field in self._fields.items()}
        return _restore_fields, (plain, missing, types_)

    def restored(self) -> dict[str, Any]:
        return self._fields


def _restore_fields(
    plain: dict[str, dict[str, Any]], missing: list[tuple[str, str]], kinds: dict[str, str]
) -> _Fields:
    import dataclasses

    fields = {}
    for name, values in plain.items():
        field: Any = dataclasses.field()
        for slot, value in values.items():
            setattr(field, slot, value)
        for other, slot in missing:
            if other == name:
                setattr(field, slot, dataclasses.MISSING)
        field._field_type = getattr(dataclasses, kinds[name])
        fields[name] = field
    return _Fields(fields)


def reduce_type_variable(variable: typing.TypeVar) -> Any:
    """Returns how a type variable travels; NotImplemented if a worker can import it."""
    name = variable.__module__
    module = sys.modules.get(name)
    if modules.module_importable(name) and getattr(module, variable.__name__, None) is variable:
        return NotImplemented
    return make_type_variable, (
        _token(variable),
        variable.__name__,
        variable.__constraints__,
        variable.__bound__,
        variable.__covariant__,
        variable.__contravariant__,
    )


def make_type_variable(
    token: str,
    name: str,
    constraints: tuple[Any, ...],
    bound: Any,
    covariant: bool,
    contravariant: bool,
) -> Any:
    """Returns the type variable with this token."""
    if token not in _known:
        variable = typing.TypeVar(  # type: ignore[misc]
            name, *constraints, bound=bound, covariant=covariant, contravariant=contravariant
        )
        _remember(token, variable)
    return _known[token]
