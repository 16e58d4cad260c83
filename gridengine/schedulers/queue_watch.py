"""What is known of the queue jobs of a session, and when to look at them again. No I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

from .command_scheduler import Phase, Status
from .events import Ended, Event, Standing, Stuck, Waiting

_GROWTH = 1.5  # how much longer each pause is than the one before
_MISSED = 2  # answers without a queue job after which it is over
_DELETE_AGAIN = 5.0  # seconds until a queue job that is still there is deleted again
_SAY_AFTER = 10.0  # seconds that a queue job waits before the log has the reason


@dataclasses.dataclass
class _InQueue:
    """A queue job that is not over.

    Attributes:
        since: When it was submitted, on the monotonic clock.
        phase: Where it stood when it was seen last, None if it never was.
        missed: How many answers have not named it, one after the other.
        told: The reason that was told last, and whether the log has it.
        delete_at: When it is to be deleted, None if it is not.
    """

    since: float
    phase: Phase | None = None
    missed: int = 0
    told: tuple[str, bool] = ("", False)
    delete_at: float | None = None


class QueueWatch:
    """Turns what a batch system says of queue jobs into events.

    Args:
        polls: Seconds between two looks, at least and at most.
        listed_after: Seconds in which the batch system lists what it has taken.
        say: Is told the events.
    """

    def __init__(
        self, polls: tuple[float, float], listed_after: float, say: Callable[[Event], None]
    ) -> None:
        self._least, self._most = polls
        self._listed_after = listed_after
        self._say = say
        self._jobs: dict[str, _InQueue] = {}
        self._asked: set[str] = set()
        self._interval = self._least
        self._next = 0.0

    def names(self) -> list[str]:
        """Returns the queue jobs that are not over, oldest first."""
        return list(self._jobs)

    def add(self, names: Iterable[str], now: float) -> None:
        """Event: these were submitted."""
        for name in names:
            self._jobs[name] = _InQueue(now)
        self._soon(now)

    def doom(self, names: Iterable[str]) -> None:
        """Event: these are to be deleted; those that are over are passed over."""
        for name in names:
            if name in self._jobs and self._jobs[name].delete_at is None:
                self._jobs[name].delete_at = 0.0
        self._next, self._interval = 0.0, self._least

    def ask(self, names: Iterable[str]) -> None:
        """Event: somebody wants to know how these stand."""
        self._asked |= {*names}
        self._next, self._interval = 0.0, self._least

    def doubt(self, now: float) -> None:
        """Event: some may be over; that many are one after the other makes no more looks."""
        self._interval = self._least
        self._next = min(self._next, now + self._interval)

    def pause(self, now: float) -> float | None:
        """Returns the seconds until there is something to be done, None if there is nothing."""
        return max(0.0, self._next - now) if self._jobs else None

    def to_delete(self, now: float) -> list[str]:
        """Returns what is to be deleted now, be it again."""
        due = [
            name
            for name, job in self._jobs.items()
            if job.delete_at is not None and job.delete_at <= now
        ]
        for name in due:
            self._jobs[name].delete_at = now + _DELETE_AGAIN
        return due

    def not_seen(self, now: float) -> None:
        """Event: the batch system did not answer."""
        self._later(now)

    def seen(self, found: Mapping[str, Status], now: float) -> list[str]:
        """Event: that is how they stand; returns those that are over, and of which it says nothing.

        Args:
            found: What was answered, by name.
            now: On the monotonic clock.
        """
        changed, gone = False, []
        suspended: dict[str, str] = {}
        standing = [name for name in self._jobs if name in self._asked]
        waiting: dict[tuple[str, bool], list[str]] = {}
        for name, job in list(self._jobs.items()):
            status = found.get(name)
            if status is None:
                if self._has_gone(job, now):
                    gone.append(name)
                # The next answer decides, so it is not waited for long.
                changed |= job.missed > 0 or job.phase is None
                continue
            job.missed = 0
            was, job.phase = job.phase, status.phase
            changed |= was is not status.phase
            if status.phase is Phase.OVER:
                del self._jobs[name]
                self._say(Ended(name, status.end))
            elif status.phase is Phase.SUSPENDED:
                suspended[name] = status.reason or "it was suspended"
            elif status.phase is Phase.STUCK and was is not Phase.STUCK:
                self._say(Stuck(name, status.reason or "it is held"))
            elif status.phase is Phase.WAITING and status.reason:
                told = status.reason, now - job.since >= _SAY_AFTER
                if told != job.told:
                    job.told = told
                    waiting.setdefault(told, []).append(name)
            if Phase.SUSPENDED in (was, status.phase) and was is not status.phase:
                standing.append(name)
        for (reason, aloud), names in waiting.items():
            self._say(Waiting(names[0], reason, tuple(names[1:]), aloud))
        self._tell_standing(standing, suspended)
        for name in gone:
            del self._jobs[name]
        if changed or gone:
            self._soon(now)
        else:
            self._later(now)
        return gone

    def _tell_standing(self, names: Sequence[str], suspended: Mapping[str, str]) -> None:
        self._asked.clear()
        there = tuple(dict.fromkeys(name for name in names if name in self._jobs))
        if there:
            told = {name: suspended[name] for name in there if name in suspended}
            self._say(Standing(there, told))

    def _has_gone(self, job: _InQueue, now: float) -> bool:
        """Tells whether a queue job that was not named is over."""
        if job.phase is None and now - job.since < self._listed_after:
            return False
        job.missed += 1
        return job.missed >= _MISSED

    def _soon(self, now: float) -> None:
        self._interval = self._least
        self._next = now + self._interval

    def _later(self, now: float) -> None:
        self._next = now + self._interval
        self._interval = min(self._most, self._interval * _GROWTH)
