"""The values of an answer as they are kept in a journal."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from ...ledger.task import Outcome
from ...serialization import by_value
from ...serialization.by_value.importability import importable
from ...serialization.serializer import UpwardPickler, pack_by, unpack
from ...states import Mode
from ...transport.borrowed import Borrowed
from ...transport.shared_memory import Missing, gather

#: What a pickle has in it that finds a class by its token, which the next program does not know.
_BY_TOKEN = b"gridengine.serialization.by_value.classes"


def kept(outcome: Outcome) -> Outcome:
    """Returns an answer whose buffers nobody changes any more, be the values given to a program.

    For the thread that has just received it.
    """
    frames = outcome.frames
    if frames or type(outcome.payload) is not bytes:
        # Of borrowed memory the program changes its own copy.
        return outcome._replace(
            payload=_own(outcome.payload), frames=[_own(frame) for frame in gather(frames)]
        )
    return outcome


def _own(frame: Any) -> Any:
    return frame if type(frame) in (bytes, Borrowed, Missing) else bytes(frame)


def size_of(outcome: Outcome) -> int:
    """Returns how many bytes an answer has."""
    return sum(_length(frame) for frame in (outcome.payload, *outcome.frames))


def _length(frame: Any) -> int:
    return len(frame) if type(frame) is bytes else int(frame.nbytes)


def to_be_kept(outcome: Outcome, mode: Mode) -> tuple[bytes, list[bytes], list[int]] | None:
    """Returns the payload and frames to be written, and which of the calls have no value.

    The latter are counted from the first. None if there is nothing that could be kept.
    """
    if any(type(frame) is Missing for frame in (outcome.payload, *outcome.frames)):
        return None
    payload, *frames = (_content(frame) for frame in (outcome.payload, *outcome.frames))
    failed = sorted(call - outcome.lo for call in outcome.failures)
    if len(failed) == outcome.hi - outcome.lo or not payload:
        return None
    if _BY_TOKEN in payload:
        return _with_names(payload, frames, failed, mode)
    return payload, frames, failed


def _content(frame: Any) -> bytes:
    return bytes(frame.original()) if type(frame) is Borrowed else frame


def _with_names(
    payload: bytes, frames: Sequence[bytes], failed: list[int], mode: Mode
) -> tuple[bytes, list[bytes], list[int]] | None:
    """As `to_be_kept`, of values which have classes that only this program knows by a token.

    They are kept by name: the next program has a class of that name in its ``__main__``.
    """
    values = unpack(payload, frames)
    if mode is Mode.CALL:
        packed = _packed(values)
        return None if packed is None else (*packed, failed)
    packed = _packed(values)
    if packed is None:
        # One of them cannot be, the others shall.
        missing = {i for i, value in enumerate(values) if _packed([value]) is None}
        if len(missing) == len(values):
            return None
        values = [None if i in missing else value for i, value in enumerate(values)]
        packed = _packed(values)
        failed = sorted({*failed, *missing})
    return None if packed is None else (*packed, failed)


def _packed(values: Any) -> tuple[bytes, list[bytes]] | None:
    try:
        payload, frames = pack_by(_NamingPickler, values, "the results")
    except Exception:
        return None
    own = [bytes(frame) for frame in gather(frames)]
    return (payload, own) if payload else (own[0], own[1:])


def _named(obj: Any) -> Any:
    if isinstance(obj, type) and not importable(obj) and "<locals>" in obj.__qualname__:
        raise TypeError(f"no other program has the class {obj.__qualname__}")
    if isinstance(obj, type) and not importable(obj) and obj.__module__ in sys.modules:
        return _class_named, (obj.__module__, obj.__qualname__)
    return by_value.reduce_upward(obj)


class _NamingPickler(UpwardPickler):
    reducer_override: Any = staticmethod(_named)


def _class_named(module: str, name: str) -> Any:
    """Returns the class of this program that has the name of one of an earlier run.

    Raises:
        LookupError: There is none.
    """
    found: Any = sys.modules.get(module)
    if found is None:
        found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise LookupError(f"{module} has no class {name!r}")
    return found
