"""A dispatcher with simulated nodes, in a process of its own.

``python -m benchmarks.scale_host FILE WORKERS JOBS``
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gridengine.client.job import Job
from gridengine.dispatcher.dispatcher import Dispatcher
from gridengine.dispatcher.waiting import wait
from gridengine.ledger.task import Task
from gridengine.schedulers.base import Scheduler, Session
from gridengine.schedulers.events import Event, Submitted
from gridengine.serialization.functions import pack_function
from gridengine.serialization.serializer import pack
from gridengine.states import Mode

from .simulated_nodes import raise_file_limit
from .tasks import same

#: Processes that the nodes live in; on four cores one is left for the dispatcher.
_PROCESSES = 3

_PATIENCE = 120.0

#: Jobs that wait for each worker when it arrives.
_WAITING = 20


class Nowhere(Scheduler):
    """A cluster that takes every queue job and starts none: the simulated nodes come anyway."""

    remote = True

    def __init__(self, workers: int) -> None:
        self.max_queue_jobs = workers
        self.session = NowhereSession()

    def open(self) -> Session:
        return self.session


class NowhereSession(Session):
    """Says that it has submitted what it was told to, and keeps the launch file's name."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        self._submitted = 0
        self.launch = ""

    def start(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        resources: Mapping[str, object],
        logs: str,
        avoid: Sequence[str] = (),
    ) -> None:
        self.launch = command[-1]
        names = [f"simulated.{self._submitted + index}" for index in range(count)]
        self._submitted += count
        self._events.append(Submitted(batch, tuple(names)))
        os.write(self._write, b"\0")

    def stop(self, queue_jobs: Sequence[str]) -> None:
        pass

    def events(self) -> list[Event]:
        try:
            os.read(self._read, 4096)
        except BlockingIOError:
            return []
        events, self._events = self._events, []
        return events

    def fileno(self) -> int:
        return self._read

    def close(self) -> None:
        pass


class Nodes:
    """The processes with the simulated nodes."""

    def __init__(self, launch: str, workers: int) -> None:
        edges = [workers * index // _PROCESSES for index in range(_PROCESSES + 1)]
        self._processes = [
            subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", "benchmarks.simulated_nodes", launch, str(low), str(high)],
                stdin=subprocess.PIPE,
            )
            for low, high in itertools.pairwise(edges)
        ]

    def tell(self, letters: bytes) -> None:
        """Has all of them do it at once."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(letters)
            process.stdin.flush()

    def end(self) -> None:
        """Ends them."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            process.wait(30)


def run(workers: int, jobs: int) -> dict[str, float]:
    """Has ``jobs`` tasks go through a dispatcher with so many workers."""
    raise_file_limit()
    scheduler = Nowhere(workers)
    dispatcher = Dispatcher(scheduler)
    function = pack_function(same)
    # With jobs waiting the dispatcher asks for workers, which makes the launch file; and when they
    # are answered, it knows how fast such jobs are.
    first = [_task(function, number) for number in range(_WAITING * workers)]
    for task in first:
        dispatcher.submit(task)
    wait_for(lambda: scheduler.session.launch, "the launch file")
    nodes = Nodes(scheduler.session.launch, workers)
    time.sleep(1 + workers / 2000)  # until they have imported what they need
    before, began = _memory(), time.perf_counter()
    # They arrive while all these jobs wait, and stay waiting.
    nodes.tell(b"cp")
    wait_for(lambda: dispatcher.staff() == workers, f"all of {workers} workers")
    arrival = time.perf_counter() - began
    per_worker = (_memory() - before) / workers
    nodes.tell(b"g")
    wait_for(lambda: all(task.over for task in first), "the first jobs")

    nodes.tell(b"p")
    made = [_task(function, number) for number in range(jobs)]
    bare = _memory()
    began = time.perf_counter()
    for task in made:
        dispatcher.submit(task)
    dispatcher.unfinished()  # answered when all are taken in
    taken_in = time.perf_counter() - began
    queue = _memory() - bare
    cpu = _cpu_of_dispatcher()
    began = time.perf_counter()
    nodes.tell(b"g")
    for task in made:
        if not wait(task, _PATIENCE):
            raise TimeoutError(f"{task} is not over")
    drained = time.perf_counter() - began
    cpu = _cpu_of_dispatcher() - cpu
    assert all(task.attempts for task in made)
    del made
    per_task, per_handle = _sizes(function)
    nodes.end()
    dispatcher.close()
    return {
        "workers": workers,
        "jobs": jobs,
        "arrival": arrival,
        "memory_per_worker": per_worker,
        "submit_rate": jobs / taken_in,
        "rate": jobs / drained,
        "cpu_per_job": cpu / jobs,
        "memory_per_queued_job": queue / jobs + per_task,
        "memory_per_handle": per_handle,
    }


def _task(function: object, number: int) -> Task:
    payload, frames = pack(((number,), {}), "the arguments")
    return Task(function, Mode.CALL, payload, frames, name="job")  # type: ignore[arg-type]


def _sizes(function: object) -> tuple[float, float]:
    """Returns the bytes of a task and of a user's handle, both with all that they refer to."""
    import tracemalloc

    count = 10_000
    sizes = []
    for make in (lambda n: _task(function, n), lambda n: Job(target=same, args=(n,))):
        tracemalloc.start()
        kept = [make(1000 + number) for number in range(count)]
        sizes.append(tracemalloc.get_traced_memory()[0] / count)
        tracemalloc.stop()
        del kept
    return sizes[0], sizes[1]


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits until something is so.

    Raises:
        TimeoutError: It has not come about.
    """
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.005)


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def _cpu_of_dispatcher() -> float:
    """Returns the processor time of the dispatcher's thread so far, in seconds."""
    thread = next(t for t in threading.enumerate() if t.name == "gridengine")
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0))


def main() -> None:
    """Does what the command line says."""
    file, workers, jobs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRIDENGINE_RUN_DIR"] = os.path.join(folder, "run")
        figures = run(int(workers), int(jobs))
    Path(file).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
