"""What workers use, looked at from time to time by their supervisor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ..transport.sample_messages import Sampled, WorkerSample
from .process_trees import OpenFiles, ProcessTree, TreeUse
from .worker_process import WorkerProcess

# Not before the first look: no worker waits for that.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .gpu_memory import GpuMemory

#: The part of a processor below which a worker counts as idle, and the seconds by which what is
#: counted in ticks may be wrong.
_ACTIVE, _TICK = 0.01, 0.01

#: Times the interval after which this process was not looking: it was stopped.
_GAP = 3


#: Seconds for which it holds that a job has jobs of its own under way: twice a second that is said.
_INNER = 3.0


#: Processors that a worker can keep busy, as far as anybody believes it.
_MOST_SHARE = 1e6


class _Sampled:
    """What is known of a worker from its samples.

    Attributes:
        tree: Its processes.
        calls: What it ran at the last one.
        cpu: The processor time that it had had by then.
        peak: Its largest memory.
        idle: Seconds that it has done nothing in that call.
    """

    __slots__ = ("calls", "cpu", "idle", "peak", "tree")

    def __init__(self, tree: ProcessTree) -> None:
        self.tree = tree
        self.calls = (0, 0)
        self.cpu = self.idle = 0.0
        self.peak = 0

    def note_activity(
        self, use: TreeUse, calls: tuple[int, int], seconds: float, *, elsewhere: bool
    ) -> None:
        """Counts the seconds since the last sample, if nothing was done in them."""
        active = elsewhere or use.cpu - self.cpu > _ACTIVE * seconds + _TICK
        if active or calls != self.calls:
            self.idle = 0.0
        elif not use.stopped:
            self.idle += seconds
        self.calls, self.cpu = calls, use.cpu


class Sampling:
    """Looks what workers use, and says it.

    Args:
        interval: Seconds between two looks, 0 for none.
        say: Sends the dispatcher a message.
    """

    def __init__(self, interval: float, say: Callable[[Sampled], None]) -> None:
        self._interval = interval
        self._say = say
        self._workers: dict[WorkerProcess, _Sampled] = {}
        self._files = OpenFiles()
        self._looked = 0.0
        self._gpu: GpuMemory | None = None
        # So that what a short map starts and ends is not looked at.
        self.due = math.inf

    def begin(self, now: float) -> None:
        """Has the first look be at the end of an interval from now."""
        if self._interval:
            self._looked, self.due = now, now + self._interval

    def look(self, children: Iterable[WorkerProcess], now: float) -> None:
        """Says what workers use, if it is time."""
        if now < self.due:
            return
        self.due = now + self._interval
        seconds, self._looked = now - self._looked, now
        if seconds > _GAP * self._interval:
            # What they have not done while they were stopped with this process is nobody's fault.
            seconds = 0.0
        samples = [sample for each in children if (sample := self._sample(each, now, seconds))]
        if samples:
            self._say(Sampled(samples))

    def _sample(self, child: WorkerProcess, now: float, seconds: float) -> WorkerSample | None:
        known = self._workers.get(child)
        if known is None:
            known = self._workers[child] = _Sampled(ProcessTree(child.pid, self._files))
        # Before the look: what is seen then may be of a call that has begun since, but never is
        # it an idle one that has used what another one did.
        calls = child.page.begun
        use = known.tree.look(now)
        if use is None:
            return None
        gpu = self._gpus().of(use.pids, now)
        elsewhere = bool(gpu.use) or now - child.page.inner_jobs < _INNER
        share = max(0.0, use.cpu - known.cpu) / seconds if seconds else 0.0
        known.note_activity(use, calls, seconds, elsewhere=elsewhere)
        known.peak = max(known.peak, use.rss)
        position, width = calls
        return WorkerSample(
            child.number, position, width, use.cpu, use.rss, known.peak,
            len(use.pids), known.idle, gpu.memory, gpu.use, min(share, _MOST_SHARE),
        )  # fmt: skip

    def _gpus(self) -> GpuMemory:
        if self._gpu is None:
            from .gpu_memory import GpuMemory

            self._gpu = GpuMemory()
        return self._gpu

    @property
    def own_processes(self) -> set[int]:
        """What was started to look at graphics processors."""
        return set() if self._gpu is None else self._gpu.processes

    def close(self) -> None:
        """Ends what was started; whether it has ended is not waited for: a driver may hang."""
        if self._gpu is not None:
            self._gpu.close()

    def ended(self, child: WorkerProcess) -> None:
        """Forgets a worker that has ended."""
        known = self._workers.pop(child, None)
        if known is not None:
            known.tree.close()
