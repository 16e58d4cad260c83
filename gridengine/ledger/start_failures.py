"""Queue jobs that ended before their supervisor was heard: how many, where, and what is said.

A request for more of them after such a failure is a new *wave*. All that fail of one wave are one
failure: a hundred tasks of an array meet with the same trouble. Pure.
"""

from __future__ import annotations

import collections
import math

from .orders import Order, Warn
from .records import QueueJobRecord

#: Seconds for which no more queue jobs go to a host from which this program was not reached.
_AVOID_SECONDS = 600.0

#: Seconds in which the same trouble is told once; then, how many more have met with it.
_SAY_SECONDS = 60.0

_NAMES = 3  # queue jobs that are named, when there are more of them


class StartFailures:
    """Counts and tells them.

    Args:
        resubmissions: Waves that may fail, one after the other.
        orders: What is to be said is added to it.
    """

    def __init__(self, resubmissions: int, orders: list[Order]) -> None:
        self._resubmissions = resubmissions
        self._orders = orders
        self._waves: collections.Counter[int] = collections.Counter()
        self._failures: collections.Counter[int] = collections.Counter()
        self._avoided: dict[str, float] = {}
        self._unreached = ""
        # By what is said once: what is to be said, of which queue jobs, and when it was last.
        self._troubles: dict[tuple[str, ...], _Trouble] = {}

    def wave(self, kind: int) -> int:
        """Returns the number of the wave to which what is asked for now belongs."""
        return self._waves[kind]

    def avoided(self, now: float) -> tuple[str, ...]:
        """Returns the hosts that get no queue jobs now."""
        self._avoided = {h: since for h, since in self._avoided.items() if now < since}
        return tuple(self._avoided)

    def started(self, kind: int, host: str) -> None:
        """Event: a supervisor on a host was heard."""
        self._failures.pop(kind, None)
        self._avoided.pop(host, None)

    def failed(self, record: QueueJobRecord, reason: str, host: str, now: float) -> str | None:
        """Event: a queue job has ended before its supervisor was heard.

        Args:
            record: It.
            reason: Why.
            host: The host from which it has not reached this program; empty if it was not that.
            now: On the monotonic clock.

        Returns:
            Why no more are to be asked for, if that is so.
        """
        if host:
            self._avoided[host] = now + _AVOID_SECONDS
            self._unreached = reason
        # Process ids and names of queue jobs make no other trouble of it.
        key = (_array(record.name), host, "".join(c for c in reason if not c.isdigit()))
        self._troubles.setdefault(key, _Trouble(reason)).names.append(record.name)
        kind = record.kind
        if record.wave < self._waves[kind]:
            return None
        self._waves[kind] += 1
        self._failures[kind] += 1
        if self._failures[kind] <= self._resubmissions:
            return None
        del self._failures[kind]
        self.say(now)
        return f"queue job {record.name} did not start: {reason}"

    def refused(self, reason: str, avoid: tuple[str, ...]) -> str:
        """Returns what to say of a request that was refused.

        Args:
            reason: What the batch system says.
            avoid: The hosts that were not to be used.
        """
        if not avoid:
            return reason
        return f"{self._unreached}; without {', '.join(avoid)}: {reason}"

    def say(self, now: float) -> None:
        """Orders what is to be said by now."""
        for key, trouble in list(self._troubles.items()):
            if now < trouble.said + _SAY_SECONDS:
                continue
            if not trouble.names:
                del self._troubles[key]
                continue
            self._orders.append(Warn(f"{named(trouble.names)} did not start: {trouble.reason}"))
            trouble.names.clear()
            trouble.said = now


class _Trouble:
    """What some queue jobs have met with."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.names: list[str] = []
        self.said = -math.inf


def named(names: list[str] | tuple[str, ...]) -> str:
    """Returns ``queue job 5.1``, or ``8 queue jobs (5.1, 5.2, 5.3, ...)``."""
    if len(names) == 1:
        return f"queue job {names[0]}"
    more = ", ..." if len(names) > _NAMES else ""
    return f"{len(names)} queue jobs ({', '.join(names[:_NAMES])}{more})"


def counted(number: int, what: str) -> str:
    """Returns ``1 call``, or ``2 calls``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _array(queue_job: str) -> str:
    return queue_job.partition(".")[0]
