"""Strangers flood the port with connections: the program that listens there goes on as before.

With 1,024 descriptors, while its main thread opens files all the time; programs and attackers are
processes of their own. ``python -m tests.system.floods`` is the long run.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from gridengine.transport import admission, messages
from gridengine.transport.link import unnumbered
from gridengine.transport.zeromq import ZeroMQConnections
from gridengine.worker.zeromq import connect

from ..waiting import wait_until
from . import floods, peers
from .peers import Port

#: They take the machine, and count this process's descriptors.
pytestmark = pytest.mark.alone

#: Seconds that a flood lasts here; nobody has that long for a handshake.
_SECONDS = 3.0

#: Bytes by which a program may grow.
_GROWTH = 50e6


#: What is left to the slow tests: they take the same ways through the code as one of the others.
_ALIKE = ("silent", "half a greeting", "an HTTP request", "a bad hello", "one byte at a time")
_ALIKE += ("gone after a byte", "frames of 8 GB")


@pytest.mark.parametrize(
    "attack",
    [pytest.param(a, marks=pytest.mark.slow) if a in _ALIKE else a for a in floods.ATTACKS],
)
def test_a_program_at_1024_descriptors_goes_on_under_a_flood(tmp_path: Path, attack: str) -> None:
    report, _ = floods.flood(attack, _SECONDS, tmp_path)
    assert report["maps"] > 0, report
    assert report["opened"] > 0, report
    assert 0 == report["wrong"], report
    # Of those that are gone at once more are accepted for a moment than are looked at: a program
    # that does nothing but open files was refused 10 % of them in the worst of twelve runs.
    refused = report["opened"] / 5 if attack == "gone at once" else 0
    assert report["failed"] <= refused, report
    assert report["grown"] < _GROWTH, report
    # All that is left of the flood are those whose time is not yet up.
    assert report["open"] < floods.DESCRIPTORS // 4, report
    assert report["zeromq"] < 0.6, report


def test_that_is_said_once(tmp_path: Path) -> None:
    _, said = floods.flood("half a greeting", 2 * _SECONDS, tmp_path)
    (line,) = said.splitlines()
    assert "have not shown this session's key in time" in line


def test_with_no_descriptor_left_nothing_spins_and_the_map_goes_on(tmp_path: Path) -> None:
    report, said = floods.flood(
        "half a greeting", _SECONDS, tmp_path, busy="rest", hoarded=2 * floods.DESCRIPTORS
    )
    assert report["failed"] > 0, report
    assert report["maps"] > 0, report
    assert report["wrong"] == 0, report
    # Of a core; to try accept() over and over takes all of one.
    assert report["zeromq"] < 0.7, report
    assert "nearly no descriptor is left" in said


def test_over_ipv6_too(tmp_path: Path) -> None:
    report, _ = floods.flood("half a greeting", _SECONDS, tmp_path, host="::1")
    assert report["maps"] > 0, report
    assert (0, 0) == (report["wrong"], report["failed"]), report
    assert report["open"] < floods.DESCRIPTORS // 4, report


def test_those_who_have_the_key_do_not_end_the_program(tmp_path: Path) -> None:
    report, _ = floods.flood(floods.KEYED, _SECONDS, tmp_path)
    assert report["maps"] > 0, report
    assert report["wrong"] == 0, report


# -- the door itself --------------------------------------------------------------------------


@contextlib.contextmanager
def listening(**options: Any) -> Iterator[ZeroMQConnections]:
    """A socket with its reader, which says that it is there to whoever asks."""
    connections = ZeroMQConnections(**options)
    end, begin = os.pipe()
    connections.watch(end)

    def read() -> None:
        while end not in connections.wait(peers.PATIENCE):
            for address, message, _ in connections.receive():
                if isinstance(message, messages.Probe):
                    connections.send(address, messages.Here())

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield connections
    finally:
        os.write(begin, b"\0")
        thread.join()
        connections.close()
        os.close(begin)
        os.close(end)


@contextlib.contextmanager
def strangers(port: Port, count: int, says: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(stack.enter_context(socket.create_connection(port.address)))
            made[-1].sendall(says)
        yield made


def arrive(port: Port, count: int, patience: float = 30.0) -> float:
    """Has so many workers connect at once; returns after how many seconds the last was in."""
    begun = time.monotonic()
    with zmq.Context() as context, contextlib.ExitStack() as stack:
        context.max_sockets = 2 * count + 10
        poller = zmq.Poller()
        for number in range(count):
            name = b"%d.%d" % (os.getpid(), number)
            each = stack.enter_context(connect(context, port.launch, port.endpoint, name))
            each.linger = 0
            each.send(unnumbered(messages.encode(messages.Probe())))
            poller.register(each, zmq.POLLIN)
        waiting = count
        while waiting and time.monotonic() < begun + patience:
            for each, _ in poller.poll(1000):
                each.recv_multipart()
                poller.unregister(each)
                waiting -= 1
    assert not waiting, f"{waiting} of {count} workers were not let in within {patience} s"
    return time.monotonic() - begun


def test_workers_that_all_come_at_once_are_let_in_and_nothing_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    count = 500
    assert count > admission.most()
    with listening(host="127.0.0.1") as connections:
        arrive(peers.port_of(connections), count)
    assert [] == caplog.records


def test_no_more_are_let_in_than_may_be_and_others_when_these_are_gone() -> None:
    with listening(host="127.0.0.1") as connections:
        port = peers.port_of(connections)
        ours = os.getpid()
        before = len(os.listdir(f"/proc/{ours}/fd"))
        count = 3 * admission.most()
        with strangers(port, count, b"\xff") as made:
            # Their other ends are this process's, too; and who has come before anybody looked is
            # hung up on then, long before the time for a handshake is up.
            wait_until(
                lambda: (
                    admission.most() // 2
                    < len(os.listdir(f"/proc/{ours}/fd")) - before - count
                    <= admission.most()
                ),
                what="no more are let in",
                timeout=admission.HANDSHAKE_SECONDS * 0.7,
            )
            for each in made:
                each.close()
        assert arrive(port, 1) < 20


def test_what_all_come_through_is_not_ended_for_the_number_of_one_that_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        port = server.getsockname()[1]
        spare = os.dup(server.fileno())
        assert not admission._end_if_not_let_in(spare, port)
        os.close(spare)
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()


def test_who_says_nothing_is_not_even_accepted() -> None:
    with listening(host="127.0.0.1") as connections:
        port = peers.port_of(connections)
        before = len(os.listdir("/proc/self/fd"))
        with strangers(port, 50, b""):
            assert arrive(port, 1) < 10
            # Their other ends are here; what was open before may be closed meanwhile.
            assert len(os.listdir("/proc/self/fd")) < before + 60


def test_those_that_are_in_stay_when_strangers_are_hung_up_on() -> None:
    with listening(host="127.0.0.1") as connections:
        port = peers.port_of(connections)
        with peers.worker(port, b"honest") as honest:
            peers.fence(honest)
            with peers.refusals(honest.socket) as ended:
                with strangers(port, 3 * admission.most(), floods.GREETING):
                    peers.fence(honest)
                    time.sleep(admission.HANDSHAKE_SECONDS)
                peers.fence(honest)
                assert not ended.poll(0)


@pytest.mark.parametrize("left", [2, 6, 20, 31, 32])
def test_few_descriptors_are_an_error_or_enough_but_never_the_end(
    tmp_path: Path, left: int
) -> None:
    environment = {
        **os.environ, "GRIDENGINE_RUN_DIR": str(tmp_path), "GRIDENGINE_HOST": "127.0.0.1",
    }  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "tests.system.floods", "few", str(left)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    if left < 32:
        assert f"{left} more files can be opened, and connections to other hosts" in ended.stdout
        assert "ulimit -n" in ended.stdout
    else:
        assert "[1, 2]" in ended.stdout
