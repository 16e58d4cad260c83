"""Messages that say of calls that they have failed, in the place of what cannot be written."""

from __future__ import annotations

import pickle
from typing import Any, NoReturn

from ..errors import SchedulerError
from ..settings import OUT_OF_BAND
from ..transport import messages
from ..transport.messages import Call, Done, FunctionDefinition, Result, Run
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
    """Returns a `Run` some calls of which raise SchedulerError, None for other messages.

    They are those with large arguments, and all if there are none of these; and the calls of
    functions with large contents, from then on.

    Args:
        frames: The receiver, the message, and its buffers.
        reason: Why the message itself cannot be had there.
    """
    message = messages.decode_to_node(frames[1])
    if type(message) is not Run:
        return None
    nothing = pickle.dumps(_Undeliverable(reason))
    every = not (any(map(_is_large, message.functions)) or any(map(_is_large, message.calls)))
    for definition in filter(_is_large, message.functions):
        definition.payload, definition.frames = nothing, 0
        # Nor is it to be kept by the worker under the name of its content.
        definition.content = b""
    for call in message.calls:
        if every or _is_large(call):
            call.payload, call.frames = nothing, 0
    # What refers to buffers is large: none is left.
    message.shared = []
    return [frames[0], messages.encode(message)]


def failing_done(frames: list[Any], reason: str) -> list[Any] | None:
    """Returns a `Done` some calls of which have failed, None for other messages.

    They are those with large results, and all if there are none of these.

    Args:
        frames: The sender, the message, and its buffers.
        reason: Why the message itself cannot be had there.
    """
    message = messages.decode_to_host(frames[1])
    if type(message) is not Done:
        return None
    failure = pack_error(SchedulerError(reason))
    every = not any(map(_is_large, message.results))
    for result in message.results:
        if every or _is_large(result):
            result.payload, result.frames = b"", 0
            result.failures = dict.fromkeys(range(result.lo, result.hi), failure)
    # As above.
    message.shared = []
    return [frames[0], messages.encode(message)]


def _is_large(part: FunctionDefinition | Call | Result) -> bool:
    return part.frames > 0 or len(part.payload) >= OUT_OF_BAND
