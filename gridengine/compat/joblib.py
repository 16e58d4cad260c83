"""joblib on gridengine's workers: to import this module has joblib know it by its name.

::

    import gridengine.compat.joblib
    import joblib

    with joblib.parallel_config("gridengine", scheduler=...):
        joblib.Parallel()(joblib.delayed(f)(x) for x in range(100))
"""

from __future__ import annotations

import contextlib
import itertools
import queue
from collections.abc import Callable, Sequence
from typing import Any

from .. import extras, nesting
from ..schedulers.choice import current, scheduler_for
from ..schedulers.process import usable_cores

with extras.needed("joblib", __name__):
    from joblib import register_parallel_backend
    from joblib.parallel import (
        FallbackToBackend,
        ParallelBackendBase,
        SequentialBackend,
        ThreadingBackend,
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..schedulers.base import Scheduler
    from ..schedulers.choice import SchedulerLike
    from .joblib_call import Answer, CallUnderWay

NAME = "gridengine"

#: Seconds of work in a batch, for a program with few workers: long against what joblib does for
#: each, about 0.1 ms, short against the patience of somebody who waits.
_BATCH_SECONDS = 0.05

#: What each worker adds to that: joblib, which makes all batches in one thread, shall have time.
_BATCH_SECONDS_OF_A_WORKER = 0.001

#: Calls in a batch at most: joblib takes some 5 µs for each, all in one thread, and would keep the
#: workers waiting while it makes more of them.
_BATCH_CALLS = 1000

#: How much larger a batch may be than that by which it is measured.
_GROWTH = 8

_initializers = itertools.count(1)


class GridEngineBackend(ParallelBackendBase):  # type: ignore[misc]  # joblib has no types
    """What `joblib.parallel_config` makes of the name ``"gridengine"``.

    Args:
        scheduler: Where to run: ``"process"``, ``"grid_engine"``, ``"slurm"``, ``"inline"``,
            one of `gridengine.schedulers`, or a class or function that makes one. By default
            `gridengine.schedulers.current`.
        initializer: What each worker calls once, before its first batch. What it raises, the
            batches raise.
        initargs: Its arguments.
        nesting_level: joblib's own.
        inner_max_num_threads: How many threads numeric libraries use in a job at most. By default
            what the worker was granted.

    Raises:
        TypeError: There is an argument of another name.
    """

    supports_retrieve_callback = True
    supports_inner_max_num_threads = True
    default_n_jobs = -1

    def __init__(
        self,
        scheduler: SchedulerLike | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Sequence[Any] = (),
        nesting_level: int | None = None,
        inner_max_num_threads: int | None = None,
        **unknown: object,
    ) -> None:
        _refuse(unknown)
        super().__init__(nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
        self.parallel: Any = None
        self._given: dict[str, Any] = {
            "scheduler": scheduler, "initializer": initializer, "initargs": initargs,
        }  # fmt: skip
        # Of this backend, not of a call: an initializer is called once in each worker.
        self._number = next(_initializers)
        self._options = self._given
        self._max_nbytes: int | None = None
        self._mmap_mode: str | None = None
        self._limit = 1
        self._sizes = _BatchSizes()
        self._call: CallUnderWay | None = None

    # ------------------------------------------------------------------ how many at a time

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Returns how many calls joblib shall take to run at a time.

        These are no more than there may be workers, but two if one was not asked for: with 1
        joblib would call all here, without the initializer, and not where the one worker is.

        Raises:
            ValueError: ``n_jobs`` is 0.
            SchedulerError: The scheduler cannot be used.
        """
        most = self._most_at_a_time(n_jobs)
        if n_jobs == 1 or (self._options["scheduler"] is None and nesting.runs_in_place()):
            return 1
        return max(most, 2)

    def _most_at_a_time(self, n_jobs: int | None) -> int:
        """Returns how many calls may run at a time.

        Raises:
            ValueError: ``n_jobs`` is 0.
            SchedulerError: The scheduler cannot be used.
        """
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        scheduler = self._scheduler()
        workers = scheduler.max_queue_jobs * scheduler.workers_per_queue_job
        if n_jobs is None or n_jobs < 0:
            wanted = workers + 1 + (-1 if n_jobs is None else n_jobs)
        else:
            wanted = min(n_jobs, workers)
        return max(wanted, 1)

    def _scheduler(self) -> Scheduler:
        given = self._options["scheduler"]
        return current() if given is None else scheduler_for(given)

    def configure(
        self,
        n_jobs: int = 1,
        parallel: Any = None,
        prefer: object = None,
        require: object = None,
        max_nbytes: int | None = None,
        mmap_mode: str | None = None,
        **options: Any,
    ) -> int:
        """Gets ready for a `joblib.Parallel`, and returns how many of its calls run at a time.

        Raises:
            FallbackToBackend: Another one shall do it: because there is nothing to do in parallel,
                or because this one is at work.
            TypeError: There is an option of another name.
            SchedulerError: The scheduler cannot be used.
        """
        if self.parallel is not None and self.parallel is not parallel:
            # Each has its own state; joblib tells them apart by their backends alone.
            raise FallbackToBackend(self._another())
        for name in ("temp_folder", "context", "verbose"):
            # joblib passes them to all.
            options.pop(name, None)
        own = {name: options.pop(name) for name in self._given if name in options}
        _refuse(options)
        self._options = {**self._given, **own}
        self._max_nbytes, self._mmap_mode = max_nbytes, mmap_mode
        effective = self.effective_n_jobs(n_jobs)
        if effective == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        self._limit = self._most_at_a_time(n_jobs)
        return effective

    def _another(self) -> GridEngineBackend:
        another = GridEngineBackend(
            **self._given,
            nesting_level=self.nesting_level,
            inner_max_num_threads=self.inner_max_num_threads,
        )
        another._number = self._number
        return another

    def terminate(self) -> None:
        """Lets go of the `joblib.Parallel`; the workers stay for the next one."""
        self.stop_call()
        self.parallel = None

    # ------------------------------------------------------------------ a call

    def start_call(self) -> None:
        """Has workers start.

        Raises:
            SchedulerError: The scheduler cannot be used.
        """
        # Not by who only wants the name known.
        from ..dispatcher.registry import dispatcher_for

        _forget_batches(self.parallel)
        scheduler = self._scheduler()
        dispatcher = dispatcher_for(scheduler, calls=self._limit)
        from .joblib_arrays import BatchPacker
        from .joblib_call import CallUnderWay

        initializer = self._options["initializer"]
        packer = BatchPacker(
            remote=scheduler.remote,
            least=self._max_nbytes,
            mmap_mode=self._mmap_mode,
            threads=self.inner_max_num_threads,
            initializer=(
                None if initializer is None
                else (self._number, initializer, tuple(self._options["initargs"]))
            ),
        )  # fmt: skip
        self._sizes = _BatchSizes()
        self._call = CallUnderWay(dispatcher, packer, self._limit)

    def stop_call(self) -> None:
        """Ends what belongs to this call alone."""
        call, self._call = self._call, None
        if call is not None:
            call.close()

    def submit(self, func: Any, callback: Callable[[Answer], object]) -> Answer:
        """Has a batch of calls run.

        Args:
            func: The batch.
            callback: Called, in a thread of this backend, with what is returned.
        """
        assert self._call is not None, "joblib starts a call before it submits"
        return self._call.submit(func, callback)

    # joblib's name for it before 1.5.
    apply_async = submit

    def retrieve_result_callback(self, out: Answer) -> list[Any]:
        """Returns the values of a batch that is over.

        Raises:
            BaseException: As `gridengine.compat.joblib_call.values_of_batch`.
        """
        from .joblib_call import values_of_batch

        values, seconds = values_of_batch(out)
        self._sizes.measured(len(values), seconds, self._limit)
        return values

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Takes back what is not done, and ends what runs; workers are there again at once."""
        if self._call is not None:
            self._call.cancel()

    def compute_batch_size(self) -> int:
        """Returns how many calls to put into a batch, by how long others took."""
        return self._sizes.next

    def get_nested_backend(self) -> tuple[ParallelBackendBase, int | None]:
        """Returns what a `joblib.Parallel` in a job gets: threads, if the job has several cores."""
        return GrantedThreads(nesting_level=(self.nesting_level or 0) + 1), None


class GrantedThreads(ThreadingBackend):  # type: ignore[misc]  # joblib has no types
    """joblib's threads, of which all are as many as the job was granted cores."""

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        if n_jobs is not None and n_jobs < 0:
            return max(usable_cores() + 1 + n_jobs, 1)
        count: int = super().effective_n_jobs(n_jobs)
        return count


class _BatchSizes:
    """How many calls there are in a batch.

    Attributes:
        next: In the next one.
    """

    def __init__(self) -> None:
        self.next = 1
        self._pace = 0.0

    def measured(self, count: int, seconds: float, workers: int) -> None:
        """Notes how long a batch took in its worker."""
        if not count:
            return
        pace = seconds / count
        # The slow count at once, the quick in time: a batch of slow ones keeps others waiting.
        self._pace = max(pace, (self._pace + pace) / 2)
        wanted = _BATCH_SECONDS + workers * _BATCH_SECONDS_OF_A_WORKER
        most = min(wanted / max(self._pace, 1e-8), count * _GROWTH, _BATCH_CALLS)
        self.next = max(1, int(most))


def _forget_batches(parallel: Any) -> None:
    """Has a `joblib.Parallel` forget the calls that it had not submitted when it last failed.

    It would submit them with those of the next call, and return their values too.
    """
    with contextlib.suppress(AttributeError, queue.Empty):
        while True:
            parallel._ready_batches.get(block=False)


def _refuse(unknown: dict[str, Any]) -> None:
    if unknown:
        raise TypeError(
            f"the joblib backend {NAME!r} does not take {', '.join(sorted(unknown))}; it takes "
            "scheduler, initializer, initargs and inner_max_num_threads"
        )


register_parallel_backend(NAME, GridEngineBackend)
