"""What a notebook shows of a scheduler. Nothing is started for it, nor waited for."""

from __future__ import annotations

import time
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
    waiting = _counted(now.waiting, "call")
    return facts(
        {
            "workers": f"{now.workers}, of which {now.busy} have work"
            if now.workers
            else "none yet",
            "with workers": _counted(now.given, "call"),
            "waiting": f"{waiting}, the next is of {now.next_name}" if now.waiting else waiting,
        }
    )


def _queue_jobs(scheduler: Scheduler, at_work: Iterable[Overview]) -> list[str]:
    if not scheduler.remote:
        # A process of this host: there is no queue.
        return []
    every = [each for now in at_work for each in now.queue_jobs]
    # Those that wait first, the longest on top.
    shown = sorted(every, key=lambda each: (bool(each.host), each.asked))[:_MOST_LINES]
    rest = len(every) - len(shown)
    columns = ("queue job", "where", "workers", "asked for", "remark")
    more = f"and {_counted(rest, 'queue job')} more" if rest else ""
    return [rows_of(columns, map(_line, shown)), more]


def _line(each: QueueJobOverview) -> tuple[object, ...]:
    ago = f"{time.monotonic() - each.asked:.0f} s ago" if each.asked else None
    workers = f"{each.workers}, of which {each.busy} have work" if each.workers else None
    return each.name, each.host or "waits in the queue", workers, ago, each.remark


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
