"""Ledger orders to messages: what a worker needs to know for a block of work."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any

from . import protocol
from .ledger import Assignment
from .serializer import Function
from .settings import FUNCTION_BYTES, OUT_OF_BAND
from .ticket import Place


class Blocks:
    """Makes the messages, and knows which functions each worker has already."""

    def __init__(self) -> None:
        # For each worker the functions that it keeps and their bytes, the oldest first.
        self._known: dict[bytes, collections.OrderedDict[bytes, int]] = {}

    def arrived(self, worker: bytes) -> None:
        """Notes a new worker, which knows nothing."""
        self._known[worker] = collections.OrderedDict()

    def gone(self, worker: bytes) -> None:
        """Notes the end of a worker."""
        self._known.pop(worker, None)

    def block(self, order: Assignment, place: Place) -> tuple[protocol.Run, list[Any]]:
        """Returns the message for an assignment, and the frames that follow it."""
        known = self._known[order.worker.address]
        routines: list[protocol.Routine] = []
        calls: list[protocol.Call] = []
        frames_of_functions: list[Any] = []
        frames: list[Any] = []
        for piece in order.pieces:
            ticket = piece.ticket
            ticket.place = place
            function = ticket.function
            if function.key not in known:
                payload, extra = _inline(function.payload, function.frames)
                routines.append(protocol.Routine(function.key, payload, len(extra)))
                frames_of_functions += extra
                known[function.key] = _size(function)
            payload, extra = _inline(ticket.payload, ticket.frames)
            frames += extra
            calls.append(
                protocol.Call(
                    ticket.id, piece.attempt, function.key, ticket.mode, piece.lo, piece.hi,
                    payload, len(extra), ticket.timeout, piece.careful,
                    ticket.fail_fast, ticket.apart,
                )
            )  # fmt: skip
        forget = _forget(known, keep=len(routines)) if routines else []
        position = order.pieces[0].position
        block = protocol.Run(order.worker.block, position, routines, forget, calls)
        return block, frames_of_functions + frames


def _inline(payload: bytes, frames: Iterable[Any]) -> tuple[bytes, list[Any]]:
    """Returns a payload as it goes into the message, and the frames that follow it."""
    if len(payload) > OUT_OF_BAND:
        return b"", [payload, *frames]
    return payload, list(frames)


def _size(function: Function) -> int:
    return len(function.payload) + sum(memoryview(frame).nbytes for frame in function.frames)


def _forget(known: collections.OrderedDict[bytes, int], keep: int) -> list[bytes]:
    """Drops the oldest functions of a worker that holds too much of them."""
    forgotten = []
    total = sum(known.values())
    while total > FUNCTION_BYTES and len(known) > keep:
        key, size = known.popitem(last=False)
        total -= size
        forgotten.append(key)
    return forgotten
