"""The test cluster itself: what the tests that run on it rely on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from typing import Literal

import pytest

from ..waiting import wait_until
from . import Cluster, Host
from .site import SITE

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def _daemons(cluster: Cluster) -> list[list[int]]:
    masters = cluster.submit_host.pids("sge_qmaster")
    return [masters, *(node.pids("sge_execd") for node in cluster.nodes)]


def test_up_leaves_a_healthy_cluster_as_it_is(cluster: Cluster) -> None:
    before = _daemons(cluster)
    Cluster.up()
    assert cluster.trouble() is None
    assert _daemons(cluster) == before


def test_up_replaces_a_lost_execution_daemon(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    (lost,) = node.pids("sge_execd")
    os.kill(lost, signal.SIGKILL)
    wait_until(cluster.trouble, what="the loss is noticed")
    Cluster.up()
    assert cluster.trouble() is None
    assert lost not in node.pids("sge_execd")


def test_heal_opens_failed_queues_and_empties_them(cluster: Cluster) -> None:
    broken, sound = cluster.nodes
    cluster.run(["qsub", "-b", "y", "-t", "1-8", "-o", "/dev/null", "-j", "y", "sleep", "60"])
    assert {job.task for job in cluster.qstat()} == set(range(1, 9))
    cluster.heal()
    assert cluster.qstat() == []

    cluster.fail_queue(broken)
    assert cluster.queue_state(broken) == "E"
    assert cluster.queue_state(sound) == ""
    cluster.heal()
    assert cluster.trouble() is None
    assert [cluster.pids(node) for node in cluster.nodes] == [[], []]


def test_the_submit_host_takes_its_own_name_for_loopback(cluster: Cluster) -> None:
    submit_host = cluster.submit_host
    code = f"import socket; print(socket.gethostbyname({submit_host.name!r}))"
    program = [sys.executable, "-c", code]
    assert cluster.run(program).stdout.strip() == "127.0.1.1"
    node = cluster.nodes[0]
    seen = subprocess.run(node.enter(program), capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == submit_host.address


def test_a_program_can_be_run_as_another_user(cluster: Cluster) -> None:
    told = cluster.run(["sh", "-c", "whoami; hostname; echo $HOME"], user=cluster.user)
    assert told.stdout.split() == [
        cluster.user,
        cluster.submit_host.name,
        f"/var/lib/ge-cluster/home/{cluster.user}",
    ]


@pytest.mark.parametrize("user", [None, Cluster.user])
def test_a_signal_to_the_command_is_one_to_the_program(cluster: Cluster, user: str | None) -> None:
    program = ["sh", "-c", "echo ready; exec sleep 60"]
    with subprocess.Popen(cluster.command(program, user=user), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
    assert process.returncode == -signal.SIGTERM


def test_the_cluster_is_not_taken_down_from_inside(cluster: Cluster) -> None:
    assert socket.gethostname() == cluster.submit_host.name
    with pytest.raises(RuntimeError, match="from inside"):
        Cluster.down()
    assert cluster.trouble() is None


def _reached(cluster: Cluster, node: Host, port: int) -> str:
    """What a node gets that connects to the submit host: "" or the name of an exception."""
    code = f"import socket; socket.create_connection(({cluster.submit_host.address!r}, {port}), 1)"
    done = subprocess.run(
        node.enter([sys.executable, "-c", code]), capture_output=True, text=True, check=False
    )
    return done.stderr.strip().rpartition("\n")[2].partition(":")[0]


@pytest.mark.parametrize(
    ("verdict", "error"), [("drop", "TimeoutError"), ("reject", "ConnectionRefusedError")]
)
def test_a_firewall_keeps_out_one_node_but_not_the_grid_engine(
    cluster: Cluster, verdict: Literal["drop", "reject"], error: str
) -> None:
    blocked, free = cluster.nodes
    with (
        socket.create_server(("", 0)) as closed,
        socket.create_server(("", int(cluster.open_ports.partition("-")[0]))) as opened,
        cluster.firewall(verdict, [blocked]),
    ):
        port = closed.getsockname()[1]
        assert _reached(cluster, blocked, port).rpartition(".")[2] == error
        assert _reached(cluster, blocked, opened.getsockname()[1]) == ""
        assert _reached(cluster, free, port) == ""
        cluster.run(["qsub", "-sync", "y", "-b", "y", "-o", "/dev/null", "-j", "y", "true"])
        cluster.heal()
        assert _reached(cluster, blocked, port) == ""


def test_as_a_site_has_it_accounting_comes_late_until_heal(cluster: Cluster) -> None:
    with cluster.as_a_site():
        assert "accounting_flush_time" not in cluster.run(["qconf", "-sconf"]).stdout
        assert "0:0:15" in cluster.run(["qconf", "-ssconf"]).stdout
        cluster.heal()
        assert "accounting_flush_time=00:00:00" in cluster.run(["qconf", "-sconf"]).stdout
        assert "0:0:15" not in cluster.run(["qconf", "-ssconf"]).stdout


@pytest.mark.parametrize("words", [["own-python"], ["library-path"]])
def test_an_ordinary_user_runs_gridengine_with_the_sites_python(
    cluster: Cluster, words: list[str]
) -> None:
    code = "import sys, gridengine, zmq, msgspec, dill, psutil; print(sys.version_info[1])"
    with contextlib.ExitStack() as stack:
        given = [stack.enter_context(SITE[word](cluster)) for word in words]
        environment = {**os.environ, **cluster.environment()}
        for each in given:
            environment.update(each)
        told = cluster.run(
            ["sh", "-c", f"cd / && python -c '{code}'"], user=cluster.user, env=environment
        )
        assert told.stdout.strip() == str(sys.version_info[1])
        if "LD_LIBRARY_PATH" in environment:
            environment.pop("LD_LIBRARY_PATH")
            alone = cluster.run(["python", "-c", ""], env=environment, check=False)
            assert "libpython" in alone.stderr
