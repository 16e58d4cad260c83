"""Hosts on one machine: a network namespace each, on a switch of their own.

::

      ge-submit           ge-node1 …         slurm-node1 …   namespaces
    eth0 10.77.0.1     eth0 10.77.0.11    eth0 10.77.0.21
         │                  │                  │             a veth pair each
    ─────┴──────────────────┴──────────────────┴─────
       ge-br0, a bridge in the namespace ge-switch

The submit host is that of the Grid Engine and of Slurm, as on a site that changes from one to the
other; each has nodes of its own.

The bridge has a namespace to itself, so that the machine's own network stays as it is and its
firewall has no say in what the hosts tell each other. A host is entered by its network, its
host name and its /etc/hosts; the file system and the process ids are those of the machine, as
on a cluster with home directories on NFS.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .shell import CommandError, run
from .waiting import WaitTimeout, wait_until

_SWITCH = "ge-switch"
_BRIDGE = "ge-br0"
_NAMESPACES = Path("/run/netns")
_ETC = Path("/etc/netns")  # `ip netns exec NAME` mounts what is in /etc/netns/NAME over /etc
PLACES = (_NAMESPACES, _ETC)
"""Where a host has its files."""
ROOT = Path("/var/lib/ge-cluster")
"""Where the batch systems and the users on the hosts have theirs."""

_GRACE = 15.0  # seconds between asking a process to end and killing it; a qmaster may take seven


# Of nftables, a table of our own: with it, all its rules are gone.
_FIREWALL = "inet ge-site"
_BLOCKED = """\
table {table} {{
    chain input {{
        type filter hook input priority 0
        ip saddr {{ {sources} }} tcp dport != {{ {ports} }} tcp sport != {{ {answers} }} {verdict}
    }}
}}
"""


#: `ip netns exec` mounts a fresh /sys, in which the kernel's control groups are not to be seen.
_CONTROL_GROUPS = """
if grep -q :memory: /proc/self/cgroup; then
    mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/memory &&
        mount -t cgroup -o memory none /sys/fs/cgroup/memory
else
    mount -t cgroup2 none /sys/fs/cgroup
fi >/dev/null 2>&1
""".strip()


@dataclass(frozen=True)
class Host:
    """One host of the cluster.

    Attributes:
        name: Its host name, and that of its namespace.
        address: Its IPv4 address.
        alias: A second name. A host that has one takes its first name for a name of its own
            loopback, 127.0.1.1, as Debian sets up a machine without a fixed address; to the other
            hosts both names are the address.
    """

    name: str
    address: str
    alias: str | None = None

    def __str__(self) -> str:
        return self.name

    def exists(self) -> bool:
        """Tell whether its namespace is there."""
        return (_NAMESPACES / self.name).exists()

    def enter(self, argv: Sequence[str]) -> list[str]:
        """Give the command that runs `argv` on this host.

        It gets there by exec all the way, so that the process one starts, signals and waits for
        is the program itself.
        """
        script = f'hostname {shlex.quote(self.name)}; {_CONTROL_GROUPS}; exec "$@"'
        unshare = ["unshare", "--uts", "sh", "-c", script]
        return ["ip", "netns", "exec", self.name, *unshare, "sh", *argv]

    def pids(self, program: str | None = None) -> list[int]:
        """Give the processes on this host, all or those of one program."""
        return [pid for pid, name in self._processes().items() if program in (None, name)]

    def kill(
        self, program: str | None = None, *, spare: str | None = None, grace: float = _GRACE
    ) -> None:
        """End the processes on this host: politely, and if that does not help, for sure.

        Args:
            program: Only those of this program.
            spare: But not those of this program.
            grace: The seconds that they have to end by themselves.
        """

        def killed() -> dict[int, str]:
            return {
                pid: name
                for pid, name in self._processes().items()
                if program in (None, name) and name != spare
            }

        def left() -> str | None:
            return ", ".join(f"{pid} ({name})" for pid, name in killed().items()) or None

        what = f"{program or 'all processes'} on {self} ended"
        _signal(killed(), signal.SIGTERM)
        try:
            wait_until(what, left, grace)
        except WaitTimeout:

            def left_by_force() -> str | None:
                # Again and again, since one may have started another meanwhile.
                _signal(killed(), signal.SIGKILL)
                return left()

            wait_until(what, left_by_force, _GRACE)

    def link(self, state: Literal["up", "down"]) -> None:
        """Plug the network cable in, or pull it out."""
        _ip(self.name, f"link set eth0 {state}")

    def block(
        self,
        sources: Sequence[Host],
        verdict: Literal["drop", "reject"],
        ports: Sequence[str],
        answers: Sequence[str],
    ) -> None:
        """Put up a firewall here: what other hosts send by TCP is dropped, or refused.

        Args:
            sources: The other hosts.
            verdict: What becomes of it.
            ports: But not what is sent to these ports.
            answers: Nor what is sent from these ports.
        """
        self._nft(
            _BLOCKED.format(
                table=_FIREWALL,
                sources=", ".join(source.address for source in sources),
                ports=", ".join(ports),
                answers=", ".join(answers),
                # The kernel sends few of the other sort of refusals, however many it would have to.
                verdict="drop" if verdict == "drop" else "reject with tcp reset",
            )
        )

    def unblock(self) -> None:
        """Take the firewall down, if there is one."""
        # There must be one to be deleted; to add it again does nothing.
        self._nft(f"table {_FIREWALL}\ndelete table {_FIREWALL}\n")

    def _nft(self, rules: str) -> None:
        run(["ip", "netns", "exec", self.name, "nft", "-f", "-"], stdin=rules)

    def _processes(self) -> dict[int, str]:
        """Map the processes on this host to their programs' names."""
        if not self.exists():
            return {}
        found = ((pid, _program(pid)) for pid in run(["ip", "netns", "pids", self.name]).split())
        return {int(pid): name for pid, name in found if name is not None}


SUBMIT_HOST = Host("ge-submit", "10.77.0.1", alias="ge-master")
GRID_NODES = (Host("ge-node1", "10.77.0.11"), Host("ge-node2", "10.77.0.12"))
SLURM_NODES = (Host("slurm-node1", "10.77.0.21"), Host("slurm-node2", "10.77.0.22"))
ALL = (SUBMIT_HOST, *GRID_NODES, *SLURM_NODES)
"""All that there may be; each of them knows the names of all others."""


def unavailable() -> str | None:
    """Say why network namespaces cannot be had here, or None if they can."""
    argv = ["unshare", "--net", "--uts", "--mount", "true"]
    if shutil.which("ip") is not None:
        # In the new namespace, so it vanishes with it.
        argv[-1:] = ["ip", "link", "add", _BRIDGE, "type", "bridge"]
    try:
        run(argv)
    except (CommandError, FileNotFoundError) as error:
        return f"no network namespaces: {error}"
    return None


def create(hosts: Sequence[Host]) -> None:
    """Create those of the hosts that there are not, and connect them."""
    if not (_NAMESPACES / _SWITCH).exists():
        run(["ip", "netns", "add", _SWITCH])
        _ip(_SWITCH, f"link add {_BRIDGE} type bridge")
        _ip(_SWITCH, f"link set {_BRIDGE} up")
    for host in hosts:
        if not host.exists():
            _create(host)


def _create(host: Host) -> None:
    _write_hosts_file(host)
    run(["ip", "netns", "add", host.name])
    _ip(_SWITCH, f"link add {host} type veth peer name eth0 netns {host}")
    _ip(_SWITCH, f"link set {host} master {_BRIDGE} up")
    _ip(host.name, "link set lo up")
    _ip(host.name, f"address add {host.address}/24 dev eth0")
    _ip(host.name, "link set eth0 up")


def remove(hosts: Sequence[Host]) -> None:
    """Kill what runs on the hosts, and remove as much of them as there is."""
    for host in hosts:
        host.kill(grace=0)
        shutil.rmtree(_ETC / host.name, ignore_errors=True)
        if host.exists():
            run(["ip", "netns", "delete", host.name])
    if not any(host.exists() for host in ALL) and (_NAMESPACES / _SWITCH).exists():
        run(["ip", "netns", "delete", _SWITCH])
    with contextlib.suppress(OSError):
        _ETC.rmdir()  # if we were the only ones to use it


def _write_hosts_file(host: Host) -> None:
    lines = ["127.0.0.1 localhost"]
    for other in ALL:
        if other == host and host.alias is not None:
            lines += [f"127.0.1.1 {host.name}", f"{host.address} {host.alias}"]
        else:
            lines += [f"{other.address} {other.name} {other.alias or ''}".rstrip()]
    directory = _ETC / host.name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "hosts").write_text("\n".join(lines) + "\n")


def _ip(namespace: str, arguments: str) -> None:
    run(["ip", "-n", namespace, *arguments.split()])


def _program(pid: str) -> str | None:
    """Give the name of the program that a process runs, or None if it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
