"""``/metrics``: the figures of all programs, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from tornado.web import RequestHandler

from .watching import Watched, Watcher

_PROGRAM = ("program", "pid", "host")
_COUNTERS = {
    "calls_done": "Calls that have an answer",
    "calls_failed": "Calls that have failed for good",
    "calls_retried": "Calls that were tried again, each time counted",
}
_GAUGES = {
    "up": "1 as long as the program runs",
    "calls_running": "Calls that workers have",
    "calls_waiting": "Calls that wait for a worker",
    "workers": "Workers",
    "workers_busy": "Workers that have something to do",
    "queue_jobs_running": "Queue jobs that run",
    "queue_jobs_waiting": "Queue jobs that wait in the batch system",
}


class ProgramsCollector(Collector):
    """Says how programs stand whenever it is asked."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def collect(self) -> Iterator[Metric]:
        """Yields the figures."""
        counters = {
            name: CounterMetricFamily(f"gridengine_{name}", text, labels=_PROGRAM)
            for name, text in _COUNTERS.items()
        }
        gauges = {
            name: GaugeMetricFamily(f"gridengine_{name}", text, labels=_PROGRAM)
            for name, text in _GAUGES.items()
        }
        memory = GaugeMetricFamily(
            "gridengine_worker_memory_bytes",
            "Resident memory of a worker and of what it has started",
            labels=("program_pid", "host", "pid"),
        )
        with self._watcher.lock:
            for watched in self._watcher.programs.values():
                labels = _labels(watched)
                for name, value in _figures(watched).items():
                    family = counters.get(name) or gauges[name]
                    family.add_metric(labels, value)
                for worker in watched.view.workers.values() if not watched.ended else ():
                    if worker.sample is not None:
                        labels = [str(watched.facts.pid), worker.host, str(worker.pid)]
                        memory.add_metric(labels, worker.sample.rss)
        yield from counters.values()
        yield from gauges.values()
        yield memory


class MetricsHandler(RequestHandler):
    """Answers ``/metrics``."""

    def initialize(self, registry: CollectorRegistry) -> None:
        """Takes what it reads of."""
        self._registry = registry

    def get(self) -> None:
        """Writes the figures as text."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest(self._registry))


def _labels(watched: Watched) -> list[str]:
    facts = watched.facts
    # Two schedulers of one program are two programs here, of one process id.
    return [f"{facts.program} #{watched.number}", str(facts.pid), facts.host]


def _figures(watched: Watched) -> dict[str, float]:
    view, runs = watched.view, not watched.ended
    started = sum(bool(job.host) for job in view.queue_jobs.values())
    return {
        "calls_done": view.done,
        "calls_failed": view.failed,
        "calls_retried": view.retried,
        "up": runs,
        "calls_running": view.given * runs,
        "calls_waiting": view.waiting * runs,
        "workers": len(view.workers) * runs,
        "workers_busy": view.running * runs,
        "queue_jobs_running": started * runs,
        "queue_jobs_waiting": (len(view.queue_jobs) - started) * runs,
    }
