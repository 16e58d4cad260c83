"""The calls that have failed, and the certificate or traceback of the one that is chosen."""

from __future__ import annotations

from typing import Any

from bokeh.layouts import column
from bokeh.models import InlineStyleSheet, PreText, UIElement

from ...logs import printable
from ...observers.view_records import Failure
from .. import texts
from ..watching import Watched
from .tables import Column, RowsTable

_STYLE = """
:host { overflow: auto; background: #fff; border: 1px solid #dde3ea; border-radius: 8px }
pre { margin: 0; padding: 10px 14px; font: 12px/1.45 ui-monospace, monospace; white-space: pre-wrap;
      overflow-wrap: anywhere }
"""

_HINT = "Choose one above to read all of it."


class FailuresPanel:
    """They.

    Attributes:
        title: Of the panel.
        root: What Bokeh draws.
    """

    title = "Failures"

    def __init__(self) -> None:
        self._table = RowsTable(
            [
                Column("at", 70),
                Column("name", 220, bold=True),
                Column("input", 80),
                Column("node", 140),
                Column("what", 720),
            ],
            height=270,
        )
        self._text = PreText(
            text=_HINT,
            sizing_mode="stretch_both",
            min_height=260,
            stylesheets=[InlineStyleSheet(css=_STYLE)],
            name="certificate",
        )
        self._table.source.selected.on_change("indices", self._choose)
        self.root: UIElement = column(
            self._table.root, self._text, sizing_mode="stretch_both", min_height=520
        )
        self._failures: list[Failure] = []
        self._chosen: Failure | None = None

    def show(self, watched: Watched) -> None:
        """Shows how a program stands."""
        failures = list(reversed(watched.view.failures))
        if failures == self._failures:
            return
        self._failures = failures
        self._table.show(_row(each) for each in failures)
        # New ones come above.
        chosen = self._chosen
        place = [failures.index(chosen)] if chosen is not None and chosen in failures else []
        if not place:
            self._chosen, self._text.text = None, _HINT
        self._table.source.selected.indices = place

    def _choose(self, attribute: str, old: Any, new: Any) -> None:
        for place in new[:1]:
            if isinstance(place, int) and 0 <= place < len(self._failures):
                self._chosen = self._failures[place]
                self._text.text = printable(self._chosen.text)


def _row(failure: Failure) -> tuple[str, ...]:
    return (
        texts.clock(failure.when),
        texts.name(failure.name),
        str(failure.call) if failure.call >= 0 else "",
        texts.name(failure.host),
        texts.name(failure.line, 300),
    )
