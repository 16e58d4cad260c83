"""What stands at the axes of drawings."""

from __future__ import annotations

import pytest

pytest.importorskip("bokeh")


def test_bytes_are_told_in_powers_of_two() -> None:
    from gridengine.dashboard.panels.axes import bytes_along, drawing

    plot = drawing("memory", 100)
    bytes_along(plot.yaxis[0])
    ticker = plot.yaxis[0].ticker
    assert (ticker.base, ticker.mantissas) == (2, [1.0])
