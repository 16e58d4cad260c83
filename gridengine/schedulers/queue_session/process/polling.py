"""When to look at the queue, and what to make of what was seen. No I/O: it is told all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

_FIRST = 2.0  # seconds from a submission to the first look
_SHORTEST = 1.0  # seconds between two looks, whatever happens
_LONGEST = 30.0  # seconds between looks while some queue jobs wait
_RUNNING = 120.0  # seconds between looks while all of them run
_MISSED = 2  # looks in a row that do not find a queue job, until it counts as gone


#: The letters of qstat(1) for one that runs no more for a while, and who has stopped it.
_SUSPENDED = {
    "s": "by qmod -sj (state s)",
    "S": "with its queue (state S)",
    "T": "by its queue's suspend threshold (state T)",
}


def suspension(state: str) -> str:
    """Returns by what a queue job with these letters is suspended, nothing if it is not."""
    return next((_SUSPENDED[letter] for letter in state if letter in _SUSPENDED), "")


@dataclasses.dataclass
class QueueJob:
    """A queue job that is not known to have ended.

    Attributes:
        since: When it was submitted.
        deleted: Whether this session has asked for its end.
        running: Whether it was seen to run.
        stuck: Whether it was seen in error.
        forgotten: Whether DRMAA will say nothing of it any more, though it is in the queue.
        missed: Looks in a row in which it was not seen.
        suspended: By what it was seen suspended, empty if it was not.
        asked: Whether somebody waits to be told how it stands.
        request: What it asks for.
        state: The letters that it was seen with last, empty before that.
    """

    since: float
    deleted: bool = False
    running: bool = False
    stuck: bool = False
    forgotten: bool = False
    missed: int = 0
    suspended: str = ""
    asked: bool = False
    request: str = ""
    state: str = ""


@dataclasses.dataclass
class PollResult:
    """What a look has brought to light."""

    stuck: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    standing: frozenset[str] = frozenset()
    """Those that were asked about, or that were suspended or resumed."""


class PollingPlan:
    """Decides from the states of the queue jobs."""

    def __init__(self, jobs: dict[str, QueueJob]) -> None:
        self._jobs = jobs
        self._pause = _FIRST
        self._next: float | None = None
        self._last = 0.0

    def submitted(self, now: float) -> None:
        """Has the new queue jobs looked at soon, but never more often than that."""
        self._pause = _FIRST
        self._next = max(self._next or 0.0, now + _FIRST) if self._busy(now) else now + _FIRST

    def hurry(self, now: float) -> None:
        """Has a look taken soon, after something may have been missed."""
        self._pause, self._next = _FIRST, now + _FIRST

    def at_once(self, now: float) -> None:
        """Has a look taken now."""
        if self._next is not None:
            self._next = max(now, self._last + _SHORTEST)

    def ask_about(self, queue_jobs: Iterable[str], now: float) -> frozenset[str]:
        """Has a look taken now at some that are silent; returns those that are over."""
        over = set()
        for name in queue_jobs:
            if name in self._jobs:
                self._jobs[name].asked = True
            else:
                over.add(name)
        self.at_once(now)
        return frozenset(over)

    def due(self, now: float) -> frozenset[str] | None:
        """Returns whom to look at, None if it is not time."""
        if not self._jobs or self._next is None or now < self._next:
            return None
        self._last = now
        self._next = None  # until the answer is there
        return frozenset(self._jobs)

    def seen(
        self,
        states: dict[str, str] | None,
        asked: frozenset[str],
        now: float,
        *,
        blind: bool = False,
    ) -> PollResult:
        """Takes in what ``qstat`` said of those asked for.

        Args:
            states: The letters of those that it knows, None if it did not answer.
            asked: Those asked for.
            now: On the monotonic clock.
            blind: Whether it will never answer.
        """
        if states is None:
            self._schedule(now)
            return PollResult(standing=self._take_asked(asked) if blind else frozenset())
        stuck, gone = set(), set()
        changed = set()
        for name in asked & self._jobs.keys():
            job, state = self._jobs[name], states.get(name)
            job.missed = 0 if state is not None else job.missed + 1
            if state is not None:
                job.state = state
                # One that has run may wait again: its queue is in error since.
                job.running = bool(set(state) & set("rtsST"))
                suspended = suspension(state)
                if suspended != job.suspended:
                    job.suspended = suspended
                    changed.add(name)
            if state and "E" in state and not job.stuck:
                job.stuck = True
                stuck.add(name)
            if job.missed >= _MISSED:
                gone.add(name)
        self._schedule(now)
        standing = self._take_asked(asked) | changed
        return PollResult(frozenset(stuck), frozenset(gone), standing)

    def _take_asked(self, seen: frozenset[str]) -> frozenset[str]:
        wanted = {name for name in seen & self._jobs.keys() if self._jobs[name].asked}
        for name in wanted:
            self._jobs[name].asked = False
        return frozenset(wanted)

    def _schedule(self, now: float) -> None:
        self._pause = min(2 * self._pause, _LONGEST)
        unsettled = any(job.missed or job.suspended for job in self._jobs.values())
        wait = all(job.running or job.stuck for job in self._jobs.values()) and not unsettled
        # Not before several looks: one that was seen to run may have been put back since.
        self._next = now + (_RUNNING if wait and self._pause >= _LONGEST else self._pause)

    def _busy(self, now: float) -> bool:
        return self._next is not None and self._next - now < _FIRST
