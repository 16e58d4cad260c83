"""Events as bytes, for files and sockets, and back: each an array with its type's number.

A file or a peer may be of another version: numbers are never given to another type, fields are
added at the end, with defaults where they are read. Nothing in here is unpickled but the summary of
an exception, as texts (`gridengine.serialization.exceptions`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ..ledger import events
from ..ledger.events import CallFailed, DispatcherEvent
from ..logs import printable
from ..serialization.exceptions import text_of

#: Their places are their numbers.
_TYPES: tuple[type, ...] = (
    events.CountsSoFar,
    events.JobsSubmitted,
    events.JobsStarted,
    events.JobRetried,
    events.CallsDone,
    events.CallFailed,
    events.JobsOver,
    events.WorkerJoined,
    events.WorkerLost,
    events.QueueJobsSubmitted,
    events.QueueJobStarted,
    events.QueueJobWaiting,
    events.QueueJobOver,
    events.NoticeGiven,
    events.StateShown,
    events.QueueJobsDelayed,
    events.WorkersSampled,
    events.CallStalled,
)
_NUMBERS = {kind: number for number, kind in enumerate(_TYPES)}

#: Characters of what a failure says that are kept: its first lines and its last ones.
_FAILURE = 8000

TimedEvent = tuple[float, DispatcherEvent]
"""An event, and when it was told, in seconds since 1970."""

_encoder = msgspec.msgpack.Encoder()


def encode(timed: Iterable[TimedEvent]) -> bytes:
    """Returns events as bytes."""
    return _encoder.encode([(when, *_numbered(event)) for when, event in timed])


def decode(data: bytes) -> Iterator[TimedEvent]:
    """Yields the events that were encoded, but for those that only a newer version knows.

    The failure of a `CallFailed` is a text.

    Raises:
        ValueError: The bytes are none that `encode` has returned.
    """
    for when, number, raw in _frame_decoder().decode(data):
        if number < len(_TYPES):
            yield when, _decoders()[number].decode(raw)


def _numbered(event: DispatcherEvent) -> tuple[int, DispatcherEvent]:
    if isinstance(event, CallFailed):
        event = event._replace(failure=_failure_text(event.failure))
    return _NUMBERS[type(event)], event


def _failure_text(failure: object) -> str:
    """Returns what ended a call: a certificate, or an exception's traceback."""
    text = printable(text_of(failure) if isinstance(failure, bytes) else str(failure))
    if len(text) > _FAILURE:
        text = f"{text[: _FAILURE // 2]}\n...\n{text[-_FAILURE // 2 :]}"
    return text


@functools.cache
def _frame_decoder() -> Any:
    return msgspec.msgpack.Decoder(list[tuple[float, int, msgspec.Raw]])


@functools.cache
def _decoders() -> tuple[Any, ...]:
    return tuple(map(msgspec.msgpack.Decoder, _TYPES))
