"""Functions of jobs to frames: each is packed once as long as nothing that it uses changes."""

from __future__ import annotations

import functools
import itertools
import sys
import weakref
from collections.abc import Callable
from types import FunctionType

from ..transport.shared_memory import gather, snapshot
from . import by_value, context
from .code_changes import WATCH
from .packed import Function
from .serializer import pack

#: Packed functions that are known again when they are packed again; a megabyte or two, as a rule.
_REMEMBERED = 500

_packed_functions: weakref.WeakKeyDictionary[FunctionType, tuple[object, int, Function]] = (
    weakref.WeakKeyDictionary()
)
_numbers = itertools.count()
_keys: dict[tuple[int, bytes, bytes, int], bytes] = {}
_BY_NAME = ("by its name",)


def pack_function(function: Callable[..., object], what: str = "target") -> Function:
    """Returns ``function`` ready to travel; from memory if nothing that it uses has changed.

    Raises:
        PackingError: Something that it uses cannot travel.
    """
    WATCH.look()
    code, around = WATCH.version, context.current(hurried=WATCH.hurried)
    if type(function) is not FunctionType:
        return _pack_function(function, what, around, code)
    known = _packed_functions.get(function)
    if known is not None:
        _, generation, packed = known
        # Looked at here, not noted when one of them changes: another thread may be at it.
        if generation != by_value.generation() or packed.context != around or packed.code != code:
            known = None
    if known is not None:
        if known[0] is _BY_NAME:
            if is_in_its_module(function):
                return known[2]
        # What has come by value before does so again, if nothing else has changed.
        elif known[0] == by_value.fingerprint(function):
            return known[2]
    by_name = is_in_its_module(function) and by_value.importable(function)
    fingerprint = _BY_NAME if by_name else by_value.fingerprint(function)
    if fingerprint is None:
        return _pack_function(function, what, around, code)
    packed = _pack_function(function, what, around, code)
    _packed_functions[function] = fingerprint, by_value.generation(), packed
    return packed


def is_in_its_module(function: FunctionType) -> bool:
    """Returns True if a function is found by its name in the module that it says it is of."""
    module = sys.modules.get(function.__module__)
    return module is not None and vars(module).get(function.__qualname__) is function


def pack_once(function: Callable[..., object], what: str) -> Function:
    """As `pack_function`, but nothing is remembered, and large buffers are not copied.

    For a function that is kept packed by who calls it, and shared with the workers at once.

    Raises:
        PackingError: Something that it uses cannot travel.
    """
    WATCH.look()
    code, around = WATCH.version, context.current(hurried=WATCH.hurried)
    payload, frames = pack(function, what)
    return Function(_new_key(), payload, gather(frames), name_of(function), around, code)


def _pack_function(
    function: Callable[..., object], what: str, around: bytes, code: int
) -> Function:
    payload, frames = pack(function, what)
    # To compare arrays takes longer than to send one once more than needed.
    key = _new_key() if frames else _key_of(payload, around, code)
    return Function(key, payload, snapshot(gather(frames)), name_of(function), around, code)


def _new_key() -> bytes:
    return b"%d" % next(_numbers)


def _key_of(payload: bytes, around: bytes, code: int) -> bytes:
    """Returns the key of a function that is packed so, the same one each time."""
    # No digest: `hashlib` loads OpenSSL, which takes as long as a quarter of all imports.
    if len(_keys) >= _REMEMBERED:
        _keys.clear()
    # The same function again, after another has changed what they share, must travel again.
    return _keys.setdefault((by_value.generation(), payload, around, code), _new_key())


def key_in_context(function: Function, context: bytes) -> bytes:
    """Returns the key that a packed function has in a context that is not its own."""
    if len(_keys) >= _REMEMBERED:
        _keys.clear()
    # The function's own key says all of it, what its buffers are too.
    return _keys.setdefault((-1, function.key, context, function.code), _new_key())


def name_of(function: object) -> str:
    """Returns what people call ``function``."""
    if type(function) is FunctionType:
        return function.__qualname__
    for attribute in ("__qualname__", "__name__"):
        # Its own code answers, if it is a proxy: with whatever it likes, or not at all.
        try:
            name = getattr(function, attribute, None)
        except Exception:
            name = None
        if isinstance(name, str) and name:
            return name
    # Not whatever has such an attribute: a mock has any, and makes it when it is asked.
    if isinstance(function, functools.partial):
        return name_of(function.func)
    return type(function).__name__
