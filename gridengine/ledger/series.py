"""What samples add up to: of one call, and of a worker."""

from __future__ import annotations

# Tasks are there before the first worker, and msgspec takes long to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..transport.sample_messages import WorkerSample


class CallSeries:
    """The samples of a call, or of some calls of a map that a worker does not tell apart.

    Attributes:
        which: Its task, its attempt, and its position in its worker.
        base: Seconds of processor time that its worker had had when it began, or a little later.
        cpu: Seconds that it has had since.
        count: How many samples there are.
        peak: The largest resident memory among them, in bytes.
        total: The sum of all.
        gpu_memory: The largest memory on graphics processors.
    """

    __slots__ = ("base", "count", "cpu", "gpu_memory", "peak", "total", "which")

    def __init__(self, which: tuple[int, int, int], base: float) -> None:
        self.which = which
        self.base = base
        self.cpu = 0.0
        self.count = self.peak = self.total = self.gpu_memory = 0

    def add(self, sample: WorkerSample) -> None:
        """Adds a sample."""
        self.cpu = max(self.cpu, sample.cpu - self.base)
        self.count += 1
        self.peak = max(self.peak, sample.rss)
        self.total += sample.rss
        self.gpu_memory = max(self.gpu_memory, sample.gpu_memory)

    @property
    def mean(self) -> int:
        """The mean resident memory, in bytes."""
        return self.total // self.count


class WorkerSeries:
    """What was sampled of a worker.

    Attributes:
        latest: The last sample.
        ran: Calls that it had answered by then.
        call: What is known of the call that it ran then, None if it ran none.
        told: The call of which it was said that it has stalled, as of `CallSeries.which`.
    """

    __slots__ = ("call", "latest", "ran", "told")

    def __init__(self, latest: WorkerSample, ran: int, call: CallSeries | None) -> None:
        self.latest = latest
        self.ran = ran
        self.call = call
        self.told = (0, 0, 0)


def series_of(
    which: tuple[int, int, int], before: WorkerSeries | None, sample: WorkerSample, ran: int
) -> CallSeries:
    """Returns the series to which a sample belongs.

    Args:
        which: The call that the worker is at.
        before: What was sampled of the worker so far.
        sample: The new sample.
        ran: Calls that the worker has answered by now.
    """
    if before is not None and before.call is not None and before.call.which == which:
        return before.call
    base = cpu_before(which, before, ran)
    # What it has had since its last sample may have been another call's.
    return CallSeries(which, sample.cpu if base is None else base)


def cpu_before(which: tuple[int, int, int], before: WorkerSeries | None, ran: int) -> float | None:
    """Returns the processor time of a worker at the begin of a call, None if that is not known.

    Args:
        which: The call.
        before: What was sampled of the worker so far.
        ran: Calls that it had answered at that time.
    """
    if before is None:
        return None if ran else 0.0
    if before.call is None:
        return before.latest.cpu if before.ran == ran else None
    return before.call.base if before.call.which == which else None
