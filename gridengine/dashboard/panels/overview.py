"""The task stream, and how rate, workers and memory went."""

from __future__ import annotations

import time

from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, NumeralTickFormatter, RadioButtonGroup, Range1d

from .. import texts
from ..watching import Watched
from .axes import drawing, in_bytes
from .stream import Stream

#: What may be shown: seconds up to now; None is all there is.
_WINDOWS: tuple[tuple[str, float | None], ...] = (("1 min", 60.0), ("5 min", 300.0), ("all", None))
_STILL = "stand still"

#: Seconds that are shown at least.
_LEAST = 10.0

_FIELDS = ("when", "rate", "busy", "workers", "memory")


class OverviewPanel:
    """They.

    Attributes:
        title: Of the panel.
        root: What Bokeh draws.
    """

    title = "Overview"

    def __init__(self) -> None:
        self._times = Range1d(0, 1)
        self._window = RadioButtonGroup(
            labels=[*(label for label, _ in _WINDOWS), _STILL], active=0, name="window"
        )
        self._stream = Stream(self._times)
        self._points = ColumnDataSource({field: [] for field in _FIELDS})
        rate = drawing("Calls per second", 190, self._times, name="rate")
        rate.varea(x="when", y1=0, y2="rate", source=self._points, fill_color="#8fc1a9")
        rate.line(x="when", y="rate", source=self._points, line_color="#2f7d5b", line_width=1.5)
        rate.yaxis.formatter = NumeralTickFormatter(format="0,0.[0]")
        workers = drawing("Workers, and those at work", 190, self._times)
        # Not Bokeh's steps: a browser draws those of no points for ever.
        workers.line(x="when", y="workers", source=self._points, line_color="#9aa7b5")
        workers.varea(x="when", y1=0, y2="busy", source=self._points, fill_color="#9dbfe3")
        self._memory = memory = drawing("Memory of all workers", 190, self._times)
        memory.varea(x="when", y1=0, y2="memory", source=self._points, fill_color="#d9c2e8")
        memory.line(x="when", y="memory", source=self._points, line_color="#8051a5")
        in_bytes(memory.yaxis[0])
        for plot in (rate, workers, memory):
            plot.y_range.start = 0
            plot.xaxis.ticker.desired_num_ticks = 4
        self.root = column(
            self._window,
            self._stream.root,
            row(rate, workers, memory, sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )
        self._shown = (0, 0.0)

    def show(self, watched: Watched) -> None:
        """Shows how a program stands."""
        self._stream.show(watched)
        newest = watched.points[-1].when if watched.points else 0.0
        if (watched.number, newest) != self._shown:
            self._show_points(watched)
            self._shown = watched.number, newest
        if self._window.active is not None and self._window.active < len(_WINDOWS):
            now = watched.ended or time.time()
            window = _WINDOWS[self._window.active][1]
            # What was before the program is of no interest.
            began = min(watched.facts.began, now - _LEAST)
            began = began if window is None else max(began, now - window)
            self._times.update(start=texts.axis_time(began), end=texts.axis_time(now))

    def _show_points(self, watched: Watched) -> None:
        number, newest = self._shown
        anew = number != watched.number
        points = [each for each in watched.points if anew or each.when > newest]
        values = {
            "when": [texts.axis_time(each.when) for each in points],
            "rate": [each.rate for each in points],
            "busy": [each.busy for each in points],
            "workers": [each.workers for each in points],
            "memory": [each.memory for each in points],
        }
        # Without samples nothing is known of it.
        self._memory.visible = any(each.memory for each in watched.points)
        if anew:
            self._points.data = values
        else:
            self._points.stream(values, rollover=watched.points.maxlen)
