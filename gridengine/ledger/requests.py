"""What calls ask of the batch system, and what they ask for when that was too little. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..errors import format_bytes
from ..settings import REMEMBERED_DURATIONS
from ..states import DeathCause
from .memory_use import MemoryUse, rounded_up

#: How often a request for memory is doubled, where nobody has said how much there may be.
_DOUBLINGS = 4

#: Bytes that are asked for after a death for want of memory of which nothing is known.
_FIRST = 1024**3


class LearnedMemory(NamedTuple):
    """A request for memory that follows what calls have used.

    Attributes:
        resource: What the batch system calls it.
        slots: Slots of a queue job, for each of which it is counted.
        base: Bytes that are asked for before anything is known, 0 for no limit.
        most: Bytes that are asked for at most, 0 if that is not known.
    """

    resource: str
    slots: int = 1
    base: int = 0
    most: int = 0

    @property
    def is_virtual(self) -> bool:
        """Whether it is address space that is counted, and not what is resident."""
        return "vmem" in self.resource


class Level(NamedTuple):
    """How far a call has come.

    Attributes:
        memory: The step, or the bytes where these are learned, 0 for the first ones.
        time: The step.
    """

    memory: int = 0
    time: int = 0


class Requests:
    """What the calls of some tasks ask for, one after the other. Each level is a kind of workers.

    Args:
        kind_of: Returns the kind of workers that have been given some resources.
        resources: What does not change.
        memory: What is asked for after the want of memory, one after the other, by resource.
        time: As much after the want of time.
        learned: The request for memory that follows what calls have used, None for none.

    Attributes:
        learned: It.
        kind: Where calls begin of which nothing is known.

    Raises:
        ValueError, TypeError: The scheduler cannot take one of them.
    """

    def __init__(
        self,
        kind_of: Callable[[Mapping[str, object]], int],
        resources: Mapping[str, object],
        memory: Mapping[str, tuple[object, ...]],
        time: Mapping[str, tuple[object, ...]],
        learned: LearnedMemory | None = None,
    ) -> None:
        self._kind_of = kind_of
        self._resources = resources
        self._memory, self._time = memory, time
        self.learned = learned
        self._kinds: dict[Level, int] = {}
        self._levels: dict[int, Level] = {}
        self._uses: dict[bytes, MemoryUse] = {}
        # The most that was asked for after a death.
        self._reached = 0
        self.kind = self._kind_at(Level())
        # What is impossible is told now.
        for memory_step in range(_steps(memory)):
            for time_step in range(_steps(time)):
                self._kind_at(Level(memory_step, time_step))

    # ------------------------------------------------------------------ too little

    def more(self, kind: int, cause: DeathCause, tried: int, peak: int) -> int | None:
        """Returns the kind of workers for a call that had too little, None if there is no more.

        Args:
            kind: That of the worker which had too little.
            cause: Of what.
            tried: How often the call has been given more.
            peak: Bytes that it has used, 0 if unknown.
        """
        level = self._levels.get(kind, Level())
        if cause is DeathCause.OVER_TIME:
            if level.time + 1 >= _steps(self._time):
                return None
            return self._kind_at(level._replace(time=level.time + 1))
        if self.learned is not None:
            nbytes = self._twice(level, self.learned, tried, peak)
            return self._kind_at(level._replace(memory=nbytes)) if nbytes else None
        if level.memory + 1 >= _steps(self._memory):
            return None
        return self._kind_at(level._replace(memory=level.memory + 1))

    def _twice(self, level: Level, learned: LearnedMemory, tried: int, peak: int) -> int:
        had = level.memory or learned.base
        if learned.most and had >= learned.most:
            return 0
        if not learned.most and tried >= _DOUBLINGS:
            return 0
        nbytes = rounded_up(2 * (had or peak) or _FIRST)
        nbytes = min(nbytes, learned.most or nbytes)
        self._reached = max(self._reached, nbytes)
        return nbytes

    def answers(self, cause: DeathCause) -> bool:
        """Tells whether calls that had too little of this ask for more, at first at least."""
        if cause is DeathCause.OVER_TIME:
            return bool(self._time)
        return cause is DeathCause.OUT_OF_MEMORY and bool(self._memory or self.learned)

    def words(self, kinds: tuple[int, ...], cause: DeathCause) -> str:
        """Returns what a call was tried with, in words: ``h_vmem 2G, 4G and 8G``.

        Args:
            kinds: Those of its workers, one after the other.
            cause: What it had too little of.
        """
        levels = [self._levels.get(kind, Level()) for kind in kinds]
        if cause is not DeathCause.OVER_TIME and self.learned is not None:
            learned = self.learned
            amounts = [(level.memory or learned.base) // learned.slots for level in levels]
            told = [format_bytes(each) if each else "no limit" for each in amounts]
            return f"{learned.resource} {_listed(told)}"
        over_time = cause is DeathCause.OVER_TIME
        ladders = self._time if over_time else self._memory
        asked = [self.resources(level) for level in levels]
        return "; ".join(
            f"{name} {_listed([_words(each[name], over_time) for each in asked])}"
            for name in ladders
        )

    # ------------------------------------------------------------------ learning

    def kind_for(self, function: bytes) -> int:
        """Returns the kind of workers for calls of a function, by what is known of it."""
        use = self._uses.get(function) if self._uses else None
        return self.kind if use is None or not use.request else self._kind_for(use)

    def learn(self, function: bytes, peak: int) -> tuple[int, int] | None:
        """Takes in what a call has used; returns which kind takes another one's place, if any."""
        use = self._uses.get(function)
        if use is None:
            use = self._uses[function] = MemoryUse()
            if len(self._uses) > REMEMBERED_DURATIONS:
                del self._uses[next(iter(self._uses))]
        before = self._kind_for(use)
        if not use.learn(peak):
            return None
        after = self._kind_for(use)
        return None if before == after else (before, after)

    def _kind_for(self, use: MemoryUse) -> int:
        assert self.learned is not None
        nbytes = use.request
        base, most = self.learned.base, self.learned.most
        if base:
            # What was enough for all so far is enough.
            nbytes = min(nbytes, max(base, self._reached))
        if most:
            nbytes = min(nbytes, most)
        return self._kind_at(Level(0 if nbytes == base else nbytes))

    def has_as_much(self, kind: int, other: int) -> bool:
        """Tells whether workers of a kind were given at least as much as those of another one."""
        here, there = self._levels[kind], self._levels[other]
        if self.learned is None:
            return here.memory >= there.memory and here.time >= there.time
        base = self.learned.base or float("inf")
        return (here.memory or base) >= (there.memory or base) and here.time >= there.time

    # ------------------------------------------------------------------ levels

    def resources(self, level: Level) -> dict[str, object]:
        """Returns what is asked for at a level."""
        asked = dict(self._resources)
        for name, values in self._time.items():
            asked[name] = values[min(level.time, len(values) - 1)]
        for name, values in self._memory.items():
            asked[name] = values[min(level.memory, len(values) - 1)]
        if self.learned is not None and level.memory:
            asked[self.learned.resource] = -(-level.memory // self.learned.slots)
        return asked

    def _kind_at(self, level: Level) -> int:
        kind = self._kinds.get(level)
        if kind is None:
            kind = self._kinds[level] = self._kind_of(self.resources(level))
            self._levels.setdefault(kind, level)
        return kind


def _words(value: object, over_time: bool) -> str:
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:g} s" if over_time else format_bytes(int(value))


def _listed(told: Iterable[str]) -> str:
    *others, last = dict.fromkeys(told)
    return f"{', '.join(others)} and {last}" if others else last


def _steps(ladders: Mapping[str, tuple[object, ...]]) -> int:
    return max(map(len, ladders.values()), default=1)
