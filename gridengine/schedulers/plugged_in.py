"""Schedulers that are found by a name of `gridengine.plugins`."""

from __future__ import annotations

import inspect
from typing import Any

from .. import plugins
from ..errors import GridEngineError
from .base import Scheduler


def arguments_of(name: str) -> tuple[list[str], bool]:
    """Returns the names of the arguments that a scheduler takes, and whether it takes others.

    Raises:
        GridEngineError: It cannot be imported.
    """
    parameters: list[str] = []
    free = False
    maker: Any = plugins.load(name)
    # A class that passes on what it does not know takes what its base takes.
    makers = [maker]
    if isinstance(maker, type):
        makers = [vars(each)["__init__"] for each in maker.__mro__ if "__init__" in vars(each)]
    for each in makers:
        signature = inspect.signature(each).parameters.values()
        parameters += [
            one.name
            for one in signature
            if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        ]
        free = any(one.kind is one.VAR_KEYWORD for one in signature)
        if not free:
            break
    return [each for each in dict.fromkeys(parameters) if each not in ("self", "settings")], free


def made_by(name: str, arguments: dict[str, Any], where: str) -> Scheduler:
    """Returns the scheduler of a name.

    Args:
        name: The name.
        arguments: What it is made with.
        where: Who says so.

    Raises:
        GridEngineError: It cannot be made with these, or is none.
    """
    try:
        made = plugins.load(name)(**arguments)
    except GridEngineError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        if arguments and isinstance(error, (TypeError, ValueError)):
            raise GridEngineError(f"[{name}] in {where}: {error}") from error
        whose = plugins.whose(name)
        raise GridEngineError(
            f"the scheduler {name!r} of {whose} cannot be made: {said}"
        ) from error
    if not isinstance(made, Scheduler):
        raise GridEngineError(
            f"the scheduler {name!r} of {plugins.whose(name)} is {made!r}, which is no "
            "gridengine.schedulers.Scheduler"
        )
    return made
