"""What the batch system says of queue jobs that wait: noted in their records, and told."""

from __future__ import annotations

from collections.abc import Mapping

from ..schedulers.events import Delayed, Waiting
from .observers import Observers
from .orders import Order, Warn
from .records import QueueJobRecord, QueueJobRequest
from .start_failures import StartFailures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .observers import Observer


class WaitingReasons:
    """Notes why queue jobs wait.

    Args:
        queue_jobs: All that are not over, by name.
        requests: Those that have no name yet, by the number of their batch.
        failures: Those that did not start.
        orders: What is to be done is added to it.
        observers: Who hears of events.
    """

    def __init__(
        self,
        queue_jobs: Mapping[str, QueueJobRecord],
        requests: Mapping[int, QueueJobRequest],
        failures: StartFailures,
        orders: list[Order],
        observers: Observers,
    ) -> None:
        self._queue_jobs = queue_jobs
        self._requests = requests
        self._failures = failures
        self._orders = orders
        self._observers = observers

    def waits(self, event: Waiting) -> None:
        """Event: queue jobs wait, and for what."""
        if event.aloud:
            self._orders.append(Warn(event.text))
        for name in (event.queue_job, *event.others):
            record = self._queue_jobs.get(name)
            if record is not None:
                if any(supervisor.loss is None for supervisor in record.supervisors):
                    # It has started, as its supervisor said before the batch system did.
                    continue
                record.reason = event.reason
            if self._observers.callbacks:
                self._observers.queue_job_waiting(name, event.reason)

    def delayed(self, event: Delayed) -> None:
        """Event: queue jobs that were asked for are not taken yet."""
        request = self._requests.get(event.batch)
        if request is not None:
            request.reason = event.reason
            if self._observers.callbacks:
                self._observers.queue_jobs_delayed(request.count, event.reason)

    def introduce(self, observer: Observer) -> None:
        """Tells a new observer of what is not taken."""
        from .events import QueueJobsDelayed

        for request in list(self._requests.values()):
            if request.reason:
                observer(QueueJobsDelayed(request.count, request.reason))

    # ------------------------------------------------------------------ any thread

    def requests(self, kind: int) -> list[QueueJobRequest]:
        """Returns what was asked for of a kind, and has no name yet."""
        return [each for each in list(self._requests.values()) if each.kind == kind]

    def trouble(self, kind: int) -> str:
        """Returns why the latest queue job of a kind has not started, if none has since."""
        return self._failures.latest.get(kind, "")
