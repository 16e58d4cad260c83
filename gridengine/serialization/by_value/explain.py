"""What in an object cannot travel, and where it is: for the message of an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from . import classes, functions, namespaces
from .importability import importable
from .refused import why_not

_DEPTH = 8


def explain(
    obj: object, what: str, error: Exception, refusal: Callable[[object], Exception | None]
) -> str:
    """Returns a sentence that names what cannot travel, its place and the reason.

    Args:
        obj: Something that cannot be packed.
        what: What to call it.
        error: Why not.
        refusal: Tells the same of a part of it; None if that can be packed.
    """
    path, culprit, reason = _find(obj, what, error, refusal, [])
    try:
        text = str(reason)
    except Exception:
        text = ""
    text = text or type(reason).__name__
    return f"{path} ({short_repr(culprit)}) cannot travel to another process: {text}"


def _find(
    obj: object,
    path: str,
    reason: Exception,
    refusal: Callable[[object], Exception | None],
    above: list[object],
) -> tuple[str, object, Exception]:
    """Follows the first part that cannot be packed, down to one whose own parts all can."""
    if len(above) < _DEPTH:
        above = [*above, obj]
        for step, part in _parts(obj):
            refused = refusal(part)
            if refused is not None and not any(part is each for each in above):
                return _find(part, path + step, refused, refusal, above)
    return path, obj, reason


def _parts(obj: Any) -> Iterator[tuple[str, object]]:
    if isinstance(obj, (list, tuple)):
        yield from ((f"[{i}]", part) for i, part in enumerate(obj))
    elif isinstance(obj, dict):
        for key, part in obj.items():
            yield f"[{short_repr(key)}]", part
            yield f" → its key {short_repr(key)}", key
    elif isinstance(obj, (set, frozenset)):
        yield from ((f" → its element {short_repr(part)}", part) for part in obj)
    elif isinstance(obj, FunctionType):
        yield from functions.parts(obj)
    elif isinstance(obj, type):
        yield from ((f".{name}", part) for name, part in classes.attributes(obj).items())
    elif isinstance(obj, ModuleType):
        globals_ = namespaces.of(vars(obj)).with_stand_ins(namespaces.globals_of(obj))
        yield from ((f".{name}", part) for name, part in globals_.items())
    elif why_not(obj) is None:
        yield from _attributes(obj)


def _attributes(obj: Any) -> Iterator[tuple[str, object]]:
    for name in ("func", "args", "keywords", "__self__", "__func__", "__wrapped__", "fget"):
        if (part := getattr(obj, name, None)) is not None:
            yield f".{name}", part
    yield from ((f".{name}", part) for name, part in getattr(obj, "__dict__", {}).items())
    for cls in type(obj).__mro__:
        for name, value in vars(cls).items():
            if isinstance(value, MemberDescriptorType) and hasattr(obj, name):
                yield f".{name}", getattr(obj, name)
    if not importable(type(obj)):
        yield " → its class", type(obj)


def short_repr(obj: object) -> str:
    """Returns a short text of ``obj``; never raises."""
    import reprlib

    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    try:
        return short.repr(obj)
    except BaseException:
        return f"<{type(obj).__name__}>"
