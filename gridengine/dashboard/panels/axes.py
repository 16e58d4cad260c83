"""What the drawings have in common."""

from __future__ import annotations

from typing import Any

from bokeh.models import (
    AdaptiveTicker,
    Axis,
    DatetimeTickFormatter,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.plotting import figure

_GRID, _TEXT = "#e8ecf1", "#647282"


def drawing(title: str, height: int, times: Range1d | None = None, **options: Any) -> figure:
    """Returns an empty drawing.

    Args:
        title: Above it.
        height: In pixels.
        times: The range of its horizontal axis, if that is the time of day.
        **options: As `bokeh.plotting.figure` takes them.
    """
    if times is not None:
        options |= {"x_range": times, "x_axis_type": "datetime"}
    options.setdefault("toolbar_location", None)
    options.setdefault("tools", "")
    plot = figure(title=title, height=height, sizing_mode="stretch_width", **options)
    plot.title.text_font_size = "13px"
    plot.title.text_color = "#1f2933"
    plot.outline_line_color = None
    plot.grid.grid_line_color = _GRID
    plot.axis.axis_line_color = plot.axis.major_tick_line_color = "#c3ccd6"
    plot.axis.minor_tick_line_color = None
    plot.axis.major_label_text_color = _TEXT
    if times is not None:
        plot.xaxis.formatter = DatetimeTickFormatter(
            milliseconds="%H:%M:%S.%3N", seconds="%H:%M:%S", minsec="%H:%M:%S",
            minutes="%H:%M:%S", hourmin="%H:%M", hours="%H:%M",
        )  # fmt: skip
    return plot


def in_bytes(axis: Axis) -> None:
    """Has an axis show bytes, with round numbers of KiB, MiB or GiB."""
    axis.ticker = AdaptiveTicker(base=1024, mantissas=[2**power for power in range(10)])
    axis.formatter = NumeralTickFormatter(format="0.[0] ib")
