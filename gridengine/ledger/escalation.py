"""Calls that had too little, or too much, and are to be run by workers of another kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..states import DeathCause
from .hand_out import HandOut
from .queues import Queues
from .records import Chunk, WorkerRecord
from .stray_chunk import strayed
from .task import Task


class Escalation:
    """Has calls wait for workers that were given more, or as much as such calls use.

    Args:
        queues: What waits.
        hand_out: Who does it.
        put_back: Has chunks wait again, for a reason.
    """

    def __init__(
        self,
        queues: Queues,
        hand_out: HandOut,
        put_back: Callable[[Iterable[Chunk], str], None],
    ) -> None:
        self._queues = queues
        self._hand_out = hand_out
        self._put_back = put_back

    def more(self, chunk: Chunk, kind: int, cause: DeathCause, peak: int = 0) -> bool:
        """Has a call tried again by a worker with more; False if more is not to be had.

        Args:
            chunk: The call, which is nowhere any more.
            kind: That of the worker which had too little.
            cause: Of what.
            peak: Bytes that it has used, 0 if unknown.
        """
        task = chunk.task
        if task.requests is None or not task.wanted:
            return False
        found = task.requests.more(kind, cause, len(chunk.tried), peak)
        if found is None:
            return False
        chunk = strayed(chunk, found, (*chunk.tried, kind))
        what = "time" if cause is DeathCause.OVER_TIME else "memory"
        asked = task.requests.words((found,), cause)
        self._put_back([chunk], f"it had too little {what}; it is to have {asked}")
        return True

    def learn(self, task: Task, worker: WorkerRecord, peak_memory: int) -> None:
        """Takes in what calls have used that a worker has just answered for.

        Args:
            task: Theirs, or that of one of them.
            worker: It.
            peak_memory: Bytes that were resident at most, of whatever it has run so far.
        """
        requests, key = task.requests, task.function.key
        if requests is None or requests.learned is None:
            return
        peak = worker.space if requests.learned.is_virtual else peak_memory
        grown, worker.peak = peak > worker.peak, max(peak, worker.peak)
        if not peak or not (grown or worker.kind == requests.kind_for(key)):
            # Of a worker with more for others this is what those have used.
            return
        changed = requests.learn(key, peak)
        if changed is None:
            return
        before, after = changed
        self._queues.move(
            before, after, lambda each: each.requests is requests and each.function.key == key
        )
        if requests.has_as_much(before, after):
            # Who is there does not wait for those who are to come.
            self._hand_out.helpers.setdefault(before, {})[after] = None

    def take_refused(self, kind: int) -> list[Chunk]:
        """Takes the calls that wait for workers of a kind which are not to be had.

        Those that had too little before; whatever else waits for such workers stays.
        """
        queue = self._queues.of(kind)
        refused = [chunk for chunk in queue.chunks if chunk.tried and chunk.task.wanted]
        self._queues.remove(kind, refused)
        return refused
