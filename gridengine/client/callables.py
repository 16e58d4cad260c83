"""What can be called by a worker, looked at before anything is packed."""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Of the code of an ``async def``, and of a generator by ``types.coroutine``; as in `inspect`,
#: which takes long to import.
_COROUTINE = 0x80 | 0x100


def check_callable(what: str, function: Any) -> None:
    """Raises if calls of a function cannot be had from a worker.

    Args:
        what: What to call it.
        function: It.

    Raises:
        TypeError: It cannot be called, or its calls return coroutines.
    """
    if not callable(function):
        from ..serialization.by_value.explain import short_repr

        raise TypeError(f"{what} is {short_repr(function)}, which cannot be called")
    if _makes_coroutines(function):
        from ..serialization.by_value.explain import short_repr
        from ..serialization.functions import name_of

        raise TypeError(
            f"{what} is {short_repr(function)}, whose calls return coroutines, which cannot "
            "travel; give a function that runs one in its worker: "
            f"lambda *args: asyncio.run({name_of(function)}(*args))"
        )


def _makes_coroutines(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    # A bound method has that of its function.
    code = getattr(function, "__code__", None)
    flags = getattr(code, "co_flags", 0)
    return isinstance(flags, int) and bool(flags & _COROUTINE)
