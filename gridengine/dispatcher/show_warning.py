"""A warning that a job has shown, shown by the program: by its filters, once per location."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import Any

from ..nesting import inner
from ..transport.logged import WarningShown

#: Of modules that the program has not imported, what `warnings` notes for each.
_registries: dict[str, dict[Any, Any]] = {}

#: What was added to a warning when it was shown first, by text, class, module and line: so it is
#: known again, whichever job shows it. As long as the filters are these.
_first: dict[tuple[str, type, str, int], str] = {}
_filters: list[Any] = []
_lock = threading.Lock()

#: Places that are remembered, at most.
_PLACES = 10_000


def show(shown: WarningShown, job: str, host: str) -> None:
    """Shows a warning in this thread, if the program's filters have it shown.

    Args:
        shown: What the job has shown.
        job: Its name.
        host: Where it ran.
    """
    job, host = shown.within or job, shown.host or host
    if inner.told:
        # It goes on to the program that has sent the job in which this one was.
        before = inner.job, inner.host
        inner.job, inner.host = job, host
        try:
            _show(shown, _category(shown), shown.text)
        finally:
            inner.job, inner.host = before
        return
    category = _category(shown)
    _show(shown, category, _with_origin(shown, category, job, host))


def _show(shown: WarningShown, category: type[Warning], text: str) -> None:
    where = shown.path, shown.line
    try:
        warnings.warn_explicit(text, category, *where, shown.module, _registry(shown.module))
    except Warning as error:
        # Filters that make an error of it have come later than the job, or it would have raised
        # that; and who asks for its result is not to be given this instead.
        warnings.showwarning(error, category, *where)


def _category(shown: WarningShown) -> type[Warning]:
    """Returns the class of a warning, or the nearest above it that this program has imported."""
    for module, name in shown.categories:
        found = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if isinstance(found, type) and issubclass(found, Warning) and _takes_text(found):
            return found
    return Warning


def _takes_text(category: type[Warning]) -> bool:
    try:
        category("")
    except Exception:
        return False
    return True


def _registry(module: str) -> dict[Any, Any]:
    found = sys.modules.get(module)
    if found is None:
        if len(_registries) >= _PLACES:
            _registries.clear()
        return _registries.setdefault(module, {})
    registry: dict[Any, Any] = vars(found).setdefault("__warningregistry__", {})
    return registry


def _with_origin(shown: WarningShown, category: type[Warning], job: str, host: str) -> str:
    text = f"{shown.text} [{job} on {host}]"
    if _action(shown, category) in ("always", "all"):
        return text
    key = shown.text, category, shown.module, shown.line
    with _lock:
        if _filters != warnings.filters or len(_first) >= _PLACES:
            _first.clear()
            _filters[:] = warnings.filters
        return _first.setdefault(key, text)


def _matches(pattern: Any, text: str) -> bool:
    # Those with which the interpreter starts have texts.
    if pattern is None or isinstance(pattern, str):
        return pattern in (None, text)
    return bool(pattern.match(text))


def _action(shown: WarningShown, category: type[Warning]) -> str:
    for action, message, kind, module, line in warnings.filters:
        if (
            _matches(message, shown.text)
            and issubclass(category, kind)
            and _matches(module, shown.module)
            and line in (0, shown.line)
        ):
            return str(action)
    return "default"
