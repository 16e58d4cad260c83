"""A function that is named on a command line: ``MODULE:FUNCTION`` or ``FILE.py:FUNCTION``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..errors import GridEngineError
from ..settings_file import did_you_mean


class TargetError(GridEngineError):
    """There is no function of that name."""


def function_of(target: str) -> Callable[..., Any]:
    """Returns the function, whose module is imported as a program in this directory would.

    Args:
        target: ``package.module:function``, or ``path/file.py:function``; of a class's, its class
            and a point stand before.

    Raises:
        TargetError: There is no such module, or no such function in it.
        BaseException: What the module raises when it is imported.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise TargetError(
            f"{target!r} names no function; write MODULE:FUNCTION or FILE.py:FUNCTION"
        )
    is_file = place.endswith(".py") or os.sep in place
    module = _module_in(place) if is_file else _module_called(place)
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            hint = did_you_mean(part, dir(found))
            raise TargetError(f"{place} has no {name!r}{hint}") from None
    if not callable(found):
        raise TargetError(f"{target} is {type(found).__name__!r}, which cannot be called")
    checked: Callable[..., Any] = found
    return checked


def _module_in(path: str) -> ModuleType:
    real = os.path.realpath(path)
    folder, file = os.path.split(real)
    name, extension = os.path.splitext(file)
    if extension != ".py" or not os.path.isfile(real):
        raise TargetError(f"{path} is no file of Python that is there")
    # It is imported by its name, in the workers too, as programs beside it import it.
    sys.path.insert(0, folder)
    module = _imported(name, path)
    if os.path.realpath(getattr(module, "__file__", None) or "") != real:
        raise TargetError(f"{path} has the name of another module, {name!r}; give it another one")
    return module


def _module_called(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise TargetError(f"{name!r} is no name of a module; of a file, write FILE.py:FUNCTION")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return _imported(name, name)


def _imported(name: str, shown: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Another one may be missing, that it needs.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise TargetError(f"there is no module {shown!r} here, nor in sys.path") from None
