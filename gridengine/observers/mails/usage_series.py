"""What all workers together have used, over time: a bounded number of points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...ledger.events import Sample

#: Points that are kept: more than a plot can show.
_POINTS = 600

#: Seconds between two points, at first.
_WIDTH = 0.5


class Point(NamedTuple):
    """What was in use at one moment.

    Attributes:
        when: In seconds since 1970.
        workers: How many workers were sampled.
        memory: Resident memory of all of them, in bytes.
        largest: That of the largest one.
        cores: How many cores they kept busy.
    """

    when: float
    workers: int
    memory: int
    largest: int
    cores: float


class _Used:
    """What is known of a worker: its last sample, and the cores that it kept busy before it."""

    __slots__ = ("cores", "cpu", "rss", "when")

    def __init__(self, when: float, cpu: float, rss: int) -> None:
        self.when = when
        self.cpu = cpu
        self.rss = rss
        self.cores = 0.0


class UsageSeries:
    """Adds up samples of workers, which come for one supervisor after the other.

    Attributes:
        points: What they add up to. When there are too many, two neighbours become one that has
            the larger numbers of both.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._width = _WIDTH
        self._workers: dict[bytes, _Used] = {}

    def expect(self, address: bytes) -> None:
        """Has a worker begin anew, whose address another may have had."""
        self._workers.pop(address, None)

    def forget(self, address: bytes) -> None:
        """Lets go of a worker that is no more."""
        self._workers.pop(address, None)

    def add(self, when: float, samples: Iterable[Sample]) -> None:
        """Adds samples of some workers, which were taken together."""
        for sample in samples:
            used = self._workers.get(sample.address)
            if used is None:
                self._workers[sample.address] = _Used(when, sample.cpu, sample.rss)
            elif when > used.when:
                used.cores = max(0.0, sample.cpu - used.cpu) / (when - used.when)
                used.when, used.cpu, used.rss = when, sample.cpu, sample.rss
        if not self.points or when - self.points[-1].when >= self._width:
            self._add_point(when)

    def _add_point(self, when: float) -> None:
        every = self._workers.values()
        memory = [used.rss for used in every]
        cores = sum(used.cores for used in every)
        self.points.append(Point(when, len(memory), sum(memory), max(memory, default=0), cores))
        if len(self.points) >= _POINTS:
            pairs = zip(self.points[::2], self.points[1::2], strict=True)
            self.points = [_larger(*pair) for pair in pairs]
            self._width *= 2


def _larger(one: Point, other: Point) -> Point:
    return Point(
        other.when,
        max(one.workers, other.workers),
        max(one.memory, other.memory),
        max(one.largest, other.largest),
        max(one.cores, other.cores),
    )
