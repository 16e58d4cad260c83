"""A picture of what workers have used, if matplotlib is there."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ...logs import Log
from .usage_series import UsagePoint

log = Log(__name__)

#: Points without which there is nothing to see.
_FEWEST = 3


def usage_plot(points: Sequence[UsagePoint]) -> bytes:
    """Returns a PNG of memory and cores over time.

    It is empty if there is too little to show, or if matplotlib is not there, or cannot draw it.
    """
    if len(points) < _FEWEST:
        return b""
    try:
        # Not `pyplot`, which is for the program's own figures, and for its main thread.
        from matplotlib.figure import Figure
    except ImportError:
        return b""
    try:
        return _drawn(Figure(figsize=(8, 5), layout="constrained"), points)
    except Exception as error:
        # The program may have changed how matplotlib draws.
        log.warning("a mail goes without its plot, which cannot be drawn: %r", error)
        return b""


def _drawn(figure: Any, points: Sequence[UsagePoint]) -> bytes:
    times = [datetime.fromtimestamp(point.when) for point in points]
    upper, lower = figure.subplots(2, 1, sharex=True)
    unit, name = _unit(max(point.memory for point in points))
    memory = [point.memory / unit for point in points]
    upper.fill_between(times, memory, alpha=0.3)
    upper.plot(times, memory, label="all workers")
    upper.plot(times, [point.largest / unit for point in points], label="the largest")
    upper.set_ylabel(f"memory ({name})")
    lower.plot(times, [point.cores for point in points], label="cores in use")
    lower.step(times, [point.workers for point in points], where="post", label="workers")
    lower.set_ylabel("cores")
    for axes in (upper, lower):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(loc="best")
    figure.autofmt_xdate()
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=100)
    return out.getvalue()


def _unit(most: int) -> tuple[int, str]:
    for power, name in ((40, "TiB"), (30, "GiB"), (20, "MiB")):
        if most >= 1 << power:
            return 1 << power, name
    return 1 << 10, "KiB"
