"""Slurm on the hosts: its files, its configuration, its daemons and its commands.

Everything of it lies under one directory of our own, `FOLDER`, so that a Slurm that the machine
may have besides is not touched, and all of ours is gone when the directory is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from .hosts import ROOT, Host
from .shell import CommandError, run
from .slurm_accounting import PORT, Accounting
from .waiting import wait_until

FOLDER = ROOT / "slurm"
PARTITION = "main"
CORES = 4  # per node
MEMORY = 8000  # MB per node
MASTER = "slurmctld"
NODE_DAEMON = "slurmd"
PORTS = ("6817", "6818", PORT)  # of slurmctld, slurmd and slurmdbd

_CONFIGURATION = FOLDER / "slurm.conf"
_MUNGE = FOLDER / "munge"
_MUNGED = "munged"
_SOCKET = _MUNGE / "socket"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LIMIT = 30.0  # seconds for a daemon to start and to be heard of, or for a command
_ANSWER_LIMIT = 5.0  # seconds for the controller to answer, which takes it milliseconds

_WELL = {"idle", "mixed", "allocated", "completing"}  # a node that may start jobs

_AUTHENTICATION = {"AuthType": "auth/munge", "AuthInfo": f"socket={_SOCKET}"}
_PARAMETERS = {
    "ClusterName": "tests",
    "SlurmUser": "root",
    "SlurmdUser": "root",
    "StateSaveLocation": f"{FOLDER}/state",
    "SlurmdSpoolDir": f"{FOLDER}/spool/%n",
    "SlurmctldPidFile": f"{FOLDER}/slurmctld.pid",
    "SlurmdPidFile": f"{FOLDER}/%n.pid",
    "SlurmctldLogFile": f"{FOLDER}/log/slurmctld",
    "SlurmdLogFile": f"{FOLDER}/log/%n",
    "SlurmctldPort": PORTS[0],
    "SlurmdPort": PORTS[1],
    "CredType": "cred/munge",
    **_AUTHENTICATION,
    "AccountingStoragePass": str(_SOCKET),
    "MpiDefault": "none",
    # By parents and children, next best to control groups: the hosts share those of the machine,
    # which may be anybody's.
    "ProctrackType": "proctrack/linuxproc",
    "TaskPlugin": "task/none",
    # A job that takes more memory than it asked for is killed, within two seconds.
    "JobAcctGatherType": "jobacct_gather/linux",
    "JobAcctGatherFrequency": "task=1",
    "JobAcctGatherParams": "OverMemoryKill,UsePss",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_CPU_Memory",
    "DefMemPerCPU": "1000",
    # A node may claim more cores than the machine has.
    "SlurmdParameters": "config_overrides",
    # With any epilog, the controller looks for what to start as soon as a job has ended; without,
    # once a second.
    "Epilog": "/bin/true",
    "EpilogMsgTime": "0",
    "SchedulerType": "sched/builtin",
    "SchedulerParameters": (
        "batch_sched_delay=0,sched_min_interval=0,sched_interval=2,default_queue_depth=10000"
    ),
    "KillWait": "2",
    # A lost node is noticed within seconds, and one that came back is believed.
    "MessageTimeout": "5",
    "SlurmdTimeout": "6",
    "ReturnToService": "2",
}

# Slurm looks at the control groups in any case, and needs no systemd for those of the old sort.
_CONTROL_GROUPS = "CgroupPlugin=cgroup/v1\n"


def environment() -> dict[str, str]:
    """Give the variables by which programs find this Slurm."""
    return {"SLURM_CONF": str(_CONFIGURATION)}


class Slurm:
    """The Slurm of a submit host, which also runs its controller, and of some nodes."""

    def __init__(self, submit_host: Host, nodes: Sequence[Host]) -> None:
        self.submit_host = submit_host
        self.nodes = tuple(nodes)
        self._accounting = Accounting(submit_host, FOLDER, _daemons_environment())

    def create(self) -> None:
        """Set it up from nothing and start its daemons."""
        for name in ("state", "spool", "log"):
            (FOLDER / name).mkdir(parents=True)
        (FOLDER / "cgroup.conf").write_text(_CONTROL_GROUPS)
        self._write({})
        self._create_munge()
        self.start_master()
        self.start_node_daemons(self.nodes)

    def remove(self) -> None:
        """End what runs on the submit host and remove the files, as much of them as there is."""
        self._accounting.stop()
        for daemon in (MASTER, _MUNGED):
            self.submit_host.kill(daemon, grace=0)
        shutil.rmtree(FOLDER, ignore_errors=True)

    def command(self, program: str, *arguments: str, limit: float = _LIMIT) -> str:
        """Run a command of Slurm on the submit host and give what it printed."""
        argv = self.submit_host.enter([program, *arguments])
        return run(argv, env={**os.environ, **environment()}, limit=limit)

    def configure(self, changes: Mapping[str, str], *, accounting: bool = False) -> None:
        """Have the configuration that it was created with, but for some parameters.

        Args:
            changes: The parameters.
            accounting: Whether it has accounting, which it has not at first.
        """
        before = _CONFIGURATION.read_text()
        more = self._accounting.parameters() if accounting else {}
        self._write({**more, **changes})
        if _CONFIGURATION.read_text() == before:
            return
        if accounting:
            self._accounting.start(_AUTHENTICATION)
        # A new controller, since some parameters are read at its start alone.
        self.stop_master()
        self.start_master()
        self.command("scontrol", "reconfigure")
        if not accounting:
            self._accounting.stop()

    @contextlib.contextmanager
    def having(self, devices: Sequence[str]) -> Iterator[None]:
        """Have each node know its GPUs, for a while, as `configure` says that they have some."""
        file = FOLDER / "gres.conf"
        file.write_text("".join(f"Name=gpu File={device}\n" for device in devices))
        try:
            yield
        finally:
            file.unlink()

    def stop_master(self, *, crash: bool = False) -> None:
        """End the controller.

        Args:
            crash: Whether it is killed. It has saved what happened until some seconds before.
        """
        self.submit_host.kill(MASTER, grace=0 if crash else _LIMIT)

    def start_master(self) -> None:
        """Start the controller, if it does not run, and wait until it answers."""
        if not self.submit_host.pids(_MUNGED):
            self._start_munge()
        if not self.submit_host.pids(MASTER):
            self._start(self.submit_host, MASTER)
        wait_until("the controller answers", self.master_trouble, _LIMIT)

    def start_node_daemons(self, nodes: Sequence[Host]) -> None:
        """Start nodes' daemons, if they do not run, and wait until they were heard of."""
        for node in nodes:
            if not node.pids(NODE_DAEMON):
                self._start(node, NODE_DAEMON)
        for node in nodes:
            wait_until(f"{node} is ready", partial(self.node_trouble, node), _LIMIT)

    def master_trouble(self) -> str | None:
        """Say what is wrong with the controller, or None if it answers."""
        if not self.submit_host.pids(_MUNGED):
            return f"no {_MUNGED} runs"
        try:
            self.command("scontrol", "ping", limit=_ANSWER_LIMIT)
        except CommandError as error:
            return str(error)
        return None

    def node_trouble(self, node: Host) -> str | None:
        """Say what is wrong with a node, or None if the controller may start jobs there."""
        if not node.pids(NODE_DAEMON):
            return f"no {NODE_DAEMON} runs on {node}"
        # An asterisk after it would be of a node that does not answer.
        state = self.node_state(node)
        return None if state in _WELL else f"{node} is {state}"

    def node_state(self, node: Host) -> str:
        """Give a node's state as `sinfo` has it: idle, mixed, allocated, down*, drained, …"""
        return self.command("sinfo", "--noheader", "--format=%T", f"--nodes={node}").strip()

    def _write(self, changes: Mapping[str, str]) -> None:
        parameters = {**_PARAMETERS, **changes}
        lines = [f"{name}={value}" for name, value in parameters.items()]
        lines += [f"SlurmctldHost={self.submit_host}({self.submit_host.alias})"]
        lines += [
            f"NodeName={node} NodeAddr={node.address} CPUs={CORES} RealMemory={MEMORY}"
            for node in self.nodes
        ]
        names = ",".join(map(str, self.nodes))
        lines += [f"PartitionName={PARTITION} Nodes={names} Default=YES State=UP"]
        _CONFIGURATION.write_text("\n".join(lines) + "\n")

    def _start(self, host: Host, daemon: str) -> None:
        run(host.enter([f"/usr/sbin/{daemon}"]), env=_daemons_environment())

    def _create_munge(self) -> None:
        """Write the key by which the daemons and the users' commands know each other."""
        _MUNGE.mkdir(mode=0o755)
        (_MUNGE / "key").write_bytes(os.urandom(128))
        (_MUNGE / "key").chmod(0o600)

    def _start_munge(self) -> None:
        # One for all hosts, since its socket is a file, which all of them see.
        options = {
            "socket": _SOCKET,
            "key-file": _MUNGE / "key",
            "seed-file": _MUNGE / "seed",
            "pid-file": _MUNGE / "pid",
            "log-file": _MUNGE / "log",
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        run(self.submit_host.enter(["/usr/sbin/munged", *given]), env=_daemons_environment())


def _daemons_environment() -> dict[str, str]:
    # A clean one, because jobs inherit some of that of the daemon.
    return {"PATH": _PATH, **environment()}
