"""All programs, one in each row; the one that is chosen there is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bokeh.layouts import column
from bokeh.models import UIElement

from .. import texts
from ..watching import Watched
from .tables import Column, RowsTable


class ProgramsPanel:
    """They.

    Args:
        choose: Called with the number of the one that somebody chooses.

    Attributes:
        title: Of the panel.
        root: What Bokeh draws.
    """

    title = "Programs"

    def __init__(self, choose: Callable[[int], object]) -> None:
        self._choose = choose
        self._numbers: list[int] = []
        self._table = RowsTable(
            [
                Column("program", 380, bold=True),
                Column("process", 80),
                Column("state", 80),
                Column("since", 80),
                Column("done", 90, "0,0"),
                Column("failed", 80, "0,0"),
                Column("waiting", 90, "0,0"),
                Column("calls/s", 90, "0,0.0"),
                Column("workers", 80, "0,0"),
            ]
        )
        self._table.source.selected.on_change("indices", self._chosen)
        self.root: UIElement = column(self._table.root, sizing_mode="stretch_both", min_height=420)

    def show_all(self, programs: Iterable[Watched]) -> None:
        """Shows how all programs stand."""
        programs = list(programs)
        self._numbers = [each.number for each in programs]
        self._table.show(map(_row, programs))

    def _chosen(self, attribute: str, old: Any, new: Any) -> None:
        for place in new[:1]:
            if isinstance(place, int) and 0 <= place < len(self._numbers):
                self._choose(self._numbers[place])


def _row(watched: Watched) -> tuple[Any, ...]:
    view, runs = watched.view, not watched.ended
    return (
        texts.name(watched.facts.program, 120),
        str(watched.facts.pid),
        "runs" if runs else "ended",
        texts.clock(watched.facts.began),
        view.done,
        view.failed,
        view.waiting * runs,
        view.rate * runs,
        len(view.workers) * runs,
    )
