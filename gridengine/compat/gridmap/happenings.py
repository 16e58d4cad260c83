"""What happens to jobs, taken from the dispatcher's thread to the one that waits for them."""

from __future__ import annotations

import queue
from typing import Any

from ...dispatcher.waiting import TURN
from ...ledger.events import (
    DispatcherEvent,
    JobRetried,
    JobsStarted,
    QueueJobDeleted,
    Sample,
    WorkersSampled,
)
from ...ledger.task import Task

#: What an observer hands on; of all else it wants to know nothing.
_KINDS = (JobsStarted, JobRetried, WorkersSampled, QueueJobDeleted)

Happening = DispatcherEvent | Task


class Happenings:
    """What has happened, oldest first: events, and tasks that are over.

    To hand one on takes the dispatcher's thread a microsecond.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Happening] = queue.SimpleQueue()

    def observe(self, event: DispatcherEvent) -> None:
        """Is an observer of a dispatcher."""
        if isinstance(event, _KINDS):
            self._queue.put(event)

    def over(self, task: Task) -> None:
        """Notes that a task is over; to be called in any thread."""
        self._queue.put(task)

    def next(self, wait: bool) -> Happening | None:
        """Returns what is next, None if there is nothing yet.

        Args:
            wait: Whether to wait for it, a while.
        """
        try:
            return self._queue.get(block=wait, timeout=TURN)
        except queue.Empty:
            return None


class JobsOfWorkers:
    """Which job each worker runs, so that what is seen of the worker is the job's."""

    def __init__(self) -> None:
        # In the order in which they were given to it: the first that is not over runs.
        self._given: dict[tuple[str, int], list[Task]] = {}

    def started(self, host: str, pid: int, tasks: list[Task]) -> None:
        """Notes that a worker was given tasks."""
        known = self._given.setdefault((host, pid), [])
        known += tasks

    def running(self, sample: Sample) -> Task | None:
        """Returns what a worker runs that was looked at, None if it is nothing of ours."""
        given = self._given.get((sample.host, sample.pid), [])
        while given and given[0].over:
            del given[0]
        return given[0] if given else None

    def taken_back(self, task: Task) -> None:
        """Notes that the worker of a task has it no more."""
        for given in self._given.values():
            if task in given:
                given.remove(task)


def fields_of(sample: Sample, output: str) -> dict[str, Any]:
    """Returns what GridMap calls a heartbeat.

    ``memory`` is in megabytes; ``cpu_load`` is percent of a processor, with all that the job has
    started, and whether that is more than nothing.
    """
    load = 100 * sample.cpu_use
    return {
        "memory": sample.rss / 2**20,
        "cpu_load": (load, sample.cpu_use >= _ACTIVE),
        "log_file": output,
    }


#: The part of a processor below which a process counts as idle.
_ACTIVE = 0.01
