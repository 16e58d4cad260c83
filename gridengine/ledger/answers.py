"""The answers of workers: the common ones of common jobs in few steps, and all others."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Any

from ..states import DeathCause, JobState
from .counts import Counts
from .durations import Durations
from .observers import Observers
from .records import AnsweredCalls, Chunk, WorkerRecord
from .task import Outcome, Place, Task, outcome_of

_RUNNING = JobState.RUNNING


class Answers:
    """Records what workers answer.

    Args:
        durations: Learns how long calls take.
        observers: Who hears of events.
        done: `Ledger.done`, for whatever is not common.
        learn: Learns how much memory calls use whose requests follow that.

    Attributes:
        counts: What was answered so far.
    """

    def __init__(
        self,
        durations: Durations,
        observers: Observers,
        done: Callable[..., Task | None],
        learn: Callable[[Task, WorkerRecord, int], None],
    ) -> None:
        self._durations = durations
        self._observers = observers
        self._done = done
        self._learn = learn
        self.counts = Counts()

    def record(
        self,
        worker: WorkerRecord,
        results: Sequence[AnsweredCalls],
        frames: Sequence[Any],
        now: float,
    ) -> list[Task]:
        """Records answers; see `Ledger.record`."""
        ended_early: list[Task] = []
        own: Sequence[Any] = ()
        at = self._record_common(worker, results, now)
        first_frame = sum(result.frames for result in results[:at]) if frames else 0
        for result in results[at:]:
            if frames:
                own = frames[first_frame : first_frame + result.frames]
                first_frame += result.frames
            tries, asked = _tries(worker, result) if result.failures else (0, "")
            task = self._done(
                worker, result.task, result.attempt, result.lo, result.hi,
                wall=result.wall, failed=bool(result.failures), now=now, final=result.final,
                short=result.short,
            )  # fmt: skip
            if task is None:
                continue
            outcome = _outcome(result, own, worker.place, tries, asked)
            task.record(outcome)
            self.count(task, outcome)
            if task.requests is not None and not result.failures:
                self._learn(task, worker, result.peak_memory)
            if task.size > 1 and task.over and task.missing:
                ended_early.append(task)
        return ended_early

    def count(self, task: Task, outcome: Outcome) -> None:
        """Event: an answer was recorded."""
        self.counts.done += outcome.hi - outcome.lo
        self.counts.failed += len(outcome.failures)
        if self._observers.callbacks:
            self._observers.answered(task, outcome)

    def _record_common(
        self, worker: WorkerRecord, results: Sequence[AnsweredCalls], now: float
    ) -> int:
        """Records the values of single jobs, as long as they come in order and without frames.

        Returns:
            How many there were.
        """
        outstanding, place = worker.outstanding, worker.place
        answers, wall, longest = 0, 0.0, 0.0
        last: Task | None = None
        finished: list[Task] | None = [] if self._observers.callbacks else None
        for result in results:
            if not outstanding:
                break
            chunk = outstanding[0]
            task = chunk.task
            if (
                task.id != result.task
                or chunk.attempt != result.attempt
                or result.failures
                or result.frames
                or task.size > 1
                or result.lo
                or result.hi != 1
                or task.state is not _RUNNING
                or (last is not None and task.function is not last.function)
            ):
                break
            last = task
            outstanding.popleft()
            seconds = result.wall
            wall += seconds
            if seconds > longest:
                longest = seconds
            answers += 1
            task.finish(
                outcome_of(
                    (
                        0, 1, result.payload, (), result.failures, seconds, result.cpu,
                        result.peak_memory, place, 0, "",
                    )
                )
            )  # fmt: skip
            if finished is not None:
                finished.append(task)
        if finished:
            self._observers.jobs_over(finished)
        self.counts.done += answers
        if last is not None:
            if last.requests is not None:
                self._learn(last, worker, results[answers - 1].peak_memory)
            self._durations.learn(last.function.key, wall / answers, answers, longest)
            worker.load -= wall
            worker.ran += answers
            worker.heard = now
        return answers


def _tries(worker: WorkerRecord, result: AnsweredCalls) -> tuple[int, str]:
    """Returns how often the calls of an answer have been tried, 0 if it is late.

    And with how much memory, in words, if it was too little and they could have more.
    """
    for chunk in worker.outstanding:
        if chunk.task.id == result.task and chunk.attempt == result.attempt:
            tries = 1 + chunk.errors + chunk.deaths + chunk.losses + len(chunk.tried)
            requests = chunk.task.requests
            if not result.short or requests is None:
                return tries, ""
            kinds = (*chunk.tried, worker.kind)
            return tries, requests.words(kinds, DeathCause.OUT_OF_MEMORY)
    return 0, ""


def _outcome(
    result: AnsweredCalls, frames: Sequence[Any], place: Place, tries: int, asked: str
) -> Outcome:
    payload = result.payload
    if not payload and frames:
        payload, frames = frames[0], frames[1:]
    return outcome_of(
        (
            result.lo, result.hi, payload, frames, result.failures,
            result.wall, result.cpu, result.peak_memory, place, tries, asked,
        )
    )  # fmt: skip


def place_of(task: int, attempt: int, outstanding: collections.deque[Chunk]) -> int:
    """Returns where a task's chunk stands, -1 if it is not there; nearly always it is first."""
    for place, chunk in enumerate(outstanding):
        if chunk.task.id == task and chunk.attempt == attempt:
            return place
    return -1
