"""The context in which the program calls its functions, made a worker's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .. import nesting
from ..serialization.context import note_environment, unpack
from .log_levels import set_levels
from .node_environment import NodeEnvironment
from .own_surroundings import Surroundings


class WorkerContext:
    """What a worker has of the program's context; see `gridengine.serialization.context`.

    Only what the program has changed is set: what a job sets in its worker stays there.

    Args:
        cwd: The working directory with which the worker was started.
        sys_path: Where it finds modules.
        environment: What the variables of the program are here.

    Attributes:
        obstacle: Why calls cannot run: what they have asked for themselves cannot be had.
    """

    def __init__(self, cwd: str, sys_path: Sequence[str], environment: NodeEnvironment) -> None:
        self._environment = environment
        self._own = Surroundings()
        self.obstacle: OSError | None = None
        self._packed = b""
        # What the program has not changed by then is this.
        self._at_start = dict(os.environ)
        self._parts: dict[str, Any] = {"cwd": cwd, "sys_path": list(sys_path), "environ": {}}
        # A job may be a program that starts jobs, too.
        note_environment()

    def enter(self, packed: bytes) -> None:
        """Sets what is not as it was in the context before. What cannot be set it says."""
        if not packed or packed == self._packed:
            return
        self._packed = packed
        self._own.leave()
        parts = unpack(packed)
        before, self._parts = self._parts, parts
        self._change_variables(before["environ"], parts["environ"])
        for name, make_so in _SETTERS.items():
            value = parts[name]
            if value is None or value == before.get(name):
                continue
            try:
                make_so(value)
            except Exception as error:
                sys.stderr.write(f"gridengine: the program's {name} is not had here: {error}\n")
        self._enter_own(parts)

    def _enter_own(self, parts: Mapping[str, Any]) -> None:
        self.obstacle = None
        if "own" not in parts:
            return
        try:
            self._own.enter(*parts["own"])
        except OSError as error:
            self.obstacle = error
            # It may be there the next time.
            self._packed = b""

    def _change_variables(
        self, before: Mapping[str, str | None], changes: Mapping[str, str | None]
    ) -> None:
        news = {
            name: value
            for name, value in changes.items()
            if name != nesting.VARIABLE and (name not in before or before[name] != value)
        }
        values = self._environment.changed(news)
        # Of a job that was started before they were changed, after one that was started later.
        values |= {
            name: self._at_start.get(name)
            for name in before.keys() - changes.keys() - {nesting.VARIABLE}
        }
        for name, value in values.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _set_sys_path(path: list[str]) -> None:
    sys.path[:] = path


def _set_argv(argv: list[str]) -> None:
    sys.argv[:] = argv


def _set_filters(filters: list[tuple[Any, ...]]) -> None:
    import warnings

    # It has what was said so far forgotten, too.
    warnings.resetwarnings()
    warnings.filters[:] = [  # type: ignore[index]
        (action, message, _category(*category), module, line)
        for action, message, category, module, line in filters
    ]


def _set_authkey(key: bytes) -> None:
    from multiprocessing import current_process

    current_process().authkey = key


_SETTERS: Mapping[str, Any] = {
    "sys_path": _set_sys_path,
    "cwd": os.chdir,
    "argv": _set_argv,
    "recursion_limit": sys.setrecursionlimit,
    "warnings": _set_filters,
    "log_levels": set_levels,
    "authkey": _set_authkey,
}


class _ByName(type):
    """Makes stand-ins for categories of warnings, whose modules need not be imported for them."""

    def __subclasscheck__(cls, kind: type) -> bool:
        named = cls.__module__, cls.__qualname__
        return any((each.__module__, each.__qualname__) == named for each in kind.__mro__)


def _category(module: str, name: str) -> type:
    loaded = getattr(sys.modules.get(module), name, None)
    if isinstance(loaded, type):
        return loaded
    return _ByName(name, (Warning,), {"__module__": module})
