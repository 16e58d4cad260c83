"""The Grid Engine's cluster as the tests see it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from . import grid, hosts, packages
from .base import BatchCluster
from .hosts import Host
from .shell import CommandError
from .waiting import wait_until

_QUEUE_LIMIT = 30.0  # seconds for the queue to be empty after everything in it was deleted


@dataclass(frozen=True)
class QueueJob:
    """A queue job, or a task of one, as `qstat` tells of it.

    Attributes:
        job: Its number.
        task: Its number in an array, None if it is no array.
        state: The letters of qstat: "qw" waiting, "r" running, "Eqw" failed before it ran, "dr"
            being deleted, and so on.
        name: Its name.
        owner: The user it belongs to.
        queue: Where it runs, as "all.q@ge-node1", None while it waits.
        slots: How many it asked for.
    """

    job: int
    task: int | None
    state: str
    name: str
    owner: str
    queue: str | None
    slots: int


class Cluster(BatchCluster):
    """A Grid Engine with a submit host and two nodes on this machine.

    Attributes:
        queue: The name of the queue, which is on all nodes.
        parallel_environment: One that gives a job several slots of one node.
        project: One that jobs may ask for.
    """

    name = "grid-engine"
    nodes = hosts.GRID_NODES
    ports = grid.PORTS
    daemon = grid.EXECD
    guard = "sge_shepherd"
    packages = packages.GRID_ENGINE
    queue = grid.QUEUE
    slots = grid.SLOTS
    parallel_environment = grid.PARALLEL_ENVIRONMENT
    project = grid.PROJECT

    def __init__(self) -> None:
        self._grid = grid.Grid(self.submit_host, self.nodes)

    def environment(self) -> dict[str, str]:
        """Give the variables that a user of this Grid Engine has set."""
        return grid.environment()

    # -- looking -----------------------------------------------------------------------------

    def qstat(self) -> list[QueueJob]:
        """Give the queue jobs of all users, each task of an array on its own."""
        told = ElementTree.fromstring(self._grid.command("qstat", "-u", "*", "-g", "d", "-xml"))
        return [_queue_job(element) for element in told.iter("job_list")]

    queue_jobs = qstat

    def running(self) -> list[str]:
        """Give the names of the queue jobs that run, as `gridengine` has them."""
        running = [job for job in self.qstat() if job.state == "r"]
        return [f"{job.job}" if job.task is None else f"{job.job}.{job.task}" for job in running]

    def queue_state(self, node: Host) -> str:
        """Give the state letters of a node's queue as `qstat -f` has them; "" if all is well.

        E is an error, u unreachable, a an alarm, d disabled, s suspended.
        """
        return self._grid.queue_state(node)

    # -- doing harm, and undoing it ----------------------------------------------------------

    def stop_qmaster(self) -> None:
        """Kill the qmaster, so that nothing answers Grid Engine's programs."""
        # It would take six seconds to shut down in good order.
        self.submit_host.kill(grid.QMASTER, grace=0)

    def start_qmaster(self) -> None:
        """Start the qmaster and wait until it answers.

        The execution daemons find it within half a minute; `heal` is quicker.
        """
        self._grid.start_qmaster()

    def stop_execd(self, node: Host) -> None:
        """Stop a node's execution daemon. The queue jobs there go on running."""
        node.kill(grid.EXECD)

    def start_execd(self, node: Host) -> None:
        """Start a node's execution daemon and wait until the qmaster has heard of it."""
        self._grid.start_execds([node])

    stop_daemon, start_daemon = stop_execd, start_execd

    def delete(self, queue_job: str) -> None:
        """Have the Grid Engine end a queue job, if there is one of that name."""
        self.run(["qdel", queue_job], check=False)

    def fail_queue(self, node: Host) -> None:
        """Put a node's queue into state E, in which it starts no job until `heal`."""
        self._grid.fail_queue(node)

    @contextlib.contextmanager
    def limited(self, **limits: str) -> Iterator[None]:
        """Have the site set limits, such as ``max_u_jobs`` or ``max_aj_tasks``, for a while."""
        before = self._grid.configure(**limits)
        try:
            yield
        finally:
            self._grid.configure(**before)

    # -- as a site has it, see `tests.cluster.site` --------------------------------------------

    @contextlib.contextmanager
    def as_a_site(self) -> Iterator[None]:
        """Have Grid Engine's own defaults for a while: it says and does things 15 s late."""
        self._grid.as_a_site()
        try:
            yield
        finally:
            self._grid.as_for_tests()

    @contextlib.contextmanager
    def submit_nodes(self) -> Iterator[None]:
        """Have the nodes submit queue jobs, too, for a while."""
        self._grid.allow_submitting(self.nodes)
        try:
            yield
        finally:
            self._grid.allow_submitting([])

    # -- how it is done ----------------------------------------------------------------------

    def _create(self) -> None:
        self._grid.create()

    def _stop(self) -> None:
        self._grid.remove()

    def _trouble(self) -> str | None:
        if (reason := self._grid.qmaster_trouble()) is not None:
            return reason
        for node in self.nodes:
            if (reason := self._grid.execd_trouble(node)) is not None:
                return reason
            if state := self.queue_state(node):
                return f"{self.queue}@{node} is in state {state}"
        return None

    def _mend(self) -> None:
        if self._grid.qmaster_trouble() is not None:
            self.stop_qmaster()
            self.start_qmaster()
        for node in self.nodes:
            if self._grid.execd_trouble(node) is not None:
                # One that has lost its qmaster tries again every 30 seconds only; a new one adopts
                # the queue jobs of the old.
                self.stop_execd(node)
        self._grid.start_execds(self.nodes)
        for option in ("-c", "-e"):  # clear errors; enable
            self._grid.command("qmod", option, self.queue)
        wait_until("the cluster is healthy", self.trouble, _QUEUE_LIMIT)

    def _as_new(self) -> None:
        self._grid.as_for_tests()
        self._grid.allow_submitting([])
        self._clear_queue()

    def _clear_queue(self) -> None:
        if not self.qstat():
            return
        # By force, so that a queue job goes whose node has forgotten it.
        with contextlib.suppress(CommandError):
            # It fails if the last of them has just ended; what is left is looked at.
            self._grid.command("qdel", "-f", "-u", "*")
        wait_until("no queue job is left", self._queue_jobs_left, _QUEUE_LIMIT)

    def _queue_jobs_left(self) -> str | None:
        return ", ".join(map(str, self.qstat())) or None


def _queue_job(element: ElementTree.Element) -> QueueJob:
    def find(tag: str) -> str:
        return element.findtext(tag, default="")

    return QueueJob(
        job=int(find("JB_job_number")),
        task=int(find("tasks")) if find("tasks") else None,
        state=find("state"),
        name=find("JB_name"),
        owner=find("JB_owner"),
        queue=find("queue_name") or None,
        slots=int(find("slots")),
    )
