"""The functions that a worker has been sent, each with the context in which it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..serialization.exceptions import add_note
from ..serialization.serializer import unpack
from ..transport.messages import FunctionDefinition
from .context import WorkerContext


class KnownFunctions:
    """Keeps them until they are to be forgotten.

    Args:
        context: Where the worker has what the program has.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._functions: dict[bytes, Callable[..., Any]] = {}
        self._broken: dict[bytes, BaseException] = {}
        self._contexts: dict[bytes, bytes] = {}

    def learn(self, definition: FunctionDefinition, frames: Sequence[Any]) -> None:
        """Unpacks a function; if that fails, its calls will."""
        key = definition.key
        self._contexts[key] = definition.context
        # What it imports is found where the program finds it.
        self._context.enter(definition.context)
        try:
            self._functions[key] = unpack(definition.payload, frames)
        except BaseException as error:
            add_note(error, "raised while the function was unpacked in the worker")
            self._broken[key] = error

    def forget(self, keys: Iterable[bytes]) -> None:
        """Lets go of functions that are not called any more."""
        for key in keys:
            self._functions.pop(key, None)
            self._broken.pop(key, None)
            self._contexts.pop(key, None)

    def enter_context_of(self, key: bytes) -> None:
        """Makes the context of a function the worker's own, before its arguments are unpacked."""
        self._context.enter(self._contexts.get(key, b""))

    def __getitem__(self, key: bytes) -> Callable[..., Any]:
        """Returns a function.

        Raises:
            BaseException: What was raised while it was unpacked.
        """
        if key in self._broken:
            raise self._broken[key]
        return self._functions[key]
