"""The cluster as the tests see it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from . import account, grid, hosts, packages
from .hosts import Host
from .shell import CommandError
from .waiting import WaitTimeout, wait_until

_LOCK = Path("/run/ge-cluster.lock")
_LOCK_LIMIT = 900.0  # seconds; the other one may be installing packages
_READY = grid.ROOT / "ready"  # exists when `up` came to its end
_QUEUE_LIMIT = 30.0  # seconds for the queue to be empty after everything in it was deleted


class ClusterUnavailable(RuntimeError):
    """The cluster cannot be had on this machine; the message says why."""


class InsideClusterError(RuntimeError):
    """The cluster would have to be taken down, by a process that would go down with it."""


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


class Cluster:
    """A Grid Engine with a submit host and two nodes on this machine.

    `up` gives the one that there is. The submit host's own name leads to loopback on itself, as
    on many a real one.

    Attributes:
        submit_host: Where programs run, and the qmaster.
        nodes: The execution hosts.
        queue: The name of the queue, which is on all nodes.
        slots: How many slots each node has.
        parallel_environment: One that gives a job several slots of one node.
        project: One that jobs may ask for.
        user: The name of an ordinary user.
        open_ports: Ports of the submit host that its firewall leaves open.
    """

    submit_host = Host("ge-submit", "10.77.0.1", alias="ge-master")
    nodes = (Host("ge-node1", "10.77.0.11"), Host("ge-node2", "10.77.0.12"))
    queue = grid.QUEUE
    slots = grid.SLOTS
    parallel_environment = grid.PARALLEL_ENVIRONMENT
    project = grid.PROJECT
    user = "geuser"
    places = (str(grid.ROOT), *map(str, hosts.PLACES))
    open_ports = "20000-20099"  # none that the system gives to a socket by itself

    def __init__(self) -> None:
        self._grid = grid.Grid(self.submit_host, self.nodes)

    # -- the whole ---------------------------------------------------------------------------

    @staticmethod
    def unavailable() -> str | None:
        """Say why the cluster cannot be had on this machine, or None if it can."""
        if sys.platform != "linux":
            return "not Linux: the hosts are network namespaces"
        if os.geteuid() != 0:
            return "not root: only root may make network namespaces"
        return packages.unavailable() or hosts.unavailable()

    @classmethod
    def up(cls) -> Cluster:
        """Bring the cluster up, or to health if it is up, and give it.

        Raises:
            ClusterUnavailable: It cannot be had on this machine.
            InsideClusterError: It is beyond repair, and this process runs on it.
        """
        if (reason := cls.unavailable()) is not None:
            raise ClusterUnavailable(reason)
        with _locked():
            packages.install()
            cluster = cls()
            if not cluster._repaired():
                cluster._remove()
                cluster._create()
        return cluster

    @classmethod
    def down(cls) -> None:
        """Take the cluster down, with all that runs on it. The packages stay installed.

        Raises:
            InsideClusterError: This process runs on it.
        """
        with _locked():
            cls()._remove()

    def trouble(self) -> str | None:
        """Say what is wrong with the cluster, or None if it is up and healthy."""
        if not _READY.exists():
            return "it is down"
        if (reason := self._grid.qmaster_trouble()) is not None:
            return reason
        for node in self.nodes:
            if (reason := self._grid.execd_trouble(node)) is not None:
                return reason
            if state := self.queue_state(node):
                return f"{self.queue}@{node} is in state {state}"
        return None

    def heal(self) -> None:
        """Undo all that a test may have done: links up, daemons alive, queues open and empty."""
        self.submit_host.unblock()
        self._repair()
        self._grid.as_for_tests()
        self._grid.allow_submitting([])
        self._clear_queue()
        for node in self.nodes:
            node.kill(spare=grid.EXECD, grace=0)

    # -- running programs --------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """Give the variables that a user of this Grid Engine has set."""
        return grid.environment()

    def command(self, argv: Sequence[str], *, user: str | None = None) -> list[str]:
        """Give the command that runs `argv` on the submit host, as root or another user.

        It replaces itself by the program: the pid, the signals and the end are the program's.
        """
        return self.submit_host.enter(argv if user is None else account.become(user, argv))

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        check: bool = True,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the submit host to its end, as `subprocess.run` does.

        Args:
            argv: The program and its arguments.
            user: The user as which to run it; root by default.
            env: Its environment; by default this process's with `environment`.
            cwd: Its working directory.
            check: Whether to raise an exception if its exit status is not 0.
            timeout: Seconds after which it is killed, and an exception raised.

        Returns:
            With `stdout` and `stderr` as text.
        """
        return subprocess.run(
            self.command(argv, user=user),
            env={**os.environ, **self.environment()} if env is None else env,
            cwd=cwd,
            check=check,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    # -- looking -----------------------------------------------------------------------------

    def qstat(self) -> list[QueueJob]:
        """Give the queue jobs of all users, each task of an array on its own."""
        told = ElementTree.fromstring(self._grid.command("qstat", "-u", "*", "-g", "d", "-xml"))
        return [_queue_job(element) for element in told.iter("job_list")]

    def queue_state(self, node: Host) -> str:
        """Give the state letters of a node's queue as `qstat -f` has them; "" if all is well.

        E is an error, u unreachable, a an alarm, d disabled, s suspended.
        """
        return self._grid.queue_state(node)

    def pids(self, node: Host) -> list[int]:
        """Give the processes that queue jobs have on a node, shepherds included."""
        daemons = node.pids(grid.EXECD)
        return [pid for pid in node.pids() if pid not in daemons]

    # -- doing harm, and undoing it ----------------------------------------------------------

    def cut(self, host: Host) -> None:
        """Cut a host off from the network."""
        host.link("down")

    def mend(self, host: Host) -> None:
        """Connect a host to the network again."""
        host.link("up")

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
    def firewall(
        self, verdict: Literal["drop", "reject"], nodes: Sequence[Host] = nodes
    ) -> Iterator[None]:
        """Keep nodes from reaching the submit host for a while, but by `open_ports`.

        What they send is dropped, or refused. The Grid Engine's own daemons are let through.
        """
        self.submit_host.block(nodes, verdict, [*grid.PORTS, self.open_ports], grid.PORTS)
        try:
            yield
        finally:
            self.submit_host.unblock()

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
        hosts.create([self.submit_host, *self.nodes])
        self._grid.create()
        account.create(self.user, grid.ROOT / "home" / self.user)
        _READY.touch()

    def _remove(self) -> None:
        if os.getpid() in self.submit_host.pids():
            raise InsideClusterError("the cluster cannot be taken down from inside")
        hosts.remove([self.submit_host, *self.nodes])
        account.remove(self.user)
        shutil.rmtree(grid.ROOT, ignore_errors=True)

    def _repaired(self) -> bool:
        """Bring the cluster to health, if it is up and that can be done."""
        if not _READY.exists():
            return False
        try:
            self._repair()
        except (CommandError, WaitTimeout):
            return False
        return True

    def _repair(self) -> None:
        if self.trouble() is None:
            return
        for host in (self.submit_host, *self.nodes):
            host.link("up")
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


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Let only one process at a time bring the cluster up or take it down."""
    with _LOCK.open("w") as file:

        def busy() -> str | None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"{_LOCK} is held by another process"
            return None

        wait_until("the cluster is not being changed", busy, _LOCK_LIMIT)
        yield
