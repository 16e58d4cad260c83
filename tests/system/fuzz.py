"""Random and mutated frames against a dispatcher at work: ``python -m tests.system.fuzz``.

One part comes from peers that have the key: messages of the protocol with odd values, cut off,
spliced and with bits turned over, and pure noise. The other comes from strangers: recorded
connections with bits turned over, and noise. Meanwhile the dispatcher's own workers work.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pickle
import random
import secrets
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

import gridengine
from gridengine import Job
from gridengine.dispatcher.registry import open_dispatchers
from gridengine.schedulers import Scheduler
from gridengine.transport import messages
from gridengine.transport.link import Link
from gridengine.transport.output_messages import Piece, Printed, Printing

from .. import targets
from . import peers
from .peers import Bomb, OverTcp, Port

_BURST = 500  # frames that one peer sends
_STRANGERS = 10  # one burst in so many comes from strangers
_CHUNKS = 25  # chunks that a stranger's connection sends
_ODD = (0, 1, 2, 3, 127, 128, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)

#: What a peer that lies may be given work of, so that the honest get all the rest.
_LIARS = {"liar": True}
_LIARS_KIND = 1
_LIARS_JOBS = 50


@dataclasses.dataclass
class Report:
    """What a run has come to.

    Attributes:
        frames: How many were sent.
        maps: How often honest workers did their work meanwhile.
        growth: Bytes by which the program has grown, once it was warm.
        unpickled: Whether the dispatcher's thread has unpickled anything.
        exploded: Whether anybody unpickled what was sent.
        alive: Whether the dispatcher still lives.
    """

    frames: int = 0
    maps: int = 0
    growth: int = 0
    unpickled: bool = False
    exploded: bool = False
    alive: bool = False

    @property
    def harmless(self) -> bool:
        return self.alive and self.maps > 0 and not (self.unpickled or self.exploded)


class Generator:
    """Makes frames.

    Args:
        seed: The same seed makes the same frames.
        bomb: A pickle that must not be loaded.
    """

    def __init__(self, seed: int, bomb: bytes) -> None:
        self.random = random.Random(seed)
        self._bomb = bomb

    def message(self) -> list[bytes]:
        """Returns the frames of a message from a peer that has the key."""
        pick = self.random.random()
        if pick < 0.1:
            header = self.noise()
        elif pick < 0.5:
            header = messages.encode(self._odd_message())
        else:
            header = self.mutated(messages.encode(self._odd_message()))
        extra = self.random.choice((0, 0, 0, 1, 2, 5))
        return [header, *(self.random.choice((self._bomb, self.noise())) for _ in range(extra))]

    def noise(self) -> bytes:
        return self.random.randbytes(self.random.choice((0, 1, 9, 64, 300)))

    def mutated(self, data: bytes) -> bytes:
        """Returns data with bits turned over, cut off, repeated or with noise in it."""
        made = bytearray(data)
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(made) + 1)
            match self.random.randrange(4):
                case 0 if at < len(made):
                    made[at] ^= 1 << self.random.randrange(8)
                case 1:
                    made[at:at] = self.noise()
                case 2:
                    made[at:] = made[: len(made) - at]
                case 3:
                    del made[at:]
        return bytes(made)

    def _number(self) -> int:
        return self.random.choice((*_ODD, self.random.getrandbits(16)))

    def _odd_message(self) -> object:
        number, pick = self._number, self.random.randrange(9)
        match pick:
            case 0:
                return messages.Probe()
            case 1:
                kind = self.random.choice((_LIARS_KIND, number() or _LIARS_KIND))
                return messages.Supervising(messages.VERSION, "9.9", kind, "node", number())
            case 2:
                arena = self.random.choice(("", f"/proc/{number()}/fd/{number()}"))
                return messages.Ready(number(), arena=arena)
            case 3:
                some, few = self.random.randrange(4), self.random.randrange(2)
                return messages.Done(
                    [self._result() for _ in range(some)],
                    shared=[(number(), number(), number()) for _ in range(few)],
                    released=[number() for _ in range(few)],
                    printed=[
                        Printed(number(), number(), number(), number(), bool(few), self._pieces())
                        for _ in range(few)
                    ],
                )
            case 4:
                return messages.Died(
                    self.random.choice((0, number())), -self.random.choice((0, 9, 2**63)),
                    number(), number(), self.random.choice(("", "killed", "timeout", "?")),
                    number(), number(), "output",
                )  # fmt: skip
            case 5:
                return messages.Recalled(self.random.choice((0, number())), number(), number())
            case 6:
                return messages.Stack(number(), "text", self.random.choice(("", "\x1b[2J")))
            case 7:
                return Printing(number() % 4, number(), number(), self._pieces())
        return messages.Beat()

    def _pieces(self) -> list[Piece]:
        some = range(self.random.randrange(3))
        # Nothing that could be seen, should it be shown.
        return [Piece(bool(self._number() % 2), self._number(), b"") for _ in some]

    def header(self) -> bytes:
        """Returns a header of the link, with odd values."""
        kind = self.random.randrange(7)
        return struct.pack(">BQQ", kind, self._number() % 2**64, self._number() % 2**64)

    def _result(self) -> messages.Result:
        number = self._number
        failures = {number() & 2**62 - 1: self._bomb for _ in range(self.random.randrange(2))}
        return messages.Result(
            number(), number(), number(), number(), self._bomb, number(), failures, 0.0, 0.0,
            number(),
        )  # fmt: skip


def run(frames: int, seed: int, folder: Path) -> Report:
    """Sends so many frames, and tells what that has come to.

    Args:
        frames: How many.
        seed: Of what is sent.
        folder: A private one, for keys.
    """
    report = Report()
    bomb = folder / "exploded"
    make = Generator(seed, Bomb(bomb).packed())
    with _environment(folder), _watched(report), OverTcp(2) as scheduler:
        assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
        (dispatcher,) = open_dispatchers()
        assert _LIARS_KIND == dispatcher._queue_jobs.kind_of(_LIARS)
        _start_liars_jobs(scheduler)
        port = peers.port_in(folder / "run")
        recording = peers.recorded(port, _talk)
        links: dict[bytes, Link] = {}
        warm = 0
        while report.frames < frames:
            if not warm and report.frames >= frames // 5:
                warm = psutil.Process().memory_info().rss
            if make.random.randrange(_STRANGERS):
                report.frames += _liars(port, make, links)
            else:
                report.frames += _strangers(port, make, recording)
            values = make.random.randrange(1000)
            got = gridengine.map(targets.square, range(values), scheduler=scheduler)
            assert [x * x for x in range(values)] == got
            report.maps += 1
        report.growth = psutil.Process().memory_info().rss - warm
        report.alive = not dispatcher.closed
    report.exploded = bomb.exists()
    return report


def _start_liars_jobs(scheduler: Scheduler) -> None:
    """Has liars be given work, so that they have something to lie about."""
    for number in range(_LIARS_JOBS):
        Job(
            target=targets.square,
            args=(number,),
            scheduler=scheduler,
            resources=_LIARS,
            retries=1_000_000,
            daemon=True,
        ).start()


def _talk(port: Port) -> None:
    with peers.worker(port, b"honest") as honest:
        peers.fence(honest)


def _liars(port: Port, make: Generator, links: dict[bytes, Link]) -> int:
    """A supervisor and a worker of its, by their names, and one that keeps to no link.

    Returns:
        How many frames they sent.
    """
    name = b"liar%d" % make.random.randrange(20)
    names = name, name + b".0", name + b"?"
    sent = 0
    with contextlib.ExitStack() as stack:
        links_of = [links.setdefault(each, Link()) for each in names]
        boss, liar, noise = (
            stack.enter_context(peers.worker(port, each, link))
            for each, link in zip(names, links_of, strict=True)
        )
        while sent < _BURST:
            message = make.message()
            if make.random.randrange(5):
                make.random.choice((boss, liar)).send_multipart(message)
            else:
                message[0] = make.header() + message[0]
                noise.socket.send_multipart(message)
            sent += len(message)
        for peer in (boss, liar, noise):
            peers.fence(peer)
    return sent


def _strangers(port: Port, make: Generator, recording: bytes) -> int:
    for _ in range(_BURST // _CHUNKS):
        data = make.mutated(recording) if make.random.randrange(2) else make.noise()
        size = max(1, len(data) // _CHUNKS)
        peers.hangs_up(port, *(data[at : at + size] for at in range(0, len(data), size)))
    return _BURST


@contextlib.contextmanager
def _environment(folder: Path) -> Iterator[None]:
    settings = {
        "RUN_DIR": str(folder / "run"),
        "HOST": "127.0.0.1",
        "HEARTBEAT": "1",
        "PATIENCE": "5",
    }
    given = {f"GRIDENGINE_{name}": value for name, value in settings.items()}
    with mock.patch.dict(os.environ, given):
        yield


@contextlib.contextmanager
def _watched(report: Report) -> Iterator[None]:
    """Notes what the dispatcher's thread unpickles."""
    loads = pickle.loads

    def spy(*args: Any, **options: Any) -> Any:
        if threading.current_thread().name == "gridengine":
            report.unpickled = True
        return loads(*args, **options)

    with mock.patch.object(pickle, "loads", spy):
        yield


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--growth", type=float, default=64.0, help="MB that are no leak")
    arguments = parser.parse_args()
    print(f"{arguments.frames} frames, --seed {arguments.seed}", flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = run(arguments.frames, arguments.seed, Path(folder))
    print(f"{report} in {time.monotonic() - begin:.1f} s, {report.growth / 1e6:.1f} MB more")
    return 0 if report.harmless and report.growth < arguments.growth * 1e6 else 1


if __name__ == "__main__":
    sys.exit(main())
