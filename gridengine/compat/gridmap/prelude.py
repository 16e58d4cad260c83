"""What a worker does before it unpacks a job's function."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from .names import install, is_installed


class Prelude:
    """Is unpacked before what it stands in front of, and does what is to be done by then.

    Args:
        installed: Whether ``import gridmap`` is to find this package.
        paths: Where else modules are to be found.
    """

    def __init__(self, installed: bool, paths: tuple[str, ...]) -> None:
        self._given = installed, paths

    def __reduce__(self) -> tuple[object, ...]:
        return _done, self._given


def _done(installed: bool, paths: tuple[str, ...]) -> None:
    if installed:
        install()
    sys.path[1:1] = [path for path in paths if path not in sys.path]


class CallAfter:
    """A function that is unpacked after a `Prelude`, and called as it is."""

    def __init__(self, prelude: Prelude, function: Callable[..., Any]) -> None:
        self._prelude = prelude
        self._function = function

    def __reduce__(self) -> tuple[object, ...]:
        # In this order.
        return _function, (self._prelude, self._function)


def _function(_: None, function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def prepared(function: Callable[..., Any], added: dict[str, str | None]) -> Callable[..., Any]:
    """Returns what is packed in the place of a job's function.

    Args:
        function: It.
        added: The variables that the job has for itself.
    """
    paths = (added.get("PYTHONPATH") or "").split(os.pathsep)
    paths = [path for path in paths if path]
    if not paths and not is_installed():
        return function
    prelude = Prelude(is_installed(), tuple(paths))
    after: Any = CallAfter(prelude, function)
    return after  # type: ignore[no-any-return]  # packed, and never called
