"""Nobody without the key gets a byte to the unpickler; rubbish from who has it harms nobody."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq

import gridengine
from gridengine import Job
from gridengine.dispatcher import shutdown
from gridengine.dispatcher.dispatcher import Dispatcher
from gridengine.dispatcher.registry import open_dispatchers
from gridengine.schedulers import ProcessScheduler
from gridengine.transport import (
    messages,
    own_addresses,
)
from gridengine.transport import (
    rate_limited_log as rate_limited_log,
)
from gridengine.transport import (
    zeromq as network,
)
from gridengine.transport.control import Control, pass_end
from gridengine.transport.rate_limited_log import RateLimitedLog
from gridengine.transport.zeromq import ZeroMQConnections
from gridengine.worker.connection import LocalConnection

from .. import targets
from ..waiting import wait_until
from . import peers
from .peers import Bomb, OverTcp, Port

WORKER = str(Path(gridengine.__file__).parent / "worker")


# -- strangers --------------------------------------------------------------------------------


@dataclasses.dataclass
class Listening:
    """A socket with its reader, and what got as far as being looked at."""

    port: Port
    heard: list[bytes]


@pytest.fixture(autouse=True)
def nobody_waits_for_those_who_only_play(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not leave when they are told to."""
    monkeypatch.setattr(shutdown, "_DEPARTURES", 0.1)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    heard: list[bytes] = []
    decode = messages.decode_to_host

    def spy(frame: bytes) -> messages.ToHost:
        heard.append(bytes(frame))
        return decode(frame)

    monkeypatch.setattr(messages, "decode_to_host", spy)
    connections = ZeroMQConnections(host="127.0.0.1")
    end, begin = os.pipe()
    thread = threading.Thread(target=_read, args=(connections, end))
    thread.start()
    yield Listening(peers.port_of(connections), heard)
    os.write(begin, b"\0")
    thread.join()
    connections.close()
    os.close(begin)
    os.close(end)


def _read(connections: ZeroMQConnections, end: int) -> None:
    connections.watch(end)
    while end not in connections.wait(peers.PATIENCE):
        for address, message, _ in connections.receive():
            if isinstance(message, messages.Probe):
                connections.send(address, messages.Here())


SUPERVISING = messages.encode(messages.Supervising(messages.VERSION, "1.1", 0, "node", 1))
PROBE = messages.encode(messages.Probe())


def own_keys() -> dict[str, bytes]:
    public, secret = zmq.curve_keypair()
    return {"curve_publickey": public, "curve_secretkey": secret}


def the_key(port: Port) -> dict[str, bytes]:
    launch = port.launch
    return {
        "curve_publickey": launch.public_key.encode(),
        "curve_secretkey": launch.secret_key.encode(),
    }


def half_the_key(port: Port) -> dict[str, bytes]:
    return {**the_key(port), "curve_secretkey": own_keys()["curve_secretkey"]}


STRANGERS: dict[str, Callable[[Port], dict[str, Any]]] = {
    "without a key": lambda port: {},
    "with a name and a password": lambda port: {"plain_username": b"x", "plain_password": b"y"},
    "with the dispatcher's public key alone": lambda port: {
        **own_keys(),
        "curve_serverkey": port.launch.server_key.encode(),
    },
    "with the workers' key and another dispatcher's": lambda port: {
        **the_key(port),
        "curve_serverkey": own_keys()["curve_publickey"],
    },
    "with both public keys": lambda port: {
        **half_the_key(port),
        "curve_serverkey": port.launch.server_key.encode(),
    },
}


@pytest.mark.parametrize("who", STRANGERS)
def test_nothing_that_a_stranger_sends_is_looked_at(
    listening: Listening, who: str, tmp_path: Path
) -> None:
    options = STRANGERS[who](listening.port)
    bomb = Bomb(tmp_path / "went off").packed()
    assert peers.is_refused(listening.port, [[SUPERVISING, bomb], [bomb]], **options)
    with peers.worker(listening.port, b"honest") as honest:
        peers.fence(honest)
    assert [PROBE] == listening.heard
    assert not (tmp_path / "went off").exists()


# What ZeroMQ's protocol 3.1 begins with; then a command READY, as a peer without keys has it.
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01"
NULL = GREETING + b"NULL".ljust(20, b"\0") + bytes(32)
CURVE = GREETING + b"CURVE".ljust(20, b"\0") + bytes(32)
READY = b"\x04\x26\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"

RAW = {
    "nothing": b"",
    "zeros": bytes(100_000),
    "ones": b"\xff" * 100_000,
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + os.urandom(200),
    "ZeroMQ 2": b"\x01\x00\x06\x01x" + bytes(64),
    "half a greeting": GREETING,
    "no mechanism": NULL + READY + b"\x00\x05hello",
    "a message before the handshake": CURVE + b"\x00\x05hello",
    "a frame of two to the 62 bytes": CURVE + b"\x06" + (1 << 62).to_bytes(8, "big") + b"\x05HELLO",
    "a bad hello": CURVE + b"\x04\xc8\x05HELLO" + os.urandom(194),
}


@pytest.mark.parametrize("what", RAW)
def test_raw_bytes_are_hung_up_on(listening: Listening, what: str) -> None:
    assert peers.hangs_up(listening.port, RAW[what])
    with peers.worker(listening.port, b"honest") as honest:
        peers.fence(honest)
    assert [PROBE] == listening.heard


def test_what_a_worker_has_said_is_of_no_use_to_who_says_it_again(listening: Listening) -> None:
    def talk(port: Port) -> None:
        with peers.worker(port, b"honest") as honest:
            honest.send(SUPERVISING)
            peers.fence(honest)

    said = peers.recorded(listening.port, talk)
    assert len(said) > 64
    heard = list(listening.heard)
    assert [SUPERVISING, PROBE] == heard
    # On the connection it cannot be read, either.
    assert b"supervising" not in said
    assert peers.hangs_up(listening.port, said)
    with peers.worker(listening.port, b"honest") as honest:
        peers.fence(honest)
    assert [*heard, PROBE] == listening.heard


def test_a_silent_stranger_is_not_waited_for_long() -> None:
    connections = ZeroMQConnections(host="127.0.0.1")
    assert connections.socket.get(zmq.HANDSHAKE_IVL) in range(1, 2_001)
    connections.close()


@pytest.mark.parametrize("mechanism", ["CURVE", "NULL"])
def test_a_worker_says_nothing_to_who_plays_the_dispatcher(
    listening: Listening, mechanism: str
) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as impostor:
        impostor.linger = 0
        if mechanism == "CURVE":
            impostor.curve_server = 1
            impostor.curve_secretkey = own_keys()["curve_secretkey"]
        port = impostor.bind_to_random_port("tcp://127.0.0.1")
        led_astray = listening.port.moved_to(("127.0.0.1", port))
        with peers.refusals(impostor) as refused, peers.worker(led_astray, b"honest") as honest:
            honest.socket.sndtimeo = 0
            # Where it has been refused by now there is nobody to send it to, for ever.
            with contextlib.suppress(zmq.Again):
                honest.send(SUPERVISING)
            assert refused.poll(peers.PATIENCE)
            assert not impostor.poll(0)


def listening_at(port: int) -> set[str]:
    return {
        connection.laddr.ip
        for connection in psutil.Process().net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }


@pytest.mark.parametrize("ports", ["", "54321-54399"])
def test_it_listens_at_the_wanted_addresses_and_at_no_other(
    monkeypatch: pytest.MonkeyPatch, ports: str
) -> None:
    own = {"lo": ["127.0.0.1", "127.0.0.2"], "other": ["10.1.2.3"]}
    monkeypatch.setattr(own_addresses, "interfaces", lambda: own)
    # A port that is in use at one of them is given up at the other, too.
    with socket.create_server(("127.0.0.2", 54321)):
        connections = ZeroMQConnections(host="lo", ports=ports)
        (port,) = {int(endpoint.rpartition(":")[2]) for endpoint in connections.endpoints}
        assert 54321 != port
        assert {"127.0.0.1", "127.0.0.2"} == {ip.rpartition(":")[2] for ip in listening_at(port)}
        assert {"127.0.0.2"} == listening_at(54321)
        connections.close()


# -- what the log says ------------------------------------------------------------------------


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_stranger_who_knocks_often_gets_one_line(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    server_key = listening.port.launch.server_key.encode()
    for _ in range(20):
        assert peers.is_refused(listening.port, [], curve_serverkey=server_key, **own_keys())
    (line,) = warnings(caplog)
    assert "127.0.0.1" in line
    assert "stranger" in line


def test_a_peer_that_sends_much_rubbish_gets_one_line(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    with peers.worker(listening.port, b"babbler") as babbler:
        for _ in range(1000):
            babbler.send(b"rubbish")
        peers.fence(babbler)
    (line,) = warnings(caplog)
    assert "babbler" in line
    assert "rubbish" in line


def test_a_line_stays_one_whatever_the_peer_says(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    with peers.worker(listening.port, b"evil\nname") as babbler:
        babbler.send(b"\x91\xd9\x40no\nERROR all is lost".ljust(67))
        peers.fence(babbler)
    (line,) = warnings(caplog)
    assert "\n" not in line


def test_many_peers_get_few_lines_and_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    some = RateLimitedLog(logging.getLogger("gridengine"), lambda: now)
    for number in range(10_000):
        some.about(b"%d" % number, "dropped rubbish")
    assert rate_limited_log.MOST == len(warnings(caplog))
    caplog.clear()
    now += rate_limited_log.PERIOD
    some.about(b"another", "dropped rubbish")
    some.about(b"another", "dropped rubbish")
    (line,) = warnings(caplog)
    assert f"{10_000 - rate_limited_log.MOST} more" in line


# -- liars: peers that have the key -----------------------------------------------------------


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GRIDENGINE_HOST", "127.0.0.1")
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "0.2")
    return tmp_path / "run"


@pytest.fixture
def scheduler(run_dir: Path) -> Iterator[OverTcp]:
    scheduler = OverTcp(2)
    with scheduler:
        assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
        yield scheduler


def dispatcher() -> Dispatcher:
    (dispatcher,) = open_dispatchers()
    return dispatcher


def workers() -> list[bytes]:
    return list(dispatcher()._state.ledger.workers)


def done(task: int = 1, attempt: int = 1, lo: int = 0, hi: int = 1, **changed: Any) -> bytes:
    values: dict[str, Any] = {
        "payload": b"", "frames": 0, "failures": {}, "wall": 0.0, "cpu": 0.0, "peak_memory": 0,
    }  # fmt: skip
    values.update(changed)
    return messages.encode(messages.Done([messages.Result(task, attempt, lo, hi, **values)]))


HUGE = 2**64 - 1


def _died(worker: int, **changed: Any) -> bytes:
    values: dict[str, Any] = {
        "status": -9, "position": 0, "width": 1, "reason": "killed", "peak_memory": 0,
    }  # fmt: skip
    return messages.encode(messages.Died(worker, **{**values, **changed}))


LIES: dict[str, list[list[bytes]]] = {
    "no message": [[b""]],
    "no messagepack": [[b"\xc1" * 100]],
    "a message that is cut off": [[SUPERVISING[:-3]]],
    "a message of another direction": [[messages.encode(messages.Stop())]],
    "a list of four billion results": [[b"\x92\xa4done\xdd\xff\xff\xff\xff"]],
    "nested lists": [[b"\x92\xa4done" + b"\x91" * 100_000]],
    "a thousand frames": [[SUPERVISING, *[b"x"] * 1000]],
    "a supervisor twice": [[SUPERVISING], [SUPERVISING]],
    "a supervisor of no kind": [
        [messages.encode(messages.Supervising(messages.VERSION, "9.9", HUGE, "node", 1))]
    ],
    "a supervisor of the future": [
        [messages.encode(messages.Supervising(HUGE, "9.9", 0, "node", HUGE))]
    ],
    "a worker of nobody": [[messages.encode(messages.Ready(1))]],
    "answers for unknown tasks": [[done(task)] for task in (0, 1, 2, 3, HUGE)],
    "answers for no calls": [[done(lo=5, hi=2)], [done(lo=HUGE, hi=HUGE)]],
    "more frames announced than sent": [[done(frames=HUGE)], [done(frames=3), b"one"]],
    "fewer frames announced than sent": [[done(frames=0), b"one", b"two"]],
    "failures elsewhere": [[done(failures={7: b"x", -1: b"y"})]],
    "the death of somebody": [[_died(n)] for n in (0, 1, 2, HUGE)],
    "an odd death": [[_died(0, status=-(2**63), position=HUGE, width=HUGE, reason="?")]],
    "work handed back by somebody": [
        [messages.encode(messages.Recalled(n, HUGE, HUGE))] for n in (0, 1, HUGE)
    ],
    "where something is that nobody has asked about": [
        [messages.encode(messages.Stack(n, "text"))] for n in (0, 1, HUGE)
    ],
    "beats": [[messages.encode(messages.Beat())]] * 100,
}  # fmt: skip


#: Headers of the link: kind, number, what was heard.
ODD_HEADERS = {
    "no header": [b"", b"\x00", bytes(16)],
    "headers of no kind": [struct.pack(">BQQ", kind, 1, 0) for kind in (5, 255)],
    "numbers that are not due": [struct.pack(">BQQ", 0, number, 0) for number in (0, 2, HUGE)],
    "acknowledged before it was sent": [struct.pack(">BQQ", 2, HUGE, HUGE)],
    "said again, again and again": [struct.pack(">BQQ", 3, HUGE, 0)] * 1000,
}


@pytest.mark.parametrize("lie", ODD_HEADERS)
def test_odd_headers_of_who_has_the_key_harm_nobody(
    scheduler: OverTcp, run_dir: Path, lie: str
) -> None:
    with peers.worker(peers.port_in(run_dir), b"liar") as liar:
        for header in ODD_HEADERS[lie]:
            liar.socket.send(header + SUPERVISING)
        got = gridengine.map(targets.square, range(1000), scheduler=scheduler)
        peers.fence(liar)
    assert [x * x for x in range(1000)] == got


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_with_the_key_harms_nobody(
    scheduler: OverTcp, run_dir: Path, caplog: pytest.LogCaptureFixture, lie: str
) -> None:
    with peers.worker(peers.port_in(run_dir), b"liar") as liar:
        for message in LIES[lie]:
            liar.send_multipart(message)
        got = gridengine.map(targets.square, range(1000), scheduler=scheduler)
        peers.fence(liar)
    assert [x * x for x in range(1000)] == got
    assert len(warnings(caplog)) <= 1


LIARS = {"liar": True}

WORKERS_LIES: dict[str, Callable[[int], list[bytes]]] = {
    "frames beyond": lambda task: [done(task, frames=HUGE)],
    "failures elsewhere": lambda task: [done(task, failures={7: b"x"})],
    "calls beyond": lambda task: [done(task, lo=0, hi=HUGE)],
    "another attempt": lambda task: [done(task, attempt=HUGE)],
    "the same twice": lambda task: [
        messages.encode(
            messages.Done(
                [messages.Result(task, 1, 0, 1, b"x", 0, {}, 0.0, 0.0, 0)] * 2
            )
        )
    ],
}  # fmt: skip


@pytest.mark.parametrize("lie", WORKERS_LIES)
def test_a_worker_that_lies_harms_only_what_it_was_given(
    scheduler: OverTcp, run_dir: Path, lie: str
) -> None:
    # Of a kind of its own, so that it is this worker that gets the job.
    kind = dispatcher()._queue_jobs.kind_of(LIARS)
    port = peers.port_in(run_dir)
    with peers.worker(port, b"boss") as boss, peers.worker(port, b"boss.0") as liar:
        supervising = messages.Supervising(messages.VERSION, "9.9", kind, "node", 1)
        boss.send(messages.encode(supervising))
        peers.fence(boss)
        liar.send(messages.encode(messages.Ready(1)))
        peers.fence(liar)
        job = Job(target=targets.square, args=(3,), scheduler=scheduler, resources=LIARS)
        job.start()
        assert liar.poll(peers.PATIENCE)
        run = messages.decode_to_node(liar.recv_multipart()[0])
        assert isinstance(run, messages.Run)
        liar.send_multipart(WORKERS_LIES[lie](run.calls[0].task))
        peers.fence(liar)
        got = gridengine.map(targets.square, range(1000), scheduler=scheduler)
        assert [x * x for x in range(1000)] == got
        job.terminate()
        boss.send(_died(0, reason="signal"))
        with contextlib.suppress(gridengine.GridEngineError):
            _ = job.result


def test_a_worker_whose_memory_is_gone_already_stops_nobody() -> None:
    with ProcessScheduler(1) as scheduler:
        assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
        (address,) = dispatcher()._state.staffing.supervisors
        # As a supervisor inherits it; made in the thread whose it is.
        made: list[Control] = []
        controls = dispatcher()._queue_jobs.session.controls
        dispatcher()._ask(lambda: made.append(Control(controls)))
        wait_until(lambda: made, what="there is a way in")
        inherited = made[0].inherited
        name = address + b".77"
        dead = LocalConnection(pass_end(inherited.fileno()), name, 20.0)
        with contextlib.closing(inherited), contextlib.closing(dead):
            gone = messages.Ready(1, arena="/proc/1/fd/no such")
            # On one host there is no link.
            dead.send([messages.encode(gone)])
            dead.send([PROBE])
            assert [messages.encode(messages.Unseen())] == dead.receive()
            assert [messages.encode(messages.Here())] == dead.receive()
        # What it was given before would wait for a word of its supervisor's.
        known = dispatcher()._state.ledger.workers[name]
        wait_until(lambda: known.hung_up, what="it is known to have hung up")
        assert [9] == gridengine.map(targets.square, [3], scheduler=scheduler)


def test_the_thief_of_a_workers_name_gets_no_other_workers_jobs(
    scheduler: OverTcp, run_dir: Path
) -> None:
    robbed = [Job(target=targets.sleep, args=(0.3,), scheduler=scheduler) for _ in range(2)]
    for job in robbed:
        job.start()
    wait_until(lambda: len(workers()) == 2, what="two workers are there")
    victim, honest = workers()
    with peers.worker(peers.port_in(run_dir), victim) as thief:
        thief.send(done(HUGE))
        thief.send(_died(int(honest.rpartition(b".")[2])))
        peers.fence(thief)
        jobs = [Job(target=targets.square, args=(n,), scheduler=scheduler) for n in range(50)]
        for job in jobs:
            job.start()
        wait_until(lambda: sum(not j.is_alive() for j in jobs) >= 45, what="the others work")
        for job in (*robbed, *jobs):
            job.kill()
        assert dispatcher()._thread.is_alive()
        assert honest in workers()
        right = [n for n, job in enumerate(jobs) if job.exitcode == 0 and job.result == n * n]
        assert len(right) >= 45


def test_a_wheel_of_pyzmq_that_encrypts_slowly_is_warned_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_warned", False)
    monkeypatch.setattr(zmq, "__version__", network._SLOW_WHEEL)
    for _ in range(2):
        ZeroMQConnections(host="127.0.0.1").close()
    (line,) = warnings(caplog)
    assert f"pyzmq {network._SLOW_WHEEL}" in line
