"""Who works for a dispatcher: its queue jobs, their supervisors, and how each of them ends.

Called from the dispatcher's thread alone, but for `Staffing.kind_of` and `Staffing.started_early`.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ..errors import SchedulerError
from ..logs import Log
from ..schedulers.base import Scheduler, Session
from ..schedulers.events import End, Ended, Event, Notice, Refused, Stuck, Submitted
from ..settings import Settings
from ..states import DeathCause
from ..transport.launch_file import Launch
from .early_start import BATCH, command, launch_file

log = Log(__name__)

#: The end of a queue job's log that goes into a death certificate.
_LOG_BYTES = 4096

#: Seconds between two looks at who is silent, at most, in a program that runs.
_LOOK_SECONDS = 0.5


class SupervisorRecord:
    """What is known of a supervisor.

    Attributes:
        address: Its routing id.
        queue_job: The batch system's name for what it is.
        kind: Which jobs its workers may run.
        host: Where it runs.
        pid: Its process id there.
        workers: How many it was told to have.
        heard: When it last spoke.
        deadline: When the batch system will end it.
        present: The numbers of its workers that are at work.
    """

    def __init__(
        self, address: bytes, queue_job: str, kind: int, host: str, pid: int, now: float
    ) -> None:
        self.address = address
        self.queue_job = queue_job
        self.kind = kind
        self.host = host
        self.pid = pid
        self.workers = 0
        self.heard = now
        self.deadline = math.inf
        self.present: set[int] = set()


class _Batch:
    """Queue jobs that were asked for together."""

    def __init__(self, kind: int, count: int) -> None:
        self.kind = kind
        self.count = count


class Loss(NamedTuple):
    """A supervisor is gone with all its workers; ``end`` is what is known about why."""

    supervisor: SupervisorRecord
    end: End


class Hopeless(NamedTuple):
    """No worker of a kind can be had; ``reason`` says why."""

    kind: int
    reason: str


class Staffing:
    """Hires and dismisses.

    Args:
        session: Starts the queue jobs.
        scheduler: Says what they look like.
        settings: The numbers.
        launch: What every supervisor is told; its ``kind`` and ``workers`` are filled in here.
        folder: A private folder for launch files.
        logs: A folder for what queue jobs print.
    """

    def __init__(
        self,
        session: Session,
        scheduler: Scheduler,
        settings: Settings,
        launch: Launch,
        folder: str,
        logs: str,
    ) -> None:
        self._session = session
        self._scheduler = scheduler
        self._settings = settings
        self._launch = launch
        self._folder = folder
        self._logs = logs
        self._lock = threading.Lock()
        # Kind 0 asks for nothing of its own.
        self._kinds: list[Mapping[str, object]] = [{}]
        self._batch_numbers = itertools.count(BATCH)
        self._batches: dict[int, _Batch] = {}
        # A queue job without a supervisor has not started yet, as far as is known here.
        self._queue_jobs: dict[str, int] = {}
        self._stopped: set[str] = set()
        self._failures: dict[int, int] = {}
        self.supervisors: dict[bytes, SupervisorRecord] = {}
        self._lost: set[bytes] = set()
        self._looked = 0.0

    def kind_of(self, resources: Mapping[str, object]) -> int:
        """Returns the kind of workers that have these resources. May be called by any thread."""
        with self._lock:
            if resources not in self._kinds:
                self._kinds.append(resources)
            return self._kinds.index(resources)

    def known_kinds(self) -> range:
        """Returns the kinds that exist."""
        return range(len(self._kinds))

    # ------------------------------------------------------------------ hiring

    def started_early(self, workers: int) -> None:
        """Takes over a supervisor with so many workers, which waits for its launch file.

        To be called, if at all, first and before the dispatcher's thread is there.
        """
        self._launch_file(0, workers)
        self._batches[next(self._batch_numbers)] = _Batch(0, 1)

    def staff(self, kind: int, wanted: int, say: Callable[[bytes, int], object]) -> None:
        """Hires until ``wanted`` workers of a kind work, or are on their way.

        Args:
            kind: Their kind.
            wanted: All of them, those who are there included.
            say: Tells a supervisor, by its address, how many workers to have.

        Raises:
            SchedulerError: What they need to start cannot be written.
        """
        each = self._scheduler.workers_per_queue_job
        for record in self.supervisors.values():
            if record.kind == kind:
                more = min(each, wanted)
                wanted -= each
                if more > record.workers:
                    record.workers = more
                    say(record.address, more)
        missing = -(-wanted // each) - self._on_the_way(kind)
        room = self._scheduler.max_queue_jobs - self._total()
        count = min(missing, room)
        if count > 0:
            self._start(kind, count, min(each, wanted))

    def _on_the_way(self, kind: int) -> int:
        present = {record.queue_job for record in self.supervisors.values()}
        return sum(
            1
            for name, its_kind in self._queue_jobs.items()
            if its_kind == kind and name not in present and name not in self._stopped
        ) + sum(batch.count for batch in self._batches.values() if batch.kind == kind)

    def _total(self) -> int:
        live = len(self._queue_jobs.keys() - self._stopped)
        return live + sum(batch.count for batch in self._batches.values())

    def _start(self, kind: int, count: int, workers: int) -> None:
        path = self._launch_file(kind, workers)
        number = next(self._batch_numbers)
        self._batches[number] = _Batch(kind, count)
        self._session.start(
            number,
            command(path),
            count,
            name="gridengine",
            resources=self._kinds[kind],
            logs=self._logs,
        )

    def _launch_file(self, kind: int, workers: int) -> str:
        path = launch_file(self._folder, kind, workers)
        if not os.path.exists(path):
            limit = self._scheduler.time_limit(self._kinds[kind])
            launch = self._launch._replace(kind=kind, workers=workers, time_limit=limit)
            _write(launch, path)
        return path

    def dismiss_pending(self, kind: int) -> None:
        """Stops the queue jobs of a kind that have not started: nothing is left for them."""
        present = {record.queue_job for record in self.supervisors.values()}
        pending = [
            name
            for name, its_kind in self._queue_jobs.items()
            if its_kind == kind and name not in present and name not in self._stopped
        ]
        if pending:
            self._stopped.update(pending)
            self._session.stop(pending)

    # ------------------------------------------------------------------ who is there

    def arrived(self, record: SupervisorRecord) -> None:
        """Notes a supervisor's first word."""
        self.supervisors[record.address] = record
        self._queue_jobs.setdefault(record.queue_job, record.kind)
        self._failures.pop(record.kind, None)

    def silent(self, now: float) -> list[Loss]:
        """Returns the supervisors that have not spoken for longer than the patience."""
        if now - self._looked > _LOOK_SECONDS + self._settings.patience / 2:
            # This program has not run for a while (Ctrl-Z, a busy host), and not listened
            # either: what they said meanwhile waits to be read.
            for record in self.supervisors.values():
                record.heard = now
        self._looked = now
        lost = [
            record
            for record in self.supervisors.values()
            if now - record.heard > self._settings.patience
        ]
        for record in lost:
            self._forget(record)
            # Should it still run, its workers are not to be waited for.
            self._stopped.add(record.queue_job)
            self._session.stop([record.queue_job])
        return [Loss(record, self._silence(record)) for record in lost]

    def _forget(self, record: SupervisorRecord) -> None:
        del self.supervisors[record.address]
        self._lost.add(record.address)

    def was_lost(self, address: bytes) -> bool:
        """Tells whether a supervisor has been counted as lost; its jobs are somebody else's."""
        return address in self._lost

    def _silence(self, record: SupervisorRecord) -> End:
        return End(
            cause=DeathCause.NODE_LOST,
            detail=f"nothing heard of {record.host} for {self._settings.patience:g} s",
        )

    def log_of(self, queue_job: str) -> str:
        """Returns the last lines that a queue job has printed, as far as they are to be had."""
        try:
            for name in os.listdir(self._logs):
                if queue_job in name:
                    with open(os.path.join(self._logs, name), "rb") as file:
                        file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_BYTES))
                        return file.read().decode("utf-8", errors="replace").strip()
        except OSError as error:
            log.warning("what queue job %s has printed cannot be read: %s", queue_job, error)
        return ""

    # ------------------------------------------------------------------ the scheduler's word

    def events(self) -> Iterator[Loss | Hopeless]:
        """Yields what the scheduler's news means."""
        for event in self._session.events():
            yield from self._understand(event)

    def _understand(self, event: Event) -> Iterator[Loss | Hopeless]:
        if isinstance(event, Submitted):
            batch = self._batches.get(event.batch)
            if batch is not None:
                for name in event.queue_jobs:
                    self._queue_jobs.setdefault(name, batch.kind)
                # A batch that is larger than the site allows is taken in parts.
                batch.count -= len(event.queue_jobs)
                if batch.count <= 0:
                    del self._batches[event.batch]
        elif isinstance(event, Refused):
            batch = self._batches.pop(event.batch, None)
            if batch is not None:
                yield Hopeless(batch.kind, event.reason)
        elif isinstance(event, Ended):
            yield from self._ended(event)
        elif isinstance(event, Stuck):
            yield from self._failed_to_start(event.queue_job, event.reason)
            self._stopped.add(event.queue_job)
            self._session.stop([event.queue_job])
        elif isinstance(event, Notice):
            log.warning("%s", event.text)

    def _ended(self, event: Ended) -> Iterator[Loss | Hopeless]:
        gone = [r for r in self.supervisors.values() if r.queue_job == event.queue_job]
        for record in gone:
            self._forget(record)
            yield Loss(record, event.end)
        if not gone and event.end.exitcode != 0 and event.queue_job not in self._stopped:
            yield from self._failed_to_start(event.queue_job, event.end.detail)
        self._queue_jobs.pop(event.queue_job, None)
        self._stopped.discard(event.queue_job)

    def _failed_to_start(self, queue_job: str, reason: str) -> Iterator[Hopeless]:
        kind = self._queue_jobs.get(queue_job)
        if kind is None or queue_job in self._stopped:
            return
        failures = self._failures[kind] = self._failures.get(kind, 0) + 1
        log.warning("queue job %s did not start: %s", queue_job, reason)
        if failures > self._settings.resubmissions:
            self._failures.pop(kind)
            yield Hopeless(kind, f"queue job {queue_job} did not start: {reason}")


def _write(launch: Launch, path: str) -> None:
    try:
        launch.write(path)
    except OSError as error:
        raise SchedulerError(
            f"cannot write {path}: {error.strerror}; make room there, or name another folder "
            "(GRIDENGINE_RUN_DIR, on a cluster one that all nodes see)"
        ) from None
