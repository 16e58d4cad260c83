"""Workers as queue jobs of a Grid Engine, by way of DRMAA or of its commands.

The user's program never loads the DRMAA library: `queue_session.process` is a process of its own,
and `queue_session.session` the other end of its pipe.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from ...settings import Settings
from ..arguments import take_common
from ..base import Scheduler
from ..queue_arguments import LIFETIME, checked_lifetime, checked_memory, take_of_queue
from . import way
from .request import Hosts, Request
from .session import GridEngineSession

Resource = str | int | float | datetime.timedelta

_PROBE = 5.0  # seconds in which a master that is to be used has to answer


class GridEngineScheduler(Scheduler):
    """Runs workers on a Grid Engine cluster, as array jobs.

    ``GridEngineScheduler(h_rt="01:00:00", h_vmem="4G", max_workers=100)``: each worker may take an
    hour and four gigabytes, and there are a hundred of them at most.

    Args:
        queue: The queue, or several with commas between, of ``qsub -q``.
        slots: Slots of each worker; more than one needs ``parallel_environment``.
        parallel_environment: Which one of ``qconf -spl`` grants several slots.
        project: What the jobs are charged to.
        hosts: The hosts that workers may run on, names or patterns.
        max_workers: Workers at one time, at most; by default as many as calls can use, up to
            ``GRIDENGINE_QUEUE_JOBS``.
        lifetime: After that long (``"10m"``, seconds, a `datetime.timedelta`) a worker leaves
            between two jobs and its place is asked for anew, behind the jobs of others that have
            been waiting meanwhile; None for never.
        queue_job_name: What people read in the queue; by default the name of the first job, or
            function, for which a queue job is asked. Made legal for the Grid Engine.
        fresh: Whether each job gets a newly forked worker, which has seen no other.
        initializer: What each worker calls before its first job, to load what all of them need. If
            it raises, the jobs of that worker fail with `InitializerError`.
        initargs: Its arguments.
        cwd: The directory in which jobs run that name no other; by default the program's own when
            they are started. Where it cannot be entered they fail with an OSError.
        env: Variables that are set for the jobs, whatever they are called; None takes one away.
        output: What becomes of what jobs print: see `ProcessScheduler`.
        settings: Settings of its own, such as ``{"linger": 60}``: see `ProcessScheduler`.
        native: Further options of ``qsub``, as they are.
        through: By what the Grid Engine is used: ``"drmaa"``, its library, or ``"commands"``,
            ``qsub``, ``qstat``, ``qdel`` and ``qacct`` alone; ``"auto"`` for the library if there
            is one, else the commands. By default what ``GRIDENGINE_THROUGH`` says.
        memory_resource: What ``memory=`` of a job asks for, for each slot.
        memory_max: What a job gets at most that asks for more and more memory: ``"64G"``, or bytes.
            By default 16 times as much as at first.
        resources: For ``qsub -l``: ``h_rt="00:10:00"``, ``h_vmem="4G"`` and so on. Times may be
            seconds or a `datetime.timedelta`, sizes may be bytes.

    Raises:
        ValueError, TypeError: Something in it cannot be asked of the Grid Engine.
        GridEngineError: A setting, of this or of the environment, is none.
    """

    remote = True
    queue_job_template: ClassVar[str] = "{JOB_ID}.{SGE_TASK_ID}"

    max_workers: int | None

    def __init__(
        self,
        *,
        queue: str | None = None,
        slots: int = 1,
        parallel_environment: str | None = None,
        project: str | None = None,
        hosts: Hosts | None = None,
        max_workers: int | None = None,
        lifetime: str | float | datetime.timedelta | None = LIFETIME,
        queue_job_name: str | None = None,
        native: str | None = None,
        through: str | None = None,
        fresh: bool = False,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        output: str | None = None,
        settings: Mapping[str, object] | None = None,
        memory_resource: str = "h_vmem",
        memory_max: str | int | None = None,
        **resources: Resource,
    ) -> None:
        self.request = Request.of(
            queue=queue, slots=slots, parallel_environment=parallel_environment,
            project=project, hosts=hosts, native=native, **resources,
        )  # fmt: skip
        take_common(
            self, fresh=fresh, initializer=initializer, initargs=initargs, cwd=cwd, env=env,
            output=output, settings=settings,
        )  # fmt: skip
        take_of_queue(self, max_workers=max_workers, queue_job_name=queue_job_name)
        self.lifetime = checked_lifetime(lifetime)
        self.through = (
            Settings.read(arguments=self.settings).through
            if through is None
            else way.checked(through)
        )
        self.slots = self.request.slots
        self.memory_resource, self.memory_max = checked_memory(memory_resource, memory_max)

    def __repr__(self) -> str:
        limit = f"max_workers={self.max_workers}" if self.max_workers else ""
        name = f"queue_job_name={self.queue_job_name!r}" if self.queue_job_name else ""
        through = f"through={self.through!r}" if self.through != "auto" else ""
        told = ", ".join(filter(None, (str(self.request), limit, name, through)))
        return f"GridEngineScheduler({told})"

    def open(self) -> GridEngineSession:
        return GridEngineSession(self.request, made_by=GridEngineScheduler, through=self.through)

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        self.request.changed(resources)
        return {
            name: "|".join(value) if isinstance(value, (list, tuple)) else value
            for name, value in resources.items()
        }

    def slots_of(self, resources: Mapping[str, object]) -> int:
        return self.request.changed(resources).slots

    def time_limit(self, resources: Mapping[str, object]) -> float:
        """Returns ``h_rt`` in seconds, 0 if there is none."""
        return self.request.changed(resources).seconds

    def memory_of(self, resources: Mapping[str, object]) -> int:
        return self.request.changed(resources).amount_of(self.memory_resource)

    def probe(self, timeout: float = _PROBE) -> str:
        """Returns the name of the Grid Engine whose master answers, and to which one may submit.

        Raises:
            SchedulerUnavailable: None does within ``timeout`` seconds, or this host may not submit
                queue jobs, as some nodes may not; the message says why.
        """
        session = GridEngineSession(self.request, patience=0.0, trial=True, through=self.through)
        try:
            return session.system(timeout)
        finally:
            session.close()
