"""Workers as queue jobs of Slurm, by way of its commands.

The user's program runs none of these itself: a session process does, at whose pipe's other end it
is.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from ..arguments import take_common
from ..base import Scheduler
from ..queue_arguments import LIFETIME, checked_lifetime, checked_memory, take_of_queue
from . import request as requests
from .request import HostNames, SlurmRequest
from .session import SlurmSession

Option = str | int | float | bool | datetime.timedelta

_PROBE = 5.0  # seconds in which a controller that is to be used has to answer


class SlurmScheduler(Scheduler):
    """Runs workers on a Slurm cluster, as job arrays.

    ``SlurmScheduler(time="01:00:00", memory="4G", max_workers=100)``: each worker may take an hour
    and four gigabytes, and there are a hundred of them at most.

    A number is seconds, or bytes, as for all schedulers; Slurm's own minutes and megabytes are
    written with their unit: ``"30m"``, ``"500M"``.

    Args:
        partition: The partition, or several with commas between.
        account: What the jobs are charged to.
        qos: Their quality of service.
        constraint: Features that nodes must have, as ``sbatch --constraint`` takes them.
        time: How long a worker's queue job may run: ``"01:00:00"``, ``"1-12:00:00"`` (a day and a
            half), ``"30m"``, seconds or a `datetime.timedelta`; ``"UNLIMITED"`` where a partition
            allows it. By default what the partition has for it.
        memory: What a worker may use, on its node: ``"4G"``, or bytes; 0 for all that a node has.
            By default what the site has for it.
        slots: Cores of each worker; ``cpus=`` and ``cpus_per_task=`` are the same.
        gpus: Devices of each worker: 1, or ``"a100:2"``.
        gres: Other devices, as ``sbatch --gres`` takes them: ``"gpu:1,nvme:1"``.
        hosts: The hosts that workers may run on: names, or ``"node[1-8]"``; ``nodelist=`` is the
            same.
        max_workers: Workers at one time, at most; by default as many as calls can use, up to
            ``GRIDENGINE_QUEUE_JOBS``.
        lifetime: After that long (``"10m"``, seconds, a `datetime.timedelta`) a worker leaves
            between two jobs and its place is asked for anew, behind the jobs of others that have
            been waiting meanwhile; None for never.
        queue_job_name: What people read in the queue; by default the name of the first job, or
            function, for which a queue job is asked.
        native: Further options of ``sbatch``, as they are; none that the scheduler itself gives,
            such as ``--array``.
        fresh: Whether each job gets a newly forked worker, which has seen no other.
        initializer: What each worker calls before its first job, to load what all of them need. If
            it raises, the jobs of that worker fail with `InitializerError`.
        initargs: Its arguments.
        cwd: The directory in which jobs run that name no other; by default the program's own when
            they are started. Where it cannot be entered they fail with an OSError.
        env: Variables that are set for the jobs, whatever they are called; None takes one away.
        output: What becomes of what jobs print: see `ProcessScheduler`.
        settings: Settings of its own, such as ``{"linger": 60}``: see `ProcessScheduler`.
        memory_max: What a job gets at most that asks for more and more memory: ``"64G"``, or bytes.
            By default 16 times as much as at first.
        options: Long options of sbatch, with underscores for hyphens: ``reservation="course"``,
            ``mail_type="END"``, ``exclusive=True``. Times and memory among them are as above:
            ``time_min="30m"``, ``delay_boot=``, ``mem_per_gpu="8G"``, ``tmp=``; ``begin=`` and
            ``deadline=`` take a text as sbatch does, and a number or timedelta from then on when
            it is submitted.

    Attributes:
        aliases: Other names of arguments.

    Raises:
        ValueError, TypeError: Something in it cannot be asked of Slurm.
        GridEngineError: A setting, of this or of the environment, is none.
    """

    remote = True
    queue_job_template: ClassVar[str] = "{SLURM_ARRAY_JOB_ID}.{SLURM_ARRAY_TASK_ID}"
    memory_resource = "mem_per_cpu"
    aliases: ClassVar[tuple[str, ...]] = tuple(requests.ALIASES)

    max_workers: int | None

    def __init__(
        self,
        *,
        partition: str | None = None,
        account: str | None = None,
        qos: str | None = None,
        constraint: str | None = None,
        time: str | float | datetime.timedelta | None = None,
        memory: str | int | None = None,
        slots: int | None = None,
        gpus: str | int | None = None,
        gres: str | None = None,
        hosts: HostNames | None = None,
        max_workers: int | None = None,
        lifetime: str | float | datetime.timedelta | None = LIFETIME,
        queue_job_name: str | None = None,
        native: str | None = None,
        fresh: bool = False,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        output: str | None = None,
        settings: Mapping[str, object] | None = None,
        memory_max: str | int | None = None,
        **options: Option,
    ) -> None:
        self.request = SlurmRequest().changed(
            _without_twice(
                options, partition=partition, account=account, qos=qos, constraint=constraint,
                time=time, memory=memory, slots=slots, gpus=gpus, gres=gres, hosts=hosts,
                native=native,
            )
        )  # fmt: skip
        take_common(
            self, fresh=fresh, initializer=initializer, initargs=initargs, cwd=cwd, env=env,
            output=output, settings=settings,
        )  # fmt: skip
        take_of_queue(self, max_workers=max_workers, queue_job_name=queue_job_name)
        self.lifetime = checked_lifetime(lifetime)
        self.slots = self.request.slots
        _, self.memory_max = checked_memory(self.memory_resource, memory_max)

    def __repr__(self) -> str:
        limit = f"max_workers={self.max_workers}" if self.max_workers else ""
        name = f"queue_job_name={self.queue_job_name!r}" if self.queue_job_name else ""
        return f"SlurmScheduler({', '.join(filter(None, (str(self.request), limit, name)))})"

    def open(self) -> SlurmSession:
        return SlurmSession(self.request, made_by=SlurmScheduler)

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        self.request.changed(resources)
        return requests.named(resources)

    def slots_of(self, resources: Mapping[str, object]) -> int:
        return self.request.changed(resources).slots

    def time_limit(self, resources: Mapping[str, object]) -> float:
        """Returns ``time`` in seconds, 0 if there is none."""
        return self.request.changed(resources).time_limit

    def memory_of(self, resources: Mapping[str, object]) -> int:
        return self.request.changed(resources).memory

    def probe(self, timeout: float = _PROBE) -> str:
        """Returns the name of the Slurm whose controller answers.

        Raises:
            SchedulerUnavailable: None does within ``timeout`` seconds; the message says why.
        """
        session = SlurmSession(self.request, patience=0.0, trial=True)
        try:
            return session.system(timeout)
        finally:
            session.close()


def _without_twice(options: Mapping[str, object], **arguments: object) -> dict[str, object]:
    """Returns all that is asked for.

    Raises:
        ValueError: Something is asked for by two names.
    """
    return requests.named({**{n: v for n, v in arguments.items() if v is not None}, **options})
