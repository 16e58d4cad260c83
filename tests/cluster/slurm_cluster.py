"""Slurm's cluster as the tests see it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import hosts, packages, slurm
from .base import BatchCluster
from .hosts import Host
from .shell import CommandError
from .waiting import WaitTimeout, wait_until

_QUEUE_LIMIT = 30.0  # seconds for the queue to be empty after everything in it was cancelled

#: What `squeue` is to tell of each job; the name comes last, as it may be any text.
_COLUMNS = "%F|%K|%T|%u|%N|%C|%r|%j"


@dataclass(frozen=True)
class SlurmJob:
    """A job, or a task of one, as `squeue` tells of it.

    Attributes:
        job: Its number, that of the array for a task.
        task: Its number in an array, None if it is no array.
        state: The word of squeue: "PENDING", "RUNNING", "COMPLETING", and so on.
        name: Its name.
        owner: The user it belongs to.
        node: Where it runs, None while it waits.
        cores: How many it asked for.
        reason: Why it waits, "None" if it does not.
    """

    job: int
    task: int | None
    state: str
    name: str
    owner: str
    node: str | None
    cores: int
    reason: str


class SlurmCluster(BatchCluster):
    """A Slurm with a submit host and two nodes on this machine.

    Attributes:
        partition: The name of the partition, which has all nodes.
        memory: How many MB each node has.
    """

    name = "slurm"
    nodes = hosts.SLURM_NODES
    ports = slurm.PORTS
    daemon = slurm.NODE_DAEMON
    guard = "slurmstepd"
    packages = packages.SLURM
    partition = slurm.PARTITION
    slots = slurm.CORES
    memory = slurm.MEMORY

    def __init__(self) -> None:
        self._slurm = slurm.Slurm(self.submit_host, self.nodes)

    def environment(self) -> dict[str, str]:
        """Give the variables that a user of this Slurm has set."""
        return slurm.environment()

    # -- looking -----------------------------------------------------------------------------

    def squeue(self) -> list[SlurmJob]:
        """Give the jobs of all users that have not ended, each task of an array on its own."""
        options = ["--noheader", "--array", "--all", f"--format={_COLUMNS}"]
        return [_job(line) for line in self._slurm.command("squeue", *options).splitlines()]

    queue_jobs = squeue

    def running(self) -> list[str]:
        """Give the names of the queue jobs that run, as `gridengine` has them."""
        running = [job for job in self.squeue() if job.state == "RUNNING"]
        return [f"{job.job}" if job.task is None else f"{job.job}.{job.task}" for job in running]

    def show(self, job: str) -> dict[str, str]:
        """Give what `scontrol show job` tells of one, which may have ended: "12", "12_3"."""
        told = self._slurm.command("scontrol", "--oneliner", "show", "job", job)
        return dict(word.partition("=")[::2] for word in told.split() if "=" in word)

    def node_state(self, node: Host) -> str:
        """Give a node's state as `sinfo` has it: idle, mixed, allocated, down*, drained, …"""
        return self._slurm.node_state(node)

    # -- doing harm, and undoing it ----------------------------------------------------------

    def switch_off(self, node: Host) -> None:
        """Have all that runs on a node be gone at once, and nobody be told of it."""
        node.link("down")
        node.kill(grace=0)

    def switch_on(self, node: Host) -> None:
        """Start a node that was switched off, and wait until the controller has heard of it."""
        node.link("up")
        self._slurm.start_node_daemons([node])

    def stop_slurmctld(self, *, crash: bool = False) -> None:
        """Stop the controller, so that nothing answers Slurm's programs.

        Args:
            crash: Whether to kill it. It has saved what happened until some seconds before.
        """
        self._slurm.stop_master(crash=crash)

    def start_slurmctld(self) -> None:
        """Start the controller and wait until it answers."""
        self._slurm.start_master()

    @contextlib.contextmanager
    def silent_slurmctld(self) -> Iterator[None]:
        """Have a controller that hears what it is asked, and does it behind the block."""
        controllers = self.submit_host.pids(slurm.MASTER)
        for each in controllers:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in controllers:
                os.kill(each, signal.SIGCONT)

    def stop_slurmd(self, node: Host) -> None:
        """Kill a node's daemon. The jobs there go on running."""
        node.kill(slurm.NODE_DAEMON, grace=0)

    def start_slurmd(self, node: Host) -> None:
        """Start a node's daemon and wait until the controller has heard of it."""
        self._slurm.start_node_daemons([node])

    stop_daemon, start_daemon = stop_slurmd, start_slurmd

    def delete(self, queue_job: str) -> None:
        """Have Slurm end a queue job, if there is one of that name."""
        self.run(["scancel", queue_job.replace(".", "_")], check=False)

    def drain(self, node: Host) -> None:
        """Have a node start no more jobs until `heal`; those that it has go on."""
        self._update(f"NodeName={node}", "State=DRAIN", "Reason=tests")

    def close_partition(self) -> None:
        """Have the partition start no more jobs until `heal`; it still takes them in."""
        self._update(f"PartitionName={self.partition}", "State=DOWN")

    @contextlib.contextmanager
    def configured(self, **parameters: str) -> Iterator[None]:
        """Have the site set parameters of slurm.conf, such as ``MaxArraySize``, for a while."""
        self._slurm.configure(parameters)
        try:
            yield
        finally:
            self._slurm.configure({})

    @contextlib.contextmanager
    def gpus(self, *devices: str) -> Iterator[None]:
        """Have each node have some files count as GPUs, for a while."""
        # One that said when it started that it has none would be drained.
        for node in self.nodes:
            self.stop_slurmd(node)
        named = f"DEFAULT Gres=gpu:{len(devices)}"
        with self._slurm.having(devices), self.configured(GresTypes="gpu", NodeName=named):
            self._slurm.start_node_daemons(self.nodes)
            yield

    @contextlib.contextmanager
    def accounting(self, **limits: str) -> Iterator[None]:
        """Have the site keep accounts, for `sacct`, for a while; it takes 3 s.

        Args:
            **limits: What each user may have, in the words of sacctmgr: ``MaxSubmitJobs="10"``.
        """
        enforced = {"AccountingStorageEnforce": "limits,qos"} if limits else {}
        self._slurm.configure(enforced, accounting=True)
        try:
            if limits:
                self._limit(limits)
            yield
        finally:
            self._slurm.configure({})

    # -- how it is done ----------------------------------------------------------------------

    def _create(self) -> None:
        self._slurm.create()

    def _stop(self) -> None:
        self._slurm.remove()

    def _trouble(self) -> str | None:
        if (reason := self._slurm.master_trouble()) is not None:
            return reason
        for node in self.nodes:
            if (reason := self._slurm.node_trouble(node)) is not None:
                return reason
        state = self._slurm.command("sinfo", "--noheader", "--format=%a").strip()
        return None if state == "up" else f"the partition is {state}"

    def _mend(self) -> None:
        if self._slurm.master_trouble() is not None:
            self.stop_slurmctld(crash=True)
            self.start_slurmctld()
        self._update(f"PartitionName={self.partition}", "State=UP")
        for node in self.nodes:
            state = self.node_state(node)
            if "drain" in state or "down" in state:
                with contextlib.suppress(CommandError):
                    # It fails if the node has just come back by itself.
                    self._update(f"NodeName={node}", "State=RESUME")
            if self._slurm.node_trouble(node) is not None:
                self.stop_slurmd(node)
        self._slurm.start_node_daemons(self.nodes)
        wait_until("the cluster is healthy", self.trouble, _QUEUE_LIMIT)

    def _as_new(self) -> None:
        self._clear_queue()
        self._slurm.configure({})
        # A job's end may have been the first that the controller wanted of a node in vain.
        if self.trouble() is not None:
            self._mend()

    def _clear_queue(self) -> None:
        jobs = {str(job.job) for job in self.squeue()}
        if not jobs:
            return
        with contextlib.suppress(CommandError):
            # It fails if one of them has just ended; what is left is looked at.
            self._slurm.command("scancel", *jobs)
        try:
            wait_until("no job is left", self._jobs_left, _QUEUE_LIMIT / 3)
        except WaitTimeout:
            # A node that was cut off as a job ended may never say that the job has; of one that is
            # down nobody waits to hear it.
            for node in self.nodes:
                self._update(f"NodeName={node}", "State=DOWN", "Reason=heal")
                self._update(f"NodeName={node}", "State=RESUME")
            wait_until("no job is left", self._jobs_left, _QUEUE_LIMIT)

    def _jobs_left(self) -> str | None:
        return ", ".join(map(str, self.squeue())) or None

    def _limit(self, limits: Mapping[str, str]) -> None:
        for words in (
            ["add", "account", "tests"],
            ["add", "user", "root", self.user, "account=tests"],
            ["modify", "user", "root", self.user, "set", *map("=".join, limits.items())],
        ):
            self._slurm.command("sacctmgr", "--immediate", *words)

    def _update(self, *words: str) -> None:
        self._slurm.command("scontrol", "update", *words)


def _job(line: str) -> SlurmJob:
    job, task, state, owner, node, cores, reason, name = line.split("|", maxsplit=7)
    return SlurmJob(
        job=int(job),
        task=int(task) if task.isdigit() else None,
        state=state,
        name=name,
        owner=owner,
        node=node or None,
        cores=int(cores),
        reason=reason,
    )
