"""Floods of connections from strangers, and a program that works meanwhile.

``python -m tests.system.floods`` plays them all, for longer than `test_floods` does. Programs and
attackers are processes of their own: ``… program``, ``… attack`` and ``… few`` start one.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import zmq

import gridengine
from gridengine.dispatcher.registry import open_dispatchers
from gridengine.transport.pieces import LARGEST_FRAME
from gridengine.worker.zeromq import connect

from .. import targets
from . import peers
from .peers import OverTcp

#: What `ulimit -n` says as a rule.
DESCRIPTORS = 1024

#: Seconds in which a program has begun, or come to an end.
_PATIENCE = 60.0

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)


def _frame(nbytes: int) -> bytes:
    """The beginning of a large command."""
    return GREETING + b"\x06" + nbytes.to_bytes(8, "big")


@dataclasses.dataclass(frozen=True)
class Attack:
    """What the connections of a flood do.

    Attributes:
        connections: How many there are at a time.
        says: What each sends first.
        pours: Bytes of nothing that it sends then.
        drips: Whether it sends a byte at a time, 20 in a second.
        leaves: Whether it hangs up at once.
    """

    connections: int = 1500
    says: bytes = b""
    pours: int = 0
    drips: bool = False
    leaves: bool = False


ATTACKS = {
    "silent": Attack(),
    "half a greeting": Attack(says=GREETING[:11]),
    "silent after the greeting": Attack(says=GREETING),
    "an HTTP request": Attack(says=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a bad hello": Attack(says=GREETING + b"\x04\xc8\x05HELLO" + os.urandom(194)),
    "one byte at a time": Attack(says=GREETING, drips=True),
    "gone at once": Attack(leaves=True),
    "gone after a byte": Attack(says=b"\xff", leaves=True),
    "frames of 8 GB": Attack(8, says=_frame(8 << 30), pours=8 << 30),
    "many frames of 8 GB": Attack(says=_frame(8 << 30), pours=8 << 30),
    "frames that are just not too large": Attack(
        says=_frame(LARGEST_FRAME), pours=LARGEST_FRAME - 1
    ),
}


#: The name of a flood of those who have the key. Nobody is protected against them.
KEYED = "with the key"


# -- the attacker -----------------------------------------------------------------------------


@dataclasses.dataclass
class _Connection:
    socket: socket.socket
    unsaid: bytes
    left: int


class Attacker:
    """Has as many connections as an attack has, and makes new ones for those that end."""

    def __init__(self, attack: Attack, address: tuple[str, int]) -> None:
        self._attack = attack
        self._address = address
        self._poll = select.epoll()
        self._open: dict[int, _Connection] = {}

    def run(self) -> None:
        """Attacks until it is killed."""
        nothing = bytes(65536)
        dripped = 0.0
        while True:
            for _ in range(min(100, self._attack.connections - len(self._open))):
                self._connect()
            for number, _event in self._poll.poll(0.05):
                self._go_on(self._open[number], nothing)
            if self._attack.drips and time.monotonic() > dripped + 0.05:
                dripped = time.monotonic()
                for each in list(self._open.values()):
                    self._drip(each)

    def _connect(self) -> None:
        made = socket.socket(socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET)
        made.setblocking(False)
        made.connect_ex(self._address)
        self._open[made.fileno()] = _Connection(made, self._attack.says, self._attack.pours)
        self._poll.register(made.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _go_on(self, each: _Connection, nothing: bytes) -> None:
        try:
            if not self._attack.drips:
                each.unsaid = each.unsaid[each.socket.send(each.unsaid) :] if each.unsaid else b""
                while each.left and not each.unsaid:
                    each.left -= each.socket.send(nothing[: each.left])
            if self._attack.leaves and not each.unsaid:
                return self._end(each)
            if not each.left and not each.unsaid:
                self._poll.modify(each.socket.fileno(), select.EPOLLIN)
        except BlockingIOError:
            pass
        except OSError:
            return self._end(each)
        try:
            if not each.socket.recv(65536):
                self._end(each)
        except BlockingIOError:
            pass
        except OSError:
            self._end(each)

    def _drip(self, each: _Connection) -> None:
        try:
            each.socket.send(each.unsaid[:1])
            each.unsaid = each.unsaid[1:]
        except BlockingIOError:
            pass
        except OSError:
            self._end(each)

    def _end(self, each: _Connection) -> None:
        del self._open[each.socket.fileno()]
        self._poll.unregister(each.socket.fileno())
        each.socket.close()


def keyed(folder: Path) -> None:
    """Has 1,500 connections that have the key, until it is killed."""
    port = peers.port_in(folder)
    with zmq.Context() as context:
        context.max_sockets = 2000
        made = [connect(context, port.launch, port.endpoint, b"%d" % n) for n in range(1500)]
        print(len(made), flush=True)
        signal.pause()


# -- the program that is attacked -------------------------------------------------------------


def program(busy: str, hoarded: int) -> None:
    """Maps, and opens files, until its standard input ends; says then what came of it.

    Args:
        busy: What its main thread does: "open" files, "keep" the interpreter's lock for a second
            at a time, or "rest".
        hoarded: Files that it has open.
    """
    scheduler = OverTcp(2)
    assert list(map(abs, range(8))) == gridengine.map(abs, range(8), scheduler=scheduler)
    (dispatcher,) = open_dispatchers()
    print(json.dumps(dispatcher._connections.endpoints), flush=True)
    ended = threading.Event()
    report: dict[str, Any] = {"maps": 0, "wrong": 0, "opened": 0, "failed": 0}
    mapping = threading.Thread(target=_map, args=(scheduler, ended, report))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, spent = time.monotonic(), _zeromqs_cpu()
    hoard = _hoard(hoarded)
    mapping.start()
    while not select.select([0], [], [], 0)[0]:
        if busy == "keep":
            sum(range(30_000_000))
        elif busy == "rest":
            time.sleep(0.05)
        try:
            for _ in range(100):
                open(os.devnull).close()
                report["opened"] += 1
        except OSError:
            report["failed"] += 1
    for each in hoard:
        os.close(each)
    report["seconds"] = time.monotonic() - begun
    report["zeromq"] = (_zeromqs_cpu() - spent) / report["seconds"]
    report["grown"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    ended.set()
    mapping.join()
    report["open"] = len(os.listdir("/proc/self/fd"))
    begun = time.monotonic()
    # New workers get in, attack or not.
    scheduler.close()
    assert list(map(abs, range(8))) == gridengine.map(abs, range(8), scheduler=scheduler)
    report["again"] = time.monotonic() - begun
    scheduler.close()
    print(json.dumps(report), flush=True)


def few(left: int) -> None:
    """Maps over TCP with so many descriptors left, and says what came of it."""
    hoard = _hoard(1 << 20)
    for _ in range(left):
        os.close(hoard.pop())
    scheduler = OverTcp(1)
    try:
        print(gridengine.map(abs, [-1, 2], scheduler=scheduler), flush=True)
    except gridengine.SchedulerError as error:
        print(error, flush=True)
    for each in hoard:
        os.close(each)
    scheduler.close()


def _hoard(count: int) -> list[int]:
    taken = []
    with contextlib.suppress(OSError):
        while len(taken) < count:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    return taken


def _map(scheduler: OverTcp, ended: threading.Event, report: dict[str, Any]) -> None:
    while not ended.is_set():
        values = range(1000)
        got = gridengine.map(targets.square, values, scheduler=scheduler)
        report["maps"] += 1
        report["wrong"] += got != [x * x for x in values]
        ended.wait(0.01)


def _zeromqs_cpu() -> float:
    """Seconds of processor time that ZeroMQ's threads have taken."""
    names = {
        int(task.name): (task / "comm").read_text() for task in Path("/proc/self/task").iterdir()
    }
    return sum(
        thread.user_time + thread.system_time
        for thread in psutil.Process().threads()
        if names.get(thread.id, "").startswith("ZMQbg")
    )


# -- both -------------------------------------------------------------------------------------


def flood(
    name: str,
    seconds: float,
    folder: Path,
    *,
    busy: str = "open",
    hoarded: int = 200,
    host: str = "127.0.0.1",
    until: Callable[[], bool] = lambda: False,
) -> tuple[dict[str, Any], str]:
    """Attacks a program for a while.

    Args:
        name: One of `ATTACKS`, or `KEYED`.
        seconds: For how long.
        folder: For its keys, and what it writes.
        busy: See `program`.
        hoarded: See `program`.
        host: Where it listens.
        until: Ends it earlier.

    Returns:
        What the program has said of it, and what it has written to its standard error.
    """
    environment = {
        **os.environ,
        "GRIDENGINE_RUN_DIR": str(folder / "run"),
        "GRIDENGINE_HOST": host,
    }
    with (folder / "said").open("w+") as said, contextlib.ExitStack() as stack:
        victim = stack.enter_context(
            _started(
                ["program", busy, str(hoarded)],
                env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
                preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS)
                ),
            )
        )  # fmt: skip
        assert victim.stdin is not None
        assert victim.stdout is not None
        endpoints = victim.stdout.readline()
        assert endpoints, (folder / "said").read_text()
        where, _, port = json.loads(endpoints)[0].removeprefix("tcp://").rpartition(":")
        attack = ["attack", name, where.strip("[]"), port]
        for _ in range(2):
            stack.enter_context(
                _started(["keyed", str(folder / "run")] if name == KEYED else attack)
            )
        end = time.monotonic() + seconds
        while time.monotonic() < end and victim.poll() is None and not until():
            time.sleep(0.05)
        victim.stdin.close()
        report = victim.stdout.readline()
        ended = victim.wait(_PATIENCE)
        said.seek(0)
        text = said.read()
        assert ended == 0, text
    return json.loads(report), text


@contextlib.contextmanager
def _started(arguments: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.system.floods", *arguments]
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.floods", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--busy", default="open")
    parser.add_argument("--hoarded", type=int, default=200)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else [*ATTACKS, KEYED]:
        with tempfile.TemporaryDirectory() as folder:
            report, said = flood(
                name, arguments.seconds, Path(folder), busy=arguments.busy,
                hoarded=arguments.hoarded,
            )  # fmt: skip
        print(f"{name}: {report}\n{said}", flush=True)
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["program", busy, hoarded]:
            program(busy, int(hoarded))
        case ["keyed", folder]:
            _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            keyed(Path(folder))
        case ["few", left]:
            few(int(left))
        case ["attack", name, host, port]:
            _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            Attacker(ATTACKS[name], (host, int(port))).run()
        case _:
            sys.exit(main())
