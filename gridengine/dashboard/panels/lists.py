"""Panels that are a table each: maps and jobs, queue jobs, slowest calls, what was said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bokeh.layouts import column
from bokeh.models import UIElement

from .. import texts
from ..watching import Watched
from .tables import ROWS, Column, RowsTable


class _List:
    """A panel with a table.

    Attributes:
        title: Of the panel.
        root: What Bokeh draws.
    """

    title = ""
    _columns: tuple[Column, ...] = ()

    def __init__(self) -> None:
        self._table = RowsTable(self._columns)
        self.root: UIElement = column(self._table.root, sizing_mode="stretch_both", min_height=420)

    def show(self, watched: Watched) -> None:
        """Shows how a program stands."""
        self._table.show(self._rows(watched))

    def _rows(self, watched: Watched) -> Iterator[tuple[Any, ...]]:
        raise NotImplementedError


class MapsPanel(_List):
    """All jobs, and calls of maps, by the name of what they call."""

    title = "Maps and jobs"
    _columns = (
        Column("name", 320, bold=True),
        Column("calls", 90, "0,0"),
        Column("done", 90, "0,0"),
        Column("failed", 90, "0,0"),
        Column("seconds each", 110, "0,0.000"),
        Column("seconds together", 130, "0,0.0"),
        Column("peak memory", 110),
    )

    def _rows(self, watched: Watched) -> Iterator[tuple[Any, ...]]:
        # The newest first: who gives each job a name of its own has many.
        names = list(watched.view.jobs.values())[-ROWS:]
        for job in reversed(names):
            yield (
                texts.name(job.name),
                max(job.submitted, job.done),
                job.done,
                job.failed,
                job.wall / job.done if job.done else 0.0,
                job.wall,
                texts.size(job.peak_memory) if job.peak_memory else "",
            )


class QueueJobsPanel(_List):
    """What the batch system has of it."""

    title = "Queue jobs"
    _columns = (
        Column("queue job", 110, bold=True),
        Column("state", 90),
        Column("node", 150),
        Column("since", 90),
        Column("workers", 80),
        Column("at work", 80),
        Column("why it waits, or what else is known", 520),
    )

    def _rows(self, watched: Watched) -> Iterator[tuple[Any, ...]]:
        view = watched.view
        if watched.ended:
            return
        told = {each.name: each for each in view.state.queue_jobs} if view.state else {}
        for name, job in view.queue_jobs.items():
            now = told.get(name)
            yield (
                texts.name(name),
                "runs" if job.host else "waits",
                texts.name(job.host),
                texts.seconds(now.age) if now is not None and now.age is not None
                else texts.clock(job.submitted),
                str(now.workers) if now is not None else "",
                str(now.busy) if now is not None else "",
                texts.name("; ".join(filter(None, (job.reason, now.remark if now else ""))), 500),
            )  # fmt: skip


class SlowestPanel(_List):
    """The calls that took longest."""

    title = "Slowest calls"
    _columns = (
        Column("seconds", 100, "0,0.000", bold=True),
        Column("name", 320),
        Column("input", 160),
        Column("node", 150),
        Column("ended at", 90),
        Column("how", 160),
    )

    def _rows(self, watched: Watched) -> Iterator[tuple[Any, ...]]:
        for slow in watched.stream.slowest:
            several = slow.calls > 1
            number = f"{slow.call} to {slow.call + slow.calls - 1}" if several else str(slow.call)
            yield (
                slow.wall,
                texts.name(slow.name),
                number if slow.call >= 0 else "",
                texts.name(slow.host),
                texts.clock(slow.when),
                ("failed" if slow.failed else "") or ("their mean" if several else ""),
            )


class NoticesPanel(_List):
    """What a person who waits would want to read, and workers that died."""

    title = "Notices"
    _columns = (Column("at", 80), Column("what", 900))

    def _rows(self, watched: Watched) -> Iterator[tuple[Any, ...]]:
        said = [(when, text) for when, text in watched.view.notices]
        for when, lost in watched.view.lost:
            cause = lost.cause.name.lower().replace("_", " ") if lost.cause is not None else ""
            said.append((when, f"worker {lost.pid} on {lost.host} died: {cause}"))
        for when, text in sorted(said, reverse=True):
            yield texts.clock(when), texts.name(text, 1000)
