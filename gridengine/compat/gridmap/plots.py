"""Plots for mails, if matplotlib is there."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from ...logs import Log

log = Log("gridmap.job")

#: Looks without which there is nothing to see.
_FEWEST = 2


def plot(values: Sequence[float], apart: float, label: str) -> bytes:
    """Returns a PNG of values over time, empty if there is too little to show or no matplotlib.

    Args:
        values: One for each look.
        apart: Seconds between two looks.
        label: What they are.
    """
    if len(values) < _FEWEST:
        return b""
    try:
        # Not `pyplot`, which is for the program's own figures, and for its main thread.
        from matplotlib.figure import Figure
    except ImportError:
        return b""
    try:
        return _drawn(Figure(figsize=(8, 4), layout="constrained"), values, apart, label)
    except Exception as error:
        # The program may have changed how matplotlib draws.
        log.warning("a mail goes without its plot, which cannot be drawn: %r", error)
        return b""


def _drawn(figure: Any, values: Sequence[float], apart: float, label: str) -> bytes:
    axes = figure.subplots()
    axes.plot([apart * number for number in range(1, len(values) + 1)], values, "-o")
    axes.set_xlabel("time (s)")
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=100)
    return out.getvalue()
