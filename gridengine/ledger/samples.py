"""What samples of workers say of their calls: what those use, and which of them do nothing."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from ..states import DeathCause
from ..transport.sample_messages import WorkerSample
from .observers import Observers
from .orders import Order, SignalCalls, Warn
from .records import Chunk, WorkerRecord
from .series import CallSeries, WorkerSeries, cpu_before, series_of
from .task import Task, Usage

STALLED = DeathCause.STALLED.value
"""`Report.reason` of a worker that was ended because its call did nothing."""


class Samples:
    """Takes in what supervisors have seen.

    Args:
        orders: What is to be done is added to it.
        observers: Who hears of events.
        stalled_after: Seconds without work after which a call has stalled, 0 for never.
        retry: Whether its worker is killed then, and the call tried again.
    """

    def __init__(
        self, orders: list[Order], observers: Observers, stalled_after: float, *, retry: bool
    ) -> None:
        self._orders = orders
        self._observers = observers
        self._stalled_after = stalled_after
        self._retry = retry

    def take_in(self, sampled: Sequence[tuple[WorkerRecord, WorkerSample]]) -> None:
        """Event: a supervisor says what its workers use."""
        for worker, sample in sampled:
            self._note(worker, sample)
        if self._observers.callbacks and sampled:
            self._observers.workers_sampled(sampled)

    def _note(self, worker: WorkerRecord, sample: WorkerSample) -> None:
        before = worker.series
        chunk = _chunk_at(worker, sample)
        call: CallSeries | None = None
        if chunk is not None:
            which = chunk.task.id, chunk.attempt, sample.position
            call = series_of(which, before, sample, worker.ran)
            call.add(sample)
            if chunk.task.size == 1:
                chunk.task.series = call
        worker.series = WorkerSeries(sample, worker.ran, call)
        if before is not None:
            worker.series.told = before.told
        if chunk is not None and 0 < self._stalled_after <= sample.idle:
            self._has_stalled(worker, chunk, worker.series)

    def _has_stalled(self, worker: WorkerRecord, chunk: Chunk, series: WorkerSeries) -> None:
        task, sample = chunk.task, series.latest
        which = task.id, chunk.attempt, sample.position
        if series.told == which or not task.wanted:
            return
        series.told = which
        index = chunk.lo + max(0, sample.position - chunk.position)
        number = task.first + index if task.mode else -1
        text = _stall(worker, task, number, sample.idle, self._retry)
        self._orders.append(Warn(text))
        if self._observers.callbacks:
            self._observers.call_stalled(task, number, worker, sample.idle)
            self._observers.notice_given(text)
        if self._retry:
            self._orders.append(
                SignalCalls(worker, sample.position, sample.width, signal.SIGKILL, STALLED)
            )


def _chunk_at(worker: WorkerRecord, sample: WorkerSample) -> Chunk | None:
    """Returns what a worker was at when it was looked at, None if it has answered for that."""
    start, end = sample.position, sample.position + sample.width
    for chunk in worker.outstanding:
        # Of some calls that it has noted together it may have answered for the first.
        if chunk.position < end and start < chunk.position + chunk.hi - chunk.lo:
            return chunk
    return None


def _stall(worker: WorkerRecord, task: Task, number: int, idle: float, retry: bool) -> str:
    place = worker.place
    call = f", call {number}," if number >= 0 else ""
    what = (
        f"job {task.name!r}{call} has used less than 1 % of a core for {idle:.0f} s "
        f"on {place.host} (process {place.pid})"
    )
    if retry:
        return f"{what} and is ended"
    return what if number >= 0 else f"{what}; its stack() says where it is"


def usage_at_death(worker: WorkerRecord, which: tuple[int, int], wall: float) -> Usage:
    """Returns what a call had used that its worker has died of.

    Args:
        worker: It.
        which: The call's task and attempt.
        wall: Seconds that it has run.
    """
    series, report = worker.series, worker.report
    call = None if series is None else series.call
    if call is not None and call.which[:2] != which:
        call = None
    cpu, peak = 0.0, 0
    if report is not None:
        peak = report.peak_memory
        base = cpu_before((*which, report.position), series, worker.ran)
        cpu = 0.0 if base is None else max(0.0, report.cpu - base)
    used = Usage(wall, cpu, peak)
    return used if call is None else used.with_series(call)
