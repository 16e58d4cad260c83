"""The plots of a report, as SVG: made by matplotlib, of few enough pieces for any run.

No names but those of hosts stand in them: what the colours are is said by the page. Neither pyplot
nor the program's own settings of matplotlib have a part in it.
"""

from __future__ import annotations

import base64
import io
import math
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from .figures import Figures, quantiles
from .units import bytes_text, clock_text, duration_text

#: Of functions, those that took longest; all others have the last one. Okabe's and Ito's, which
#: people who see few colours tell apart too.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999")

_LOST = "#d00000"

#: Workers that have a line of their own at most.
_LINES = 100

#: Pieces of time that the lines have together at most: each may be a rectangle of 60 bytes.
_PIECES = 20_000

_BARS = 40

#: How busy a worker was in a piece of time is drawn in so many steps.
_SHADES = 4

_SETTINGS: Any = {
    # Text stays text, in the reader's own letters.
    "svg.fonttype": "none",
    "svg.hashsalt": "gridengine",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


class Plot(NamedTuple):
    """A plot: its heading, what is to be known of it, and the address of an image with it."""

    heading: str
    text: str
    image: str


def plots(figures: Figures) -> list[Plot]:
    """Returns all plots for which something is known."""
    if not len(figures.facts.answers):
        return []
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        made = [_timeline(figures), _durations(figures)]
        if figures.columns["peaks"].any():
            made.append(_memory(figures))
    return made


def colours(figures: Figures) -> dict[str, str]:
    """Returns the colour of each function."""
    last = len(COLOURS) - 1
    return {each.name: COLOURS[min(i, last)] for i, each in enumerate(figures.functions)}


# ---------------------------------------------------------------------- workers and time


def _timeline(figures: Figures) -> Plot:
    workers = figures.facts.workers
    order = sorted(range(len(workers)), key=lambda i: (workers[i].host, workers[i].joined))
    shown = [order[place] for place in _some_of(len(workers))]
    figure, axes = _axes(1.0 + min(7.0, 0.22 * len(shown)) + 0.4)
    span = max(figures.ended - figures.facts.began, 1e-3)
    pieces = max(100, min(1200, _PIECES // len(shown)))
    edges = np.linspace(0.0, span, pieces + 1)
    rectangles: dict[tuple[int, int], list[Any]] = {}
    for line, number in enumerate(shown):
        worker = workers[number]
        joined = worker.joined - figures.facts.began
        left = (figures.ended if worker.left is None else worker.left) - figures.facts.began
        axes.plot([joined, left], [line, line], color="#bbbbbb", linewidth=0.8, zorder=1)
        for kind, begin, end in _busy_pieces(figures, number, edges):
            rectangles.setdefault(kind, []).append((begin, end, line))
        if worker.cause:
            axes.plot([left], [line], "x", color=_LOST, markersize=5, zorder=4)
    for (colour, shade), places in sorted(rectangles.items()):
        axes.add_patch(_patch(places, COLOURS[colour], shade / _SHADES))
    axes.set_xlim(0, span)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _moment(value, span)))
    axes.set_xlabel("since the beginning")
    axes.set_yticks(range(len(shown)), _labels([workers[number] for number in shown]))
    some = "" if len(shown) == len(workers) else f" {len(shown)} of {len(workers):,} are shown."
    return Plot(
        "Workers and time",
        "A line for each worker, from when it could be given work until it was gone; coloured "
        f"while it had calls, paler where it had some of the time.{some}"
        + (" A cross: it died." if any(workers[number].cause for number in shown) else ""),
        _image(figure),
    )


def _some_of(count: int) -> list[int]:
    if count <= _LINES:
        return list(range(count))
    return sorted({round(i * (count - 1) / (_LINES - 1)) for i in range(_LINES)})


def _labels(workers: list[Any]) -> list[str]:
    labels: list[str] = []
    for before, worker in zip([None, *workers], workers, strict=False):
        host = worker.host.partition(".")[0].encode("ascii", "replace").decode()[:20]
        same = before is not None and before.host == worker.host
        labels.append("" if same or (len(workers) > 40 and len(labels) % 5) else host)
    return labels


def _busy_pieces(
    figures: Figures, worker: int, edges: Any
) -> list[tuple[tuple[int, int], Any, Any]]:
    """Returns for a worker: colour and shade, begin and end of times in which it had calls."""
    columns = figures.columns
    own = columns["workers"] == worker
    functions = columns["functions"][own]
    order = {each.name: i for i, each in enumerate(figures.functions)}
    last = len(COLOURS) - 1
    colour_of = [min(order.get(name, last), last) for name in figures.facts.functions]
    chosen = np.array(colour_of)[functions]
    ends = columns["ends"][own] - figures.facts.began
    walls = columns["walls"][own]
    found = []
    parts = np.zeros((len(COLOURS), len(edges) - 1))
    for colour in np.unique(chosen):
        mine = chosen == colour
        parts[colour] = _busy_seconds(ends[mine] - walls[mine], walls[mine], edges)
    shades = np.ceil(np.minimum(parts.sum(axis=0) / np.diff(edges), 1.0) * _SHADES - 1e-6)
    kinds = np.where(shades > 0, parts.argmax(axis=0) * (_SHADES + 1) + shades, -1).astype(int)
    changes = np.flatnonzero(np.diff(kinds)) + 1
    for begin, end in zip([0, *changes], [*changes, len(kinds)], strict=True):
        if (kind := int(kinds[begin])) >= 0:
            found.append((divmod(kind, _SHADES + 1), edges[begin], edges[end]))
    return found


def _busy_seconds(begins: Any, walls: Any, edges: Any) -> Any:
    """Returns how many seconds of the spans lie between each two edges; they do not overlap."""
    order = np.argsort(begins, kind="stable")
    begins, walls = begins[order], walls[order]
    ends = np.maximum.accumulate(begins + walls)
    begins = np.maximum(begins, np.concatenate([begins[:1], ends[:-1]]))
    ends = np.maximum(ends, begins)
    sums = np.cumsum(ends - begins)
    knots = np.stack([begins, ends], axis=1).ravel()
    levels = np.stack([sums - (ends - begins), sums], axis=1).ravel()
    return np.diff(np.interp(edges, knots, levels))


def _patch(places: list[Any], colour: str, alpha: float) -> PathPatch:
    vertices, codes = [], []
    for begin, end, line in places:
        top, bottom = line - 0.36, line + 0.36
        vertices += [(begin, top), (end, top), (end, bottom), (begin, bottom), (begin, top)]
        codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return PathPatch(Path(vertices, codes), facecolor=colour, alpha=alpha, linewidth=0, zorder=2)


# ---------------------------------------------------------------------- histograms


def _durations(figures: Figures) -> Plot:
    columns = figures.columns
    each = np.maximum(columns["walls"] / columns["calls"], 1e-7)
    low, high = float(each.min()) * 0.9, float(each.max()) * 1.1
    edges = np.logspace(math.log10(low), math.log10(high), _BARS + 1)
    figure, axes = _axes(2.6)
    _bars(axes, figures, each, edges)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: duration_text(value)))
    # Between powers of ten there is room for names only where there are few of those.
    few = FuncFormatter(lambda value, _: duration_text(value)) if high < 8 * low else None
    axes.xaxis.set_minor_formatter(few or FuncFormatter(lambda value, _: ""))
    median, p99 = quantiles(each, columns["calls"], 0.5, 0.99)
    for value in (median, p99):
        axes.axvline(value, color="#333333", linewidth=0.8, linestyle=":")
    axes.set_xlabel("time of a call")
    return Plot(
        "Time per call",
        f"Half of the calls took up to {duration_text(median)}, 99 of 100 up to "
        f"{duration_text(p99)} (the dotted lines). Short calls that were answered together count "
        "with their average.",
        _image(figure),
    )


def _memory(figures: Figures) -> Plot:
    peaks = figures.columns["peaks"]
    limit = figures.limit
    high = max(float(peaks.max()), float(limit)) * 1.05
    figure, axes = _axes(2.6)
    _bars(axes, figures, peaks.astype(float), np.linspace(0.0, high, _BARS + 1))
    axes.set_xlim(0, high)
    axes.xaxis.set_major_locator(MultipleLocator(2.0 ** math.ceil(math.log2(high / 10))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: bytes_text(value)))
    if limit:
        axes.axvline(limit, color=_LOST, linewidth=1.2)
    axes.set_xlabel("memory of a worker")
    (p99,) = quantiles(peaks, figures.columns["calls"], 0.99)
    return Plot(
        "Memory",
        "Each call counts with the largest resident memory that its worker had had by its end: 99 "
        f"of 100 had up to {bytes_text(p99)}, the largest {bytes_text(float(peaks.max()))}. "
        + (
            f"A worker could have {bytes_text(limit)} (the red line)."
            if limit
            else "No limit was known."
        ),
        _image(figure),
    )


def _bars(axes: Any, figures: Figures, values: Any, edges: Any) -> None:
    columns = figures.columns
    below = np.zeros(len(edges) - 1)
    number = {name: i for i, name in enumerate(figures.facts.functions)}
    for place, function in enumerate(figures.functions):
        own = columns["functions"] == number[function.name]
        heights, _ = np.histogram(values[own], bins=edges, weights=columns["calls"][own])
        colour = COLOURS[min(place, len(COLOURS) - 1)]
        axes.bar(
            edges[:-1], heights, np.diff(edges), below,
            align="edge", color=colour, edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        below += heights
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylabel("calls")


# ---------------------------------------------------------------------- all of them


def _axes(height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(9.6, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def _moment(seconds: float, span: float) -> str:
    if seconds == 0:
        return "0"
    return duration_text(seconds) if span < 120 else clock_text(seconds)


def _image(figure: Figure) -> str:
    """Returns an address with all of the image in it; so it has no part in the page's names."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"
