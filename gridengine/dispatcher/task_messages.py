"""Ledger orders to messages: what a worker needs to know for a block of work."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..ledger.orders import Assign
from ..ledger.records import WorkerRecord
from ..serialization.packed import Function
from ..settings import FUNCTION_BYTES
from ..transport import messages
from ..transport.borrowed import OpenArena, insert_borrowed
from ..transport.shared_memory import Arena, Loan, replace_loans

#: Contexts that are known again, of some kilobytes each; there is one, as a rule.
_CONTEXTS = 100


class WorkerMemory:
    """What the dispatcher keeps for one worker: `gridengine.ledger.records.WorkerRecord.memory`.

    Args:
        arena: Where the worker's own memory is, empty if it shares none.

    Attributes:
        functions: The functions that it keeps and their bytes, that used longest ago first.
        initialized: Whether it has been sent the initializer.
        lent: Loans of this program's memory that it may still use.
        released: Loans of its memory that this program uses no more; noted by the garbage
            collector.
        arena: Its memory, None if it shares none.

    Raises:
        OSError: That cannot be opened.
    """

    __slots__ = ("arena", "functions", "initialized", "lent", "released")

    def __init__(self, arena: str = "") -> None:
        self.functions: collections.OrderedDict[bytes, int] = collections.OrderedDict()
        self.initialized = False
        self.lent: dict[int, list[Loan]] = {}
        self.released: collections.deque[int] = collections.deque()
        # Opened at once: the memory stays, though the worker may be killed.
        self.arena = OpenArena(arena) if arena else None

    def take_released(self) -> list[int]:
        """Returns what of the worker's memory this program has no more use for."""
        return [self.released.popleft() for _ in range(len(self.released))]

    def give_back(self, offsets: Iterable[int]) -> None:
        """Notes what of this program's memory the worker has no more use for."""
        for offset in offsets:
            loans = self.lent.get(offset)
            if loans:
                loans.pop()

    def borrow(self, frames: list[Any], shared: Iterable[messages.LoanPlace]) -> None:
        """Puts what lies in the worker's memory among the frames of its message.

        Raises:
            ValueError: It lies nowhere.
        """
        if not shared:
            return
        if self.arena is None:
            raise ValueError("a worker without memory to share")
        insert_borrowed(frames, shared, self.arena, self.released.append)

    def close(self) -> None:
        """Lets go of it: what the worker has answered with stays as long as somebody has it."""
        self.arena = None


class TaskMessages:
    """Makes the messages.

    Args:
        arena: Memory of this program that the workers see too.
        environment: Which variables go to workers on other hosts; None where they have all, as
            children of this program. See `gridengine.settings.Settings`.
        initializer: What each worker calls before all else, None for nothing.
        is_unwanted: Tells by `Task.output` whether nobody wants to see what a task prints.
    """

    def __init__(
        self,
        arena: Arena | None = None,
        environment: str | None = None,
        initializer: Function | None = None,
        is_unwanted: Callable[[Any], bool] = lambda _: False,
    ) -> None:
        self._arena = arena
        self._environment = environment
        self._initializer = initializer
        self._is_unwanted = is_unwanted
        self._quiet = is_unwanted(None)
        self._contexts: dict[bytes, bytes] = {}

    def memory_for(self, arena: str) -> WorkerMemory:
        """Returns what is kept for a new worker, which has its own memory there.

        Raises:
            OSError: That cannot be opened.
        """
        return WorkerMemory(arena if self._arena is not None else "")

    def trim(self) -> None:
        """Gives memory that is lent to nobody back to the system."""
        if self._arena is not None:
            self._arena.trim()

    def without_work(
        self, worker: WorkerRecord, forget: list[bytes], released: list[int]
    ) -> messages.Run:
        """Returns a block without work, for what else is in it."""
        return messages.Run(worker.block, worker.position, [], forget, [], [], released)

    def _context_of(self, function: Function) -> bytes:
        packed = function.context
        if self._environment is None or not packed:
            return packed
        if packed not in self._contexts:
            # Not for workers of this host, of which the first one waits.
            from ..serialization.context import for_nodes
            from ..transport.environment import EnvironmentFilter

            if len(self._contexts) >= _CONTEXTS:
                self._contexts.clear()
            passed = EnvironmentFilter(self._environment).passed
            self._contexts[packed] = for_nodes(packed, passed)
        return self._contexts[packed]

    def _definition_of(self, initializer: Function) -> messages.FunctionDefinition:
        return messages.FunctionDefinition(
            messages.INITIALIZER,
            initializer.payload,
            len(initializer.frames),
            self._context_of(initializer),
        )

    def block(self, order: Assign) -> tuple[messages.Run, list[Any]]:
        """Returns the message for an assignment, and the frames that follow it."""
        worker = order.worker
        memory: WorkerMemory = worker.memory
        known = memory.functions
        definitions: list[messages.FunctionDefinition] = []
        calls: list[messages.Call] = []
        frames_of_functions: list[Any] = []
        frames: list[Any] = []
        used: dict[bytes, None] = {}
        if self._initializer is not None and not memory.initialized:
            memory.initialized = True
            definitions.append(self._definition_of(self._initializer))
            frames_of_functions += self._initializer.frames
        last = None
        for chunk in order.chunks:
            task = chunk.task
            function = task.function
            # Jobs of one function stand together, as a rule.
            if function is not last:
                if function.key not in known:
                    definition, sent = _define(function, self._context_of(function), known)
                    definitions.append(definition)
                    frames_of_functions += sent
                for key in (function.key, function.content):
                    if key in known:
                        used[key] = None
                        known.move_to_end(key)
                last = function
            own = task.frames
            if own:
                frames += own
            calls.append(
                messages.Call(
                    task.id, chunk.attempt, function.key, task.mode, chunk.lo, chunk.hi,
                    task.payload, len(own), task.timeout, chunk.one_at_a_time,
                    task.fail_fast, task.apart, task.first,
                    self._quiet if task.output is None else self._is_unwanted(task.output),
                )
            )  # fmt: skip
        forget = _forget(known, keep=len(used)) if definitions else []
        every = frames_of_functions + frames
        real, shared = replace_loans(every) if every else (every, [])
        if shared:
            for loan in every:
                if type(loan) is Loan:
                    memory.lent.setdefault(loan.offset, []).append(loan)
        block = messages.Run(
            worker.block,
            order.chunks[0].position,
            definitions,
            forget,
            calls,
            shared,
            memory.take_released() if memory.released else [],
            self._arena.path if shared and self._arena is not None else "",
        )
        return block, real


def _define(
    function: Function, context: bytes, known: collections.OrderedDict[bytes, int]
) -> tuple[messages.FunctionDefinition, Sequence[Any]]:
    """Returns what tells a worker of a function, and the frames that it does not have.

    Args:
        function: The function.
        context: What of its context the worker gets.
        known: What the worker keeps, by key or by content; the function is added.
    """
    size = len(function.payload) + sum(frame.nbytes for frame in function.frames)
    if not function.content:
        known[function.key] = size + len(context)
        payload, frames = function.payload, function.frames
    else:
        # Made of what is kept by its content, it takes no memory of its own.
        known[function.key] = len(context)
        is_kept = function.content in known
        known[function.content] = size
        payload, frames = (b"", ()) if is_kept else (function.payload, function.frames)
    definition = messages.FunctionDefinition(
        function.key, payload, len(frames), context, function.content
    )
    return definition, frames


def _forget(known: collections.OrderedDict[bytes, int], keep: int) -> list[bytes]:
    """Drops the functions that were used longest ago of a worker that holds too much of them."""
    forgotten = []
    total = sum(known.values())
    while total > FUNCTION_BYTES and len(known) > keep:
        key, size = known.popitem(last=False)
        total -= size
        forgotten.append(key)
    return forgotten
