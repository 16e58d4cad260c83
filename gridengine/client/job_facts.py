"""What is known of a job from its task, without waiting for anything."""

from __future__ import annotations

from ..ledger.task import Task, Usage
from ..states import JobState


class JobFacts:
    """The part of a `gridengine.client.job.Job` that only looks."""

    _task: Task | None = None

    @property
    def ident(self) -> int | None:
        """A number that no other job of this program has; None before the start."""
        return None if self._task is None else self._task.id

    @property
    def pid(self) -> int | None:
        """Process id of the worker that the latest attempt was given to, on `host`."""
        place = self._task and self._task.place
        return place.pid if place else None

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        return JobState.INITIAL if self._task is None else self._task.state

    @property
    def host(self) -> str | None:
        """Name of the host on which the latest attempt runs, or ran."""
        place = self._task and self._task.place
        return place.host if place else None

    @property
    def attempts(self) -> int:
        """How often the job has been given to a worker."""
        return 0 if self._task is None else self._task.attempts

    @property
    def usage(self) -> Usage | None:
        """What the job used, None while it is not over."""
        task = self._task
        known = task is not None and task.over and task.outcomes
        return known[-1].usage if known else None
