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

#: Seconds in which those gather that meet with the same trouble at about the same time: a batch
#: system may tell of the end of one array in parts, and its queue is looked at once a second.
_GATHER_SECONDS = 1.5

_NAMES = 3  # queue jobs that are named, when there are more of them


class StartFailures:
    """Counts and tells them.

    Args:
        resubmissions: Waves that may fail, one after the other.
        orders: What is to be said is added to it.

    Attributes:
        latest: Why the latest queue job of each kind has failed, if none has started since.
    """

    def __init__(self, resubmissions: int, orders: list[Order]) -> None:
        self._resubmissions = resubmissions
        self._orders = orders
        self._waves: collections.Counter[int] = collections.Counter()
        self._failures: collections.Counter[int] = collections.Counter()
        self._avoided: dict[str, float] = {}
        self._unreached = ""
        self.latest: dict[int, str] = {}
        # By what is told together.
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
        self.latest.pop(kind, None)
        self._avoided.pop(host, None)

    def failed(self, record: QueueJobRecord, reason: str, host: str, now: float) -> None:
        """Event: a queue job has ended before its supervisor was heard.

        Args:
            record: It.
            reason: Why.
            host: The host from which it has not reached this program; empty if it was not that.
            now: On the monotonic clock.
        """
        if host:
            self._avoided[host] = now + _AVOID_SECONDS
            self._unreached = reason
        self.latest[record.kind] = reason
        # Process ids and names of queue jobs make no other trouble of it.
        alike = "".join(each for each in reason if not each.isdigit())
        key = (_array(record.name), host, alike)
        self._troubles.setdefault(key, _Trouble(reason)).met_by(record, now)

    def settle(self, now: float) -> list[tuple[int, str]]:
        """Tells what is to be told by now, and counts it.

        Returns:
            The kinds of which no more are to be asked for, and why.
        """
        hopeless: list[tuple[int, str]] = []
        for key, trouble in list(self._troubles.items()):
            if now < trouble.since + _GATHER_SECONDS:
                continue
            self._tell(trouble, now)
            hopeless += self._counted(trouble)
            if not trouble.names and now >= trouble.said + _SAY_SECONDS:
                del self._troubles[key]
        return hopeless

    def _tell(self, trouble: _Trouble, now: float) -> None:
        if trouble.names and now >= trouble.said + _SAY_SECONDS:
            self._orders.append(Warn(f"{named(trouble.names)} did not start: {trouble.reason}"))
            trouble.names.clear()
            trouble.said = now

    def _counted(self, trouble: _Trouble) -> list[tuple[int, str]]:
        records, trouble.uncounted = trouble.uncounted, []
        hopeless = []
        for record in records:
            kind = record.kind
            if record.wave < self._waves[kind]:
                continue
            self._waves[kind] += 1
            self._failures[kind] += 1
            if self._failures[kind] > self._resubmissions:
                del self._failures[kind]
                told = f"queue job {record.name} did not start: {trouble.reason}"
                hopeless.append((kind, told))
        return hopeless

    def refused(self, reason: str, avoid: tuple[str, ...], now: float) -> str:
        """Returns what to say of a request that was refused.

        Args:
            reason: What the batch system says.
            avoid: The hosts that were not to be used.
            now: On the monotonic clock.
        """
        for trouble in self._troubles.values():
            self._tell(trouble, now)
        if not avoid:
            return reason
        return f"{self._unreached}; without {', '.join(avoid)}: {reason}"


class _Trouble:
    """What some queue jobs have met with.

    Attributes:
        reason: What it is.
        since: When the first of those met with it that are not counted yet.
        said: When it was told last.
        names: The queue jobs of which it is still to be told.
        uncounted: Those that are still to be counted.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.since = self.said = -math.inf
        self.names: list[str] = []
        self.uncounted: list[QueueJobRecord] = []

    def met_by(self, record: QueueJobRecord, now: float) -> None:
        """Notes one of them."""
        if not self.uncounted:
            self.since = now
        self.uncounted.append(record)
        self.names.append(record.name)


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
