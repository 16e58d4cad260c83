"""The answers of workers: the common ones of common jobs in few steps, and all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..states import JobState
from .durations import Durations
from .observers import Observers
from .records import AnsweredCalls, Counts, WorkerRecord
from .task import Outcome, Place, Task, outcome_of

_RUNNING = JobState.RUNNING


class Answers:
    """Records what workers answer.

    Args:
        durations: Learns how long calls take.
        observers: Who hears of events.
        done: `Ledger.done`, for whatever is not common.

    Attributes:
        counts: What was answered so far.
    """

    def __init__(
        self, durations: Durations, observers: Observers, done: Callable[..., Task | None]
    ) -> None:
        self._durations = durations
        self._observers = observers
        self._done = done
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
            tries = _tries(worker, result) if result.failures else 0
            task = self._done(
                worker, result.task, result.attempt, result.lo, result.hi,
                wall=result.wall, failed=bool(result.failures), now=now, final=result.final,
            )  # fmt: skip
            if task is None:
                continue
            outcome = _outcome(result, own, worker.place, tries)
            task.record(outcome)
            self.count(task, outcome)
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
        function, answers, wall, longest = None, 0, 0.0, 0.0
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
                or (task.function is not function and function is not None)
            ):
                break
            function = task.function
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
                        result.peak_memory, place, 0,
                    )
                )
            )  # fmt: skip
            if finished is not None:
                finished.append(task)
        if finished:
            self._observers.jobs_over(finished)
        self.counts.done += answers
        if function is not None:
            self._durations.learn(function.key, wall / answers, answers, longest)
            worker.load -= wall
            worker.ran += answers
            worker.heard = now
        return answers


def _tries(worker: WorkerRecord, result: AnsweredCalls) -> int:
    """Returns how often the calls of an answer have been tried, 0 if it is late."""
    for chunk in worker.outstanding:
        if chunk.task.id == result.task and chunk.attempt == result.attempt:
            return 1 + chunk.errors + chunk.deaths + chunk.losses
    return 0


def _outcome(result: AnsweredCalls, frames: Sequence[Any], place: Place, tries: int) -> Outcome:
    payload = result.payload
    if not payload and frames:
        payload, frames = frames[0], frames[1:]
    return outcome_of(
        (
            result.lo, result.hi, payload, frames, result.failures,
            result.wall, result.cpu, result.peak_memory, place, tries,
        )
    )  # fmt: skip
