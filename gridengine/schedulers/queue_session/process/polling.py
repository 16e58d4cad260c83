"""When to look at the queue, and what to make of what was seen. No I/O: it is told all."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from .batch_system import ENDS_ARE_TOLD, Pauses, QueueState

_SHORTEST = 1.0  # seconds between two looks, whatever happens
_PART = 5  # times as long as a look took passes until the next one: a busy master is left alone

_UNSEEN = QueueState()


@dataclasses.dataclass
class QueueJob:
    """A queue job that is not known to have ended.

    Attributes:
        since: When it was submitted.
        deleted: Whether this session has asked for its end.
        stuck: Whether it was seen in error.
        forgotten: Whether DRMAA will say nothing of it any more, though it is in the queue.
        doubted: Whether it was not seen, and it is asked if anything is written down about its end.
        missed: Looks in a row in which it was not seen.
        asked: Whether somebody waits to be told how it stands.
        request: What it asks for.
        state: How it was seen last.
    """

    since: float
    deleted: bool = False
    stuck: bool = False
    forgotten: bool = False
    doubted: bool = False
    missed: int = 0
    asked: bool = False
    request: str = ""
    state: QueueState = _UNSEEN

    @property
    def running(self) -> bool:
        """Whether it was seen to run."""
        return self.state.running

    @property
    def suspended(self) -> str:
        """By what it was seen suspended, empty if it was not."""
        return self.state.suspended


@dataclasses.dataclass
class PollResult:
    """What a look has brought to light."""

    stuck: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    standing: frozenset[str] = frozenset()
    """Those that were asked about, or that were suspended or resumed."""


class PollingPlan:
    """Decides from the states of the queue jobs."""

    def __init__(self, jobs: dict[str, QueueJob], pauses: Pauses) -> None:
        self._jobs = jobs
        self._pauses = pauses
        self._pause = pauses.first
        self._next: float | None = None
        self._last = 0.0
        self._took = 0.0

    def submitted(self, now: float) -> None:
        """Has the new queue jobs looked at soon, but never more often than that."""
        first = self._pause = self._pauses.first
        self._next = max(self._next or 0.0, now + first) if self._busy(now) else now + first

    def hurry(self, now: float) -> None:
        """Has a look taken soon, after something may have been missed."""
        self._pause = self._pauses.first
        self._next = now + self._pause

    def deleted(self, now: float) -> None:
        """Event: some were deleted, whose end is to be seen soon where nothing else tells it."""
        if self._pauses.misses < ENDS_ARE_TOLD.misses:
            self.ask_about((), now)

    def at_once(self, now: float) -> None:
        """Has a look taken now."""
        if self._next is not None:
            self._next = max(now, self._last + max(_SHORTEST, _PART * self._took))

    def ask_about(self, queue_jobs: Collection[str], now: float) -> frozenset[str]:
        """Has a look taken now at some that are silent; returns those that are over.

        Without names: some may be over, whose is not known; and so looks follow soon, too.
        """
        over = set()
        self._pause = self._pause if queue_jobs else self._pauses.first
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
        states: Mapping[str, QueueState] | None,
        asked: frozenset[str],
        now: float,
        *,
        blind: bool = False,
    ) -> PollResult:
        """Takes in how those asked for were seen.

        Args:
            states: Those that are in the queue, None if that was not told.
            asked: Those asked for.
            now: On the monotonic clock.
            blind: Whether it will never answer.
        """
        self._took = now - self._last
        if states is None:
            self._schedule(now)
            return PollResult(standing=self._take_asked(asked) if blind else frozenset())
        stuck, gone = set(), set()
        changed = set()
        for name in asked & self._jobs.keys():
            job, state = self._jobs[name], states.get(name)
            job.missed = 0 if state is not None else job.missed + 1
            if state is not None:
                if state.suspended != job.suspended:
                    changed.add(name)
                job.state = state
                if state.in_error and not job.stuck:
                    job.stuck = True
                    stuck.add(name)
            if job.missed >= self._pauses.misses:
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
        longest = self._pauses.longest
        self._pause = min(2 * self._pause, longest)
        unsettled = any(job.missed or job.suspended for job in self._jobs.values())
        wait = all(job.running or job.stuck for job in self._jobs.values()) and not unsettled
        # Not before several looks: one that was seen to run may have been put back since.
        rarely = wait and self._pause >= longest
        self._next = now + (self._pauses.running if rarely else self._pause)

    def _busy(self, now: float) -> bool:
        return self._next is not None and self._next - now < self._pauses.first
