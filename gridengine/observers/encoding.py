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
    events.QueueJobDeleted,
)
_NUMBERS = {kind: number for number, kind in enumerate(_TYPES)}

#: Characters of what a failure says that are kept: its first lines and its last ones.
_FAILURE = 8000

#: The first second of the year 10000, which has no date: no event is that late.
_LAST = 253_402_300_800

TimedEvent = tuple[float, DispatcherEvent]
"""An event, and when it was told, in seconds since 1970."""

_encoder = msgspec.msgpack.Encoder()


def encode(timed: Iterable[TimedEvent]) -> bytes:
    """Returns events as bytes, but for those whose type has no number."""
    numbered = [(when, *_numbered(event)) for when, event in timed if type(event) in _NUMBERS]
    try:
        return _encoder.encode(numbered)
    except UnicodeEncodeError:
        # The name of a job, or a path, that is no text.
        return _encoder.encode(_as_text(numbered))


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, (tuple, list)):
        return [_as_text(each) for each in value]
    return value


def decode(data: bytes) -> Iterator[TimedEvent]:
    """Yields the events that were encoded, but for those that only a newer version knows.

    The failure of a `CallFailed` is a text.

    Raises:
        ValueError: The bytes are none that `encode` has returned (a `msgspec.DecodeError`).
    """
    try:
        for when, number, raw in _frame_decoder().decode(data):
            if not 0 <= when < _LAST or number < 0:
                raise ValueError("no time, or no number of an event")
            if number < len(_TYPES):
                yield when, _decoders()[number].decode(raw)
    except RecursionError:
        raise ValueError("an event that is too deep") from None


def _numbered(event: DispatcherEvent) -> tuple[int, DispatcherEvent]:
    if isinstance(event, CallFailed):
        event = event._replace(failure=failure_text(event.failure))
    return _NUMBERS[type(event)], event


def failure_text(failure: object) -> str:
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
