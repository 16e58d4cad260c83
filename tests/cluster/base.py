"""What the Grid Engine's cluster and Slurm's have in common, as the tests see them."""

from __future__ import annotations

import abc
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from typing_extensions import Self

from . import account, hosts, packages
from .hosts import ROOT, Host
from .shell import CommandError
from .waiting import WaitTimeout, wait_until

_LOCK = Path("/run/ge-cluster.lock")
_LOCK_LIMIT = 900.0  # seconds; the other one may be installing packages


class ClusterUnavailable(RuntimeError):
    """The cluster cannot be had on this machine; the message says why."""


class InsideClusterError(RuntimeError):
    """The cluster would have to be taken down, by a process that would go down with it."""


class BatchCluster(abc.ABC):
    """A batch system with a submit host and two nodes on this machine.

    `up` gives the one that there is. The submit host's own name leads to loopback on itself, as
    on many a real one.

    Attributes:
        name: What it is called in files and on the command line.
        submit_host: Where programs run, and the batch system's master.
        nodes: The execution hosts.
        user: The name of an ordinary user.
        home: Where that user is at home.
        ports: Those of the batch system's daemons.
        open_ports: Ports of the submit host that its firewall leaves open.
        daemon: The name of the daemon on the nodes.
        guard: The name of the program that starts a queue job on a node and waits for it.
        slots: How many workers each node has room for.
        packages: What Debian calls the packages it is made of.
        places: Folders that two clusters on one machine cannot share.
    """

    name: ClassVar[str]
    submit_host: ClassVar[Host] = hosts.SUBMIT_HOST
    nodes: ClassVar[Sequence[Host]]
    user: ClassVar[str] = "geuser"
    home: ClassVar[Path] = ROOT / "home" / user
    ports: ClassVar[Sequence[str]]
    open_ports: ClassVar[str] = "20000-20099"  # none that the system gives to a socket by itself
    daemon: ClassVar[str]
    guard: ClassVar[str]
    slots: ClassVar[int]
    packages: ClassVar[Sequence[str]]
    places: ClassVar[Sequence[str]] = tuple(map(str, (ROOT, *hosts.PLACES)))

    # -- the whole ---------------------------------------------------------------------------

    @classmethod
    def unavailable(cls) -> str | None:
        """Say why the cluster cannot be had on this machine, or None if it can."""
        if sys.platform != "linux":
            return "not Linux: the hosts are network namespaces"
        if os.geteuid() != 0:
            return "not root: only root may make network namespaces"
        return packages.unavailable(cls.packages) or hosts.unavailable()

    @classmethod
    def up(cls) -> Self:
        """Bring the cluster up, or to health if it is up, and give it.

        Raises:
            ClusterUnavailable: It cannot be had on this machine.
        """
        if (reason := cls.unavailable()) is not None:
            raise ClusterUnavailable(reason)
        with _locked():
            packages.install(cls.packages)
            cluster = cls()
            if not cluster._repaired():
                cluster._remove()
                hosts.create([cls.submit_host, *cls.nodes])
                account.create(cls.user, cls.home)
                cluster._create()
                cls._ready().touch()  # it came to its end
        return cluster

    @classmethod
    def down(cls) -> None:
        """Take all hosts down, with all that runs on them. The packages stay installed.

        Raises:
            InsideClusterError: This process runs on one of them.
        """
        with _locked():
            if _inside():
                raise InsideClusterError("the cluster cannot be taken down from inside")
            hosts.remove(hosts.ALL)
            account.remove(cls.user)
            shutil.rmtree(ROOT, ignore_errors=True)

    def trouble(self) -> str | None:
        """Say what is wrong with the cluster, or None if it is up and healthy."""
        return self._trouble() if self._ready().exists() else "it is down"

    def heal(self) -> None:
        """Undo all that a test may have done: links up, daemons alive, queues open and empty."""
        self.submit_host.unblock()
        # Even if nobody has missed one yet.
        self._links_up()
        self._repair()
        self._as_new()
        for node in self.nodes:
            node.kill(spare=self.daemon, grace=0)

    # -- running programs --------------------------------------------------------------------

    @abc.abstractmethod
    def environment(self) -> dict[str, str]:
        """Give the variables that a user of this batch system has set."""

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

    # -- looking, doing harm, and undoing it ---------------------------------------------------

    @abc.abstractmethod
    def queue_jobs(self) -> Sequence[object]:
        """Give the queue jobs of all users that have not ended."""

    @abc.abstractmethod
    def running(self) -> list[str]:
        """Give the names of the queue jobs that run, as `gridengine` has them."""

    @abc.abstractmethod
    def delete(self, queue_job: str) -> None:
        """Have the batch system end a queue job, if there is one of that name."""

    @abc.abstractmethod
    def stop_daemon(self, node: Host) -> None:
        """Stop a node's daemon. The queue jobs there go on running."""

    @abc.abstractmethod
    def start_daemon(self, node: Host) -> None:
        """Start a node's daemon and wait until the master has heard of it."""

    def pids(self, node: Host) -> list[int]:
        """Give the processes that queue jobs have on a node, the batch system's own included."""
        daemons = node.pids(self.daemon)
        return [pid for pid in node.pids() if pid not in daemons]

    def cut(self, host: Host) -> None:
        """Cut a host off from the network."""
        host.link("down")

    def mend(self, host: Host) -> None:
        """Connect a host to the network again."""
        host.link("up")

    @contextlib.contextmanager
    def firewall(
        self, verdict: Literal["drop", "reject"], nodes: Sequence[Host] | None = None
    ) -> Iterator[None]:
        """Keep nodes from reaching the submit host for a while, but by `open_ports`.

        What they send is dropped, or refused. The batch system's own daemons are let through.
        """
        kept_out = self.nodes if nodes is None else nodes
        self.submit_host.block(kept_out, verdict, [*self.ports, self.open_ports], self.ports)
        try:
            yield
        finally:
            self.submit_host.unblock()

    # -- how it is done ----------------------------------------------------------------------

    @abc.abstractmethod
    def _create(self) -> None:
        """Set it up on fresh nodes, and start it."""

    @abc.abstractmethod
    def _stop(self) -> None:
        """End what it has on the submit host, however much there is, and remove its files."""

    @abc.abstractmethod
    def _trouble(self) -> str | None:
        """Say what is wrong with it, or None if it is healthy."""

    @abc.abstractmethod
    def _mend(self) -> None:
        """Bring it back to health, if that can be done; all links are up."""

    @abc.abstractmethod
    def _as_new(self) -> None:
        """Give a healthy one the configuration and the empty queue that it had at first."""

    @classmethod
    def _ready(cls) -> Path:
        return ROOT / f"{cls.name}.ready"

    def _remove(self) -> None:
        """Remove what there is of it, and the submit host if that serves nobody else."""
        self._ready().unlink(missing_ok=True)
        self._stop()
        hosts.remove(self.nodes)
        if not (_inside() or any(ROOT.glob("*.ready"))):
            hosts.remove([self.submit_host])

    def _repaired(self) -> bool:
        """Bring the cluster to health, if it is up and that can be done."""
        if not self._ready().exists():
            return False
        try:
            self._repair()
        except (CommandError, WaitTimeout):
            return False
        return True

    def _repair(self) -> None:
        if self.trouble() is None:
            return
        self._links_up()
        self._mend()

    def _links_up(self) -> None:
        for host in (self.submit_host, *self.nodes):
            host.link("up")


def _inside() -> bool:
    """Tell whether this process runs on one of the hosts."""
    return any(os.getpid() in host.pids() for host in hosts.ALL)


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Let only one process at a time bring a cluster up or take it down."""
    with _LOCK.open("w") as file:

        def busy() -> str | None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"{_LOCK} is held by another process"
            return None

        wait_until("the cluster is not being changed", busy, _LOCK_LIMIT)
        yield
