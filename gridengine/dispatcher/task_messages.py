"""Ledger orders to messages: what a worker needs to know for a block of work."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable
from typing import Any

from ..ledger.records import Assignment
from ..ledger.task import Place
from ..serialization.packed import Function
from ..settings import FUNCTION_BYTES
from ..transport import messages
from ..transport.shared_memory import Arena, Loan, insert_borrowed, replace_loans


class Blocks:
    """Makes the messages; knows which functions each worker has, and whose memory is lent to whom.

    Args:
        arena: Memory of this program that the workers see too.
    """

    def __init__(self, arena: Arena | None = None) -> None:
        self._arena = arena
        self._workers: dict[bytes, _Known] = {}

    def arrived(self, worker: bytes, arena: str = "") -> None:
        """Notes a new worker, which knows nothing, and where its own memory is.

        Raises:
            OSError: That cannot be opened.
        """
        self._workers[worker] = _Known(arena if self._arena is not None else "")

    def forget(self, key: bytes) -> list[bytes]:
        """Notes that a function will not be called again. Returns the workers that keep it."""
        return [
            address
            for address, known in self._workers.items()
            if known.functions.pop(key, None) is not None
        ]

    def knows_nothing(self, worker: bytes) -> None:
        """Notes that a worker may not have the functions that it was sent."""
        self._workers[worker].functions.clear()

    def gone(self, worker: bytes) -> None:
        """Notes the end of a worker."""
        known = self._workers.pop(worker, None)
        if known is not None:
            # What it has answered with stays, as long as somebody has it mapped.
            known.close()

    def close(self) -> None:
        """Lets go of the memory of all workers."""
        for worker in list(self._workers):
            self.gone(worker)

    def give_back(self, worker: bytes, released: Iterable[int]) -> None:
        """Notes what of this program's memory a worker has no more use for."""
        lent = self._workers[worker].lent
        for offset in released:
            loans = lent.get(offset)
            if loans:
                loans.pop()

    def trim(self) -> None:
        """Gives memory that is lent to nobody back to the system."""
        if self._arena is not None:
            self._arena.trim()

    def borrow(
        self, worker: bytes, frames: list[Any], shared: Iterable[messages.LoanPlace]
    ) -> None:
        """Puts what lies in a worker's memory among the frames of its message.

        Raises:
            ValueError: It lies nowhere.
        """
        if not shared:
            return
        known = self._workers[worker]
        if known.descriptor is None:
            raise ValueError("a worker without memory to share")
        insert_borrowed(frames, shared, known.descriptor, known.released.append)

    def released(self, worker: bytes) -> list[int]:
        """Returns what of a worker's memory this program has no more use for."""
        released = self._workers[worker].released
        return [released.popleft() for _ in range(len(released))]

    def block(self, order: Assignment, place: Place) -> tuple[messages.Run, list[Any]]:
        """Returns the message for an assignment, and the frames that follow it."""
        worker = self._workers[order.worker.address]
        known = worker.functions
        definitions: list[messages.FunctionDefinition] = []
        calls: list[messages.Call] = []
        frames_of_functions: list[Any] = []
        frames: list[Any] = []
        for chunk in order.chunks:
            task = chunk.task
            task.place = place
            function = task.function
            if function.key not in known:
                definitions.append(
                    messages.FunctionDefinition(
                        function.key, function.payload, len(function.frames)
                    )
                )
                frames_of_functions += function.frames
                known[function.key] = _size(function)
            frames += task.frames
            calls.append(
                messages.Call(
                    task.id, chunk.attempt, function.key, task.mode, chunk.lo, chunk.hi,
                    task.payload, len(task.frames), task.timeout, chunk.one_at_a_time,
                    task.fail_fast, task.apart,
                )
            )  # fmt: skip
        forget = _forget(known, keep=len(definitions)) if definitions else []
        every = frames_of_functions + frames
        real, shared = replace_loans(every)
        for loan in every:
            if type(loan) is Loan:
                worker.lent.setdefault(loan.offset, []).append(loan)
        block = messages.Run(
            order.worker.block,
            order.chunks[0].position,
            definitions,
            forget,
            calls,
            shared,
            self.released(order.worker.address),
            self._arena.path if shared and self._arena is not None else "",
        )
        return block, real


class _Known:
    """What is known of one worker."""

    def __init__(self, arena: str) -> None:
        # The functions that it keeps and their bytes, the oldest first.
        self.functions: collections.OrderedDict[bytes, int] = collections.OrderedDict()
        # Loans of this program's memory that it may still use.
        self.lent: dict[int, list[Loan]] = {}
        # Loans of its memory that this program uses no more; noted by the garbage collector.
        self.released: collections.deque[int] = collections.deque()
        # Opened at once: the memory stays, though the worker may be killed.
        self.descriptor = os.open(arena, os.O_RDONLY) if arena else None

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)


def _size(function: Function) -> int:
    size: int = sum(frame.nbytes for frame in function.frames)
    return size + len(function.payload)


def _forget(known: collections.OrderedDict[bytes, int], keep: int) -> list[bytes]:
    """Drops the oldest functions of a worker that holds too much of them."""
    forgotten = []
    total = sum(known.values())
    while total > FUNCTION_BYTES and len(known) > keep:
        key, size = known.popitem(last=False)
        total -= size
        forgotten.append(key)
    return forgotten
