"""When to ask why queue jobs wait, and whom to tell. No I/O: it is told all.

Those that ask for the same wait for the same: one of them is asked about.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from .batch_system import WaitQuestion
from .polling import QueueJob

_ASK_AFTER = 5.0  # seconds that queue jobs wait before it is asked why
_AGAIN = 8.0  # seconds until it is asked again; twice as many each time
_LONGEST = 300.0  # seconds until it is asked again, at most
_MOST = 4  # questions at one time
_SAY_AFTER = 10.0  # seconds that all queue jobs wait before the log has the reason
_SAY_AGAIN = 300.0  # seconds until the log has the same reason again

_STARTED = "it has started, and its first word has not come yet"

Group = tuple[str, bool]
"""What queue jobs ask for, and whether they are on hold."""


@dataclasses.dataclass
class _Waiting:
    """What is known of a group.

    Attributes:
        next: When it is to be asked.
        pause: Seconds from then on until it is to be asked again.
        reason: The answer, empty if there is none.
        told: The queue jobs of which it was told.
    """

    next: float = 0.0
    pause: float = _AGAIN
    reason: str = ""
    told: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(frozen=True)
class WaitingFor:
    """What is to be told: queue jobs wait for ``reason``; ``aloud`` if the log shall have it."""

    queue_jobs: tuple[str, ...]
    reason: str
    aloud: bool = False


class WaitingPlan:
    """Decides by how the queue jobs were seen last.

    Args:
        jobs: All that are not known to have ended.
    """

    def __init__(self, jobs: Mapping[str, QueueJob]) -> None:
        self._jobs = jobs
        self._groups: dict[Group, _Waiting] = {}
        self._running: set[str] = set()
        self._said: tuple[str, float] | None = None

    def look(self, now: float) -> tuple[list[WaitQuestion], list[WaitingFor]]:
        """Event: the queue was looked at; returns what is to be asked, and what to be told."""
        waiting = self._waiting()
        self._groups = {group: self._groups.get(group, _Waiting()) for group in waiting}
        questions: list[WaitQuestion] = []
        told = self._started()
        for group, names in waiting.items():
            known = self._groups[group]
            known.told.intersection_update(names)
            if now - self._jobs[names[0]].since < _ASK_AFTER:
                continue
            if now >= known.next and len(questions) < _MOST:
                known.next, known.pause = now + known.pause, min(2 * known.pause, _LONGEST)
                questions.append(WaitQuestion(*group, names[0]))
            elif known.reason and (new := [name for name in names if name not in known.told]):
                known.told.update(new)
                told.append(WaitingFor(tuple(new), known.reason))
        return questions, told

    def answered(self, question: WaitQuestion, reason: str, now: float) -> WaitingFor | None:
        """Event: this is the answer to a question, empty if there is none."""
        group = question.request, question.held
        names = self._waiting().get(group, [])
        known = self._groups.get(group)
        if not reason or not names or known is None:
            return None
        aloud = self._is_news(reason, self._jobs[names[0]].since, now)
        if reason != known.reason:
            known.reason = reason
            known.told = set()
        if aloud:
            # Those who read of it want to know of all.
            known.told = set()
        new = [name for name in names if name not in known.told]
        known.told.update(new)
        return WaitingFor(tuple(new), reason, aloud) if new else None

    def _waiting(self) -> dict[Group, list[str]]:
        found: dict[Group, list[str]] = {}
        for name, job in self._jobs.items():
            if job.state.waiting and not (job.stuck or job.deleted):
                found.setdefault((job.request, job.state.held), []).append(name)
        return found

    def _started(self) -> list[WaitingFor]:
        """Returns that some have started since the last look: others than the queue know more."""
        running = {name for name, job in self._jobs.items() if job.running}
        new, self._running = running - self._running, running
        return [WaitingFor(tuple(sorted(new)), _STARTED)] if new else []

    def _is_news(self, reason: str, since: float, now: float) -> bool:
        """Tells whether somebody waits for long for whom nothing runs, and has not read this."""
        if now - since < _SAY_AFTER or any(job.running for job in self._jobs.values()):
            return False
        if self._said and self._said[0] == reason and now < self._said[1]:
            return False
        self._said = reason, now + _SAY_AGAIN
        return True
