"""What a notebook shows of a scheduler. Nothing is started for it, nor waited for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..html_tables import Markup, facts, rows_of, titled
from .overview import Overview, QueueJobOverview

if TYPE_CHECKING:
    from .base import Scheduler

#: Queue jobs that have a line each.
_MOST_LINES = 20


def scheduler_html(scheduler: Scheduler) -> str:
    """Returns a table of a scheduler's workers, of its queue jobs, and of what waits."""
    dispatchers = list((scheduler.dispatchers or {}).values())
    at_work = [each.overview() for each in dispatchers if not each.closed]
    if not at_work:
        return titled(repr(scheduler), "Nothing is under way: workers start with the first job.")
    return titled(repr(scheduler), *map(_facts_of, at_work), *_queue_jobs(scheduler, at_work))


def _facts_of(now: Overview) -> Markup:
    calls = []
    if now.given:
        calls.append(f"{now.given} with workers")
    if now.waiting:
        calls.append(f"{now.waiting} waiting, the next of {now.next_name}")
    return facts(
        {
            "workers": _workers(now.workers, now.busy) if now.workers else "none yet",
            "calls": ", ".join(calls) or "none under way",
        }
    )


def _queue_jobs(scheduler: Scheduler, at_work: Iterable[Overview]) -> list[str]:
    if not scheduler.remote:
        # A process of this host: there is no queue.
        return []
    every = [each for now in at_work for each in now.queue_jobs]
    # Those that wait first, the longest on top.
    shown = sorted(every, key=lambda each: (bool(each.host), -(each.age or 0.0)))[:_MOST_LINES]
    rest = len(every) - len(shown)
    columns = ("queue job", "where", "workers", "asked for", "remark")
    more = f"and {_counted(rest, 'queue job')} more" if rest else ""
    return [rows_of(columns, map(_line, shown)), more]


def _line(each: QueueJobOverview) -> tuple[object, ...]:
    ago = None if each.age is None else f"{each.age:.0f} s ago"
    workers = _workers(each.workers, each.busy) if each.workers else None
    return each.name, each.host or "waits in the queue", workers, ago, each.remark or each.reason


def _workers(number: int, busy: int) -> str:
    return f"{number}, {busy} of them at work" if busy else f"{number}, idle"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
