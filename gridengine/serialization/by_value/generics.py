"""Type variables and their kin, which plain pickle sends by name only."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from typing import Any

from . import classes
from .importability import module_importable

_VARIANCE = ("__covariant__", "__contravariant__", "__infer_variance__")


def reduce(obj: Any) -> Any:
    """Returns how a type variable travels; NotImplemented if a worker can import it."""
    name = obj.__module__
    known = isinstance(name, str) and module_importable(name)
    if known and getattr(sys.modules[name], obj.__name__, None) is obj:
        return NotImplemented
    arguments, options = _RECIPES[type(obj)](obj)
    return make, (classes.token_of(obj), type(obj), (obj.__name__, *arguments), options, name)


def make(
    token: str, kind: Any, arguments: tuple[Any, ...], options: dict[str, Any], module: str
) -> Any:
    """Returns the type variable with this token."""
    made = classes.known(token)
    if made is None:
        made = kind(*arguments, **options)
        if hasattr(made, "__dict__"):
            made.__module__ = module
        made = classes.remember(token, made)
    return made


def _of_type_var(variable: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    options = {**_of_any(variable)[1], "bound": variable.__bound__}
    return variable.__constraints__, options


def _of_any(variable: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    options = {
        name.strip("_"): True for name in _VARIANCE if getattr(variable, name, False) is True
    }
    has_default = getattr(variable, "has_default", None)
    if has_default is not None and has_default():
        options["default"] = variable.__default__
    return (), options


def _of_new_type(made: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (made.__supertype__,), {}


def _of_alias(alias: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (alias.__value__,), {"type_params": alias.__type_params__}


_RECIPES: dict[type, Callable[[Any], tuple[tuple[Any, ...], dict[str, Any]]]] = {
    typing.TypeVar: _of_type_var,
    typing.ParamSpec: _of_any,
    typing.NewType: _of_new_type,
}
if sys.version_info >= (3, 11):
    _RECIPES[typing.TypeVarTuple] = _of_any
if sys.version_info >= (3, 12):
    _RECIPES[typing.TypeAliasType] = _of_alias

KINDS = tuple(_RECIPES)
