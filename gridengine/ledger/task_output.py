"""What is to become of what a job prints, and what is kept of it."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any, NamedTuple

STREAM, COLLECT, DISCARD = MODES = ("stream", "collect", "discard")
"""What ``output=`` takes: printed by the program, only kept, or neither."""


class OutputPolicy(NamedTuple):
    """What is asked for the output of some jobs.

    Attributes:
        mode: One of `MODES`, empty for what the scheduler has.
        logs: The folder in which it is written to a file, empty for none.
        keep_logs: Whether the file of a job that succeeds stays.
        open_log: Makes what takes all of it in the place of that file, from the task, when
            something comes; its ``write`` is given the bytes, and whether they are of stderr.
    """

    mode: str = ""
    logs: str = ""
    keep_logs: bool = True
    open_log: Callable[[Any], Any] | None = None


class TaskOutput:
    """What is known of the output of one task. Changed by the dispatcher's thread alone.

    Args:
        policy: What is asked for it.
        kept: Bytes of it that are kept, at most.

    Attributes:
        policy: The same.
        log: Where all of it is written, None for nowhere.
        awaited: Attempts, by their numbers, of which something is known to be on its way.
    """

    __slots__ = ("_kept", "_parts", "_size", "awaited", "log", "policy")

    def __init__(self, policy: OutputPolicy, kept: int) -> None:
        self.policy = policy
        self.log: Any = None
        self.awaited: set[int] = set()
        self._kept = kept
        self._parts: collections.deque[bytes] = collections.deque()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Keeps the end of what was printed, and of this."""
        data = data[-self._kept :] if self._kept else b""
        self._parts.append(data)
        self._size += len(data)
        while self._parts and self._size - len(self._parts[0]) >= self._kept:
            self._size -= len(self._parts.popleft())

    def begin_again(self) -> None:
        """Lets go of what another attempt has printed."""
        self._parts = collections.deque()
        self._size = 0

    @property
    def text(self) -> str:
        """The end of what was printed so far."""
        # A copy: the dispatcher may be about to add to it.
        data = b"".join(self._parts.copy())
        return data[-self._kept :].decode("utf-8", errors="replace") if data else ""
