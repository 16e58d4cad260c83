"""The functions that a worker has been sent, each with the context in which it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import InitializerError
from ..serialization.exceptions import add_note
from ..serialization.function_options import FunctionWithOptions
from ..serialization.packed import ShortOfMemory
from ..transport.messages import INITIALIZER, FunctionDefinition
from .context import WorkerContext
from .kept_functions import KeptFunctions
from .termination import Terminated


class KnownFunctions:
    """Keeps them until they are to be forgotten.

    Args:
        context: Where the worker has what the program has.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._functions: dict[bytes, Callable[..., Any]] = {}
        self._options: dict[bytes, FunctionWithOptions] = {}
        self._broken: dict[bytes, BaseException] = {}
        self._contexts: dict[bytes, bytes] = {}
        self._kept = KeptFunctions()
        # What the initializer has raised.
        self._uninitialized: InitializerError | None = None

    def learn(self, definition: FunctionDefinition, frames: Sequence[Any]) -> None:
        """Unpacks a function; if that fails, its calls will. The initializer is called too."""
        key = definition.key
        self._contexts[key] = definition.context
        # What it imports is found where the program finds it.
        self._context.enter(definition.context)
        if key == INITIALIZER:
            self._initialize(definition, frames)
            return
        try:
            function = self._kept.unpack(definition, frames)
            if type(function) is FunctionWithOptions:
                self._options[key] = function
                function = function.function
            self._functions[key] = function
        except BaseException as error:
            add_note(error, "raised while the function was unpacked in the worker")
            self._broken[key] = error

    def _initialize(self, definition: FunctionDefinition, frames: Sequence[Any]) -> None:
        initializer: object = None
        try:
            if self._context.obstacle is not None:
                raise self._context.obstacle
            initializer = unpacked = self._kept.unpack(definition, frames)
            unpacked()
        except (Terminated, ShortOfMemory):
            raise
        except BaseException as error:
            self._uninitialized = initializer_error(initializer, error)

    def forget(self, keys: Iterable[bytes]) -> None:
        """Lets go of functions that are not called any more."""
        for key in keys:
            self._functions.pop(key, None)
            self._options.pop(key, None)
            self._broken.pop(key, None)
            self._contexts.pop(key, None)
            self._kept.forget(key)

    def enter_context_of(self, key: bytes) -> None:
        """Makes the context of a function the worker's own, before its arguments are unpacked."""
        self._context.enter(self._contexts.get(key, b""))

    def __getitem__(self, key: bytes) -> Callable[..., Any]:
        """Returns a function.

        Raises:
            InitializerError: The initializer has failed.
            OSError: The directory that its calls have asked for cannot be entered.
            BaseException: What was raised while it was unpacked.
        """
        if self._uninitialized is not None:
            raise self._uninitialized.with_traceback(None)
        if self._context.obstacle is not None:
            raise self._context.obstacle.with_traceback(None)
        if key in self._broken:
            raise self._broken[key]
        return self._functions[key]

    def is_broken(self, key: bytes) -> bool:
        """Tells whether no call of a function can ever succeed here, whoever tries again."""
        return key in self._broken or self._uninitialized is not None

    def options_of(self, key: bytes) -> FunctionWithOptions | None:
        """Returns what else is to be done with the calls of a function, None for nothing."""
        return self._options.get(key)


def initializer_error(initializer: object, error: BaseException) -> InitializerError:
    """Returns what is raised by the calls of a worker whose initializer has raised something.

    Args:
        initializer: It, None if it could not be unpacked.
        error: What it has raised to the caller of this.
    """
    # Not where the first worker waits for it.
    from ..serialization.functions import name_of

    name = f" {name_of(initializer)}" if initializer else ""
    failed = InitializerError(f"the initializer{name} raised {type(error).__name__}: {error}")
    trace = error.__traceback__
    # Without the frame of who has called it.
    failed.__cause__ = error.with_traceback(trace and trace.tb_next)
    return failed
