"""What all workers together have used, over time: a bounded number of points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...ledger.events import Sample

#: Points that are kept: more than a plot can show.
_POINTS = 600

#: Seconds between two points, at first.
_WIDTH = 0.5


class UsagePoint(NamedTuple):
    """What was in use at one moment, or since the point before.

    Attributes:
        when: In seconds since 1970.
        workers: How many workers were sampled.
        memory: Resident memory of all of them, in bytes, at most.
        largest: That of the largest one, at most.
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

    def __init__(self, when: float, cpu: float) -> None:
        self.when = when
        self.cpu = cpu
        self.rss = 0
        self.cores = 0.0


class UsageSeries:
    """Adds up samples of workers, which come for one supervisor after the other.

    Attributes:
        points: What they add up to. When there are too many, two neighbours become one that has
            the larger numbers of both.
    """

    def __init__(self) -> None:
        self.points: list[UsagePoint] = []
        self._width = _WIDTH
        self._workers: dict[bytes, _Used] = {}
        # Of all of them; and at most since the last point.
        self._memory = self._most = self._largest = 0

    def expect(self, address: bytes) -> None:
        """Has a worker begin anew, whose address another may have had."""
        self.forget(address)

    def forget(self, address: bytes) -> None:
        """Lets go of a worker that is no more."""
        used = self._workers.pop(address, None)
        if used is not None:
            self._memory -= used.rss

    def add(self, when: float, samples: Iterable[Sample]) -> None:
        """Adds samples of some workers, which were taken together."""
        for sample in samples:
            used = self._workers.get(sample.address)
            if used is None:
                used = self._workers[sample.address] = _Used(when, sample.cpu)
            elif when > used.when:
                used.cores = max(0.0, sample.cpu - used.cpu) / (when - used.when)
                used.when, used.cpu = when, sample.cpu
            self._memory += sample.rss - used.rss
            used.rss = sample.rss
            self._largest = max(self._largest, sample.rss)
        self._most = max(self._most, self._memory)
        if not self.points or when - self.points[-1].when >= self._width:
            self._add_point(when)

    def _add_point(self, when: float) -> None:
        cores = sum(used.cores for used in self._workers.values())
        point = UsagePoint(when, len(self._workers), self._most, self._largest, cores)
        self.points.append(point)
        self._most = self._largest = 0
        if len(self.points) >= _POINTS:
            pairs = zip(self.points[::2], self.points[1::2], strict=True)
            self.points = [_larger(*pair) for pair in pairs]
            self._width *= 2


def _larger(one: UsagePoint, other: UsagePoint) -> UsagePoint:
    return UsagePoint(
        other.when,
        max(one.workers, other.workers),
        max(one.memory, other.memory),
        max(one.largest, other.largest),
        max(one.cores, other.cores),
    )
