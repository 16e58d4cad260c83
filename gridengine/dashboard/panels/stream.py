"""The task stream: what each worker did when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    Div,
    FixedTicker,
    HoverTool,
    InlineStyleSheet,
    Range1d,
    UIElement,
)
from bokeh.palettes import Category20_20

from ...observers.task_stream import KEPT, Rectangle, WorkerPlace
from .. import texts
from ..watching import Watched
from .axes import drawing

#: Colours of names, but for the reds: those are of failures. Further names begin anew.
_COLOURS = [each for each in (*Category20_20[::2], *Category20_20[1::2]) if each[1] != "f"]
_COLOURS.remove("#d62728")
_FAILED, _DIED = "#c0392b", "#1b1b1b"

#: Rows that have their worker's name beside them.
_NAMED_ROWS = 20

#: Names in the legend.
_LEGEND = 8

_STYLE = """
:host { font: 12px system-ui, sans-serif; color: #1f2933 }
i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin: 0 5px 0 14px }
"""

_FIELDS = ("row", "begin", "end", "colour", "name", "worker", "calls", "failed", "took", "each")


class Stream:
    """It.

    Args:
        times: What is shown of the time.

    Attributes:
        root: What Bokeh draws.
        source: Its rectangles.
    """

    def __init__(self, times: Range1d) -> None:
        self.source = ColumnDataSource({field: [] for field in _FIELDS})
        self._rows = Range1d(0.5, -0.5)
        plot = drawing(
            "What each worker does", 370, times, y_range=self._rows, name="stream",
            tools="xpan,xwheel_zoom,xbox_zoom,save", toolbar_location="right",
            output_backend="canvas",
        )  # fmt: skip
        plot.hbar(
            y="row", left="begin", right="end", height=0.84, source=self.source,
            fill_color="colour", line_color="white", line_width=0.4, line_alpha=0.6,
        )  # fmt: skip
        plot.add_tools(
            HoverTool(
                tooltips=[
                    ("", "@name"), ("worker", "@worker"), ("calls", "@calls"),
                    ("failed", "@failed"), ("took", "@took"), ("each", "@each"),
                ],
                point_policy="follow_mouse",
            )
        )  # fmt: skip
        plot.ygrid.visible = False
        self._axis = plot.yaxis[0]
        self._legend = Div(
            text="", disable_math=True, stylesheets=[InlineStyleSheet(css=_STYLE)], name="legend"
        )
        self.root: UIElement = column(plot, self._legend, sizing_mode="stretch_width")
        self._watched = 0
        self._told = 0
        self._colours: dict[str, str] = {}

    def show(self, watched: Watched) -> None:
        """Shows what has been done by now."""
        anew = watched.number != self._watched
        if anew:
            self._watched, self._told, self._colours = watched.number, 0, {}
        stream = watched.stream
        new = stream.since(self._told)
        self._told = stream.told
        if anew:
            self.source.data = self._data(new)
        elif new:
            self.source.stream(self._data(new), rollover=KEPT)
        if new or anew:
            self._legend.text = self._legend_text()
            self._name_rows(stream.workers)

    def _data(self, rectangles: Sequence[Rectangle]) -> dict[str, list[Any]]:
        rows = [
            (
                each.row,
                texts.axis_time(each.begin),
                texts.axis_time(each.end),
                self._colour(each),
                texts.name(each.name),
                texts.name(f"{each.host} {each.pid}"),
                texts.count(each.calls),
                texts.count(each.failed),
                texts.seconds(each.end - each.begin),
                texts.seconds((each.end - each.begin) / max(1, each.calls)),
            )
            for each in rectangles
        ]
        values = zip(*rows, strict=True) if rows else ((),) * len(_FIELDS)
        return {field: list(each) for field, each in zip(_FIELDS, values, strict=True)}

    def _colour(self, rectangle: Rectangle) -> str:
        if rectangle.died:
            return _DIED
        colour = self._colours.get(rectangle.name)
        if colour is None:
            colour = _COLOURS[len(self._colours) % len(_COLOURS)]
            # Whoever names each job anew has colours that mean nothing, and no memory for them.
            if len(self._colours) < KEPT:
                self._colours[rectangle.name] = colour
        return _FAILED if rectangle.failed else colour

    def _legend_text(self) -> str:
        named = list(self._colours.items())[:_LEGEND]
        named += [("failed", _FAILED), ("the worker died", _DIED)]
        return "".join(
            f'<i style="background:{colour}"></i>{texts.escaped(name, 40)}'
            for name, colour in named
        )

    def _name_rows(self, workers: Sequence[WorkerPlace]) -> None:
        self._rows.update(start=max(1, len(workers)) - 0.5, end=-0.5)
        named = range(len(workers)) if len(workers) <= _NAMED_ROWS else ()
        self._axis.ticker = FixedTicker(ticks=list(named))
        self._axis.major_label_overrides = {
            row: texts.name("{} {}".format(*workers[row]), 30) for row in named
        }
