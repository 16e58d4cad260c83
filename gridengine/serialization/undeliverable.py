"""Messages that say of calls that they have failed, in the place of what cannot be written."""

from __future__ import annotations

import pickle
from typing import Any, NoReturn

import msgspec

from ..errors import SchedulerError
from ..settings import OUT_OF_BAND
from ..transport import messages
from ..transport.messages import Done, FunctionDefinition, Result, Run
from .exceptions import pack_error


class _Undeliverable:
    """What raises an error where it is unpacked."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return _fail, (self._reason,)


def _fail(reason: str) -> NoReturn:
    raise SchedulerError(reason)


def failing_run(frames: list[Any], reason: str) -> list[Any] | None:
    """Returns a `Run` whose calls raise SchedulerError with ``reason``, None for other messages.

    Args:
        frames: The receiver, the message, and its buffers.
        reason: Why the message itself cannot be had there.
    """
    message = messages.decode_to_node(frames[1])
    if type(message) is not Run:
        return None
    nothing = pickle.dumps(_Undeliverable(reason))
    for call in message.calls:
        call.payload, call.frames = nothing, 0
    message.functions = [_failing(each, nothing) for each in message.functions]
    message.shared = []
    return [frames[0], messages.encode(message)]


def _failing(definition: FunctionDefinition, nothing: bytes) -> FunctionDefinition:
    if not definition.frames and len(definition.payload) < OUT_OF_BAND:
        return definition
    # Nor is it to be kept by the worker under the name of its content.
    return msgspec.structs.replace(definition, payload=nothing, frames=0, content=b"")


def failing_done(frames: list[Any], reason: str) -> list[Any] | None:
    """Returns a `Done` whose calls have failed with ``reason``, None for other messages.

    Args:
        frames: The sender, the message, and its buffers.
        reason: Why the message itself cannot be had there.
    """
    message = messages.decode_to_host(frames[1])
    if type(message) is not Done:
        return None
    failure = pack_error(SchedulerError(reason))
    message.results = [_failed(each, failure) for each in message.results]
    message.shared = []
    return [frames[0], messages.encode(message)]


def _failed(result: Result, failure: bytes) -> Result:
    calls = dict.fromkeys(range(result.lo, result.hi), failure)
    return msgspec.structs.replace(result, payload=b"", frames=0, failures=calls)
