"""`JobMonitor`, for programs that have used GridMap's own way of waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from ...errors import SchedulerUnavailable
from ...logs import Log
from ...transport.own_addresses import addresses_of
from . import conf
from .cluster import scheduler_for_jobs
from .grid_job import Job

if TYPE_CHECKING:
    from typing_extensions import Self

    from .run import JobsRun


class JobMonitor:
    """Submits jobs, and waits for them; leaving its ``with`` ends those that are not over.

    Args:
        temp_dir: The folder for what they print.

    Attributes:
        host_name: Name of this host.
        ip_address: One of its addresses.
        interface: The same as GridMap has it.
        home_address: Empty: workers find this program by other means, and so do pages.
        port: None.
        socket: None.
        jobs: The jobs of the last `check`.
        session_id: What `check` was given.
        logger: Where it logs.
    """

    port: int | None = None
    socket: object = None
    home_address = ""

    def __init__(self, temp_dir: str = conf.DEFAULT_TEMP_DIR) -> None:
        self._temp_dir = temp_dir
        self._run: JobsRun | None = None
        self.host_name = socket.gethostname()
        self.ip_address = next(iter(addresses_of("")), "127.0.0.1")
        self.interface = f"tcp://{self.ip_address}"
        self.jobs: list[Job] = []
        self.session_id: object = None
        self.logger = Log("gridmap.job")

    @property
    def ids(self) -> list[str | int]:
        """Numbers of the jobs."""
        return [job.id for job in self.jobs]

    @property
    def id_to_job(self) -> dict[str | int, Job]:
        """The jobs by their numbers."""
        return {job.id: job for job in self.jobs}

    def check(self, session_id: object, jobs: Iterable[Job]) -> None:
        """Submits jobs and waits until all are over.

        Raises:
            BaseException: As `process_jobs`.
            SchedulerUnavailable: There is no cluster, and the caller is in no scheduler's ``with``.
        """
        from .run import JobsRun

        base = scheduler_for_jobs(False)
        if base is None:
            raise SchedulerUnavailable("a JobMonitor needs a cluster; use process_jobs() here")
        self.jobs, self.session_id = list(jobs), session_id
        self._run = JobsRun(base, self._temp_dir)
        self._run.start(self.jobs)
        self._run.wait(reraise=True)

    def check_if_alive(self) -> None:
        """Looks at what has become of the jobs; returns at once.

        Raises:
            BaseException: What the first job that failed has raised.
        """
        if self._run is not None:
            self._run.look()

    def all_jobs_done(self) -> bool:
        """Tells whether all jobs are over."""
        return self._run is None or self._run.is_over

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._run is not None:
            self._run.close()
