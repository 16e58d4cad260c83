"""Enumerations: classes whose members must be there from the start.

The members are made as they are, by the hand of the standard library's own metaclass, but
without the ``__new__`` and ``__init__`` of the program: what these did shows in the members.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .special_types import builtin_base


class Member(NamedTuple):
    """A member on its way.

    Attributes:
        name: Its name, or another name of an earlier member.
        raw: What its builtin base, such as int, makes it from.
        value: Its value.
        attributes: What else it has.
    """

    name: str
    raw: tuple[Any, ...]
    value: Any
    attributes: dict[str, Any]


class Members(NamedTuple):
    """The members of an enumeration, in order, and the boundary that a Flag has."""

    members: list[Member]
    boundary: Any


_OF_A_MEMBER = frozenset(
    {"_value_", "_name_", "__objclass__", "_sort_order_", "_inverted_", "__weakref__"}
)
_METHODS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    classmethod,
    staticmethod,
    property,
)
#: What the metaclass leaves in a class because our stand-ins were in it.
_LEFT_OVER = ("__init__", "__new_member__", "_new_member_", "__reduce_ex__")


def members(cls: enum.EnumMeta) -> Members:
    """Returns the members of an enumeration, ready to travel."""
    found: dict[str, Any] = dict(cls.__members__)
    ready = [
        Member(name, _raw(cls, member), member._value_, _attributes(member))
        for name, member in found.items()
    ]
    return Members(ready, vars(cls).get("_boundary_"))


def _raw(cls: enum.EnumMeta, member: Any) -> tuple[Any, ...]:
    base: Any = builtin_base(cls)
    if base is object:
        return ()
    if hasattr(base, "__getnewargs__"):
        return tuple(base.__getnewargs__(member))
    return tuple(base.__reduce__(member)[1])


def _attributes(member: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(member).items() if name not in _OF_A_MEMBER}


def made_with_it(cls: enum.EnumMeta) -> set[str]:
    """Returns the names of what the metaclass puts into an enumeration by itself."""
    return {
        name
        for name, value in vars(cls).items()
        if name in cls.__members__
        or (
            name.startswith("_")
            and name.endswith("_")
            and not name.startswith("__")
            and not isinstance(value, _METHODS)
        )
    }


def make(
    metaclass: Any,
    name: str,
    bases: tuple[type, ...],
    body: dict[str, Any],
    members: Members,
) -> Any:
    """Returns a new enumeration with its members, yet without methods."""
    namespace = metaclass.__prepare__(name, bases)
    namespace.update(body)
    namespace["__new__"] = _maker(iter(members.members))
    namespace["__init__"] = _do_nothing
    for number, member in enumerate(members.members):
        namespace[member.name] = number
    options = {} if members.boundary is None else {"boundary": members.boundary}
    cls: Any = enum.EnumMeta.__new__(metaclass, name, bases, namespace, **options)
    for attribute in _LEFT_OVER:
        if attribute in vars(cls):
            type.__delattr__(cls, attribute)
    return cls


def _maker(members: Iterator[Member]) -> Callable[..., Any]:
    """Returns a ``__new__`` that returns one member after the other."""

    def __new__(cls: type, *_: Any) -> Any:  # noqa: N807
        member = next(members)
        base: Any = builtin_base(cls)
        made = base.__new__(cls, *member.raw)
        made._value_ = member.value
        vars(made).update(member.attributes)
        return made

    return __new__


def _do_nothing(*_: Any) -> None:
    pass
