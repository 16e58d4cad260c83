"""The workers by node: what each uses, what it may have, and what it does."""

from __future__ import annotations

from collections.abc import Sequence

from bokeh.layouts import column
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, UIElement

from ...observers.view_records import WorkerView
from .. import texts
from ..watching import Watched
from .axes import drawing, in_bytes
from .tables import Column, RowsTable

#: Workers whose memory is drawn: those that are nearest to their limit, or have most.
_BARS = 24

#: From this part of the limit on a bar is amber, then red.
_MUCH, _TOO_MUCH = 0.75, 0.9

_FIELDS = ("worker", "memory", "limit", "colour", "says")


class WorkersPanel:
    """They.

    Attributes:
        title: Of the panel.
        root: What Bokeh draws.
    """

    title = "Workers"

    def __init__(self) -> None:
        self._bars = ColumnDataSource({field: [] for field in _FIELDS})
        self._factors = FactorRange()
        self._plot = drawing(
            "Memory against what was requested", 120, y_range=self._factors, name="memory"
        )
        self._plot.x_range.start = 0
        in_bytes(self._plot.xaxis[0])
        self._plot.hbar(
            y="worker", right="limit", height=0.8, source=self._bars, fill_color="#eef1f5",
            line_color="#c3ccd6",
        )  # fmt: skip
        bars = self._plot.hbar(
            y="worker", right="memory", height=0.56, source=self._bars, fill_color="colour",
            line_color=None,
        )  # fmt: skip
        self._plot.add_tools(HoverTool(renderers=[bars], tooltips=[("@worker", "@says")]))
        self._plot.ygrid.visible = False
        self._table = RowsTable(
            [
                Column("node", 120, bold=True),
                Column("process", 70),
                Column("queue job", 90),
                Column("cores used", 80),
                Column("memory", 90),
                Column("its peak", 90),
                Column("may have", 90),
                Column("GPU memory", 90),
                Column("time left", 90),
                Column("does", 340),
                Column("for", 90),
            ]
        )
        self.root: UIElement = column(
            self._plot, self._table.root, sizing_mode="stretch_both", min_height=520
        )

    def show(self, watched: Watched) -> None:
        """Shows how a program stands."""
        workers = [] if watched.ended else sorted(watched.view.workers.values(), key=_place)
        self._table.show(_row(worker, watched) for worker in workers)
        self._show_bars(workers)

    def _show_bars(self, workers: Sequence[WorkerView]) -> None:
        known = [each for each in workers if each.sample is not None]
        known = sorted(known, key=_want, reverse=True)[:_BARS]
        self._plot.visible = bool(known)
        names = [texts.name(f"{each.host} {each.pid}", 40) for each in known]
        self._bars.data = {
            "worker": names,
            "memory": [_rss(each) for each in known],
            "limit": [each.memory_limit for each in known],
            "colour": [_colour(each) for each in known],
            "says": [_says(each) for each in known],
        }
        if list(self._factors.factors) != names[::-1]:
            self._factors.factors = names[::-1]
            self._plot.height = 70 + 20 * len(names)


def _place(worker: WorkerView) -> tuple[str, int]:
    return worker.host, worker.pid


def _rss(worker: WorkerView) -> int:
    return worker.sample.rss if worker.sample is not None else 0


def _want(worker: WorkerView) -> tuple[float, int]:
    rss = _rss(worker)
    return (rss / worker.memory_limit if worker.memory_limit else 0.0), rss


def _colour(worker: WorkerView) -> str:
    part, _ = _want(worker)
    return "#c0392b" if part >= _TOO_MUCH else "#d9921a" if part >= _MUCH else "#6f9bd1"


def _says(worker: WorkerView) -> str:
    rss = texts.size(_rss(worker))
    if not worker.memory_limit:
        return f"{rss}, no limit"
    return f"{rss} of {texts.size(worker.memory_limit)}"


def _row(worker: WorkerView, watched: Watched) -> tuple[str, ...]:
    now, sample = watched.view.now, worker.sample
    part = next(iter(worker.running.values()), None)
    does = held = ""
    if part is not None:
        does, held = texts.name(part.name), texts.seconds(max(0.0, now - part.since))
        if part.hi - part.lo > 1 or len(worker.running) > 1:
            calls = sum(each.hi - each.lo for each in worker.running.values())
            does += f" ({texts.count(calls)} calls)"
    cores = watched.cpu.get(worker.address)
    gpu = getattr(sample, "gpu_memory", 0)
    return (
        texts.name(worker.host),
        str(worker.pid),
        texts.name(worker.queue_job),
        "" if cores is None else f"{cores:.2f}",
        texts.size(sample.rss) if sample is not None else "",
        texts.size(sample.peak) if sample is not None else "",
        texts.size(worker.memory_limit) if worker.memory_limit else "",
        texts.size(gpu) if gpu else "",
        texts.seconds(max(0.0, worker.ends - now)) if worker.ends else "",
        does or "–",
        held,
    )
