"""What one browser shows: a program of those that there are, in panels."""

from __future__ import annotations

import os
from typing import Any

from bokeh.core.templates import get_env
from bokeh.document import Document
from bokeh.layouts import column, row
from bokeh.models import Div, InlineStyleSheet, Select, TabPanel, Tabs

from . import texts
from .panels import Panel
from .panels.failures import FailuresPanel
from .panels.lists import MapsPanel, NoticesPanel, QueueJobsPanel, SlowestPanel
from .panels.overview import OverviewPanel
from .panels.programs import ProgramsPanel
from .panels.summary import SummaryPanel
from .panels.workers import WorkersPanel
from .watching import Watched, Watcher

#: Milliseconds between two looks.
_EVERY = 500

_NOBODY = (
    "No program of yours with a scheduler of gridengine runs on this host. One that begins is "
    "shown at once; nothing has to be set in it."
)

_TEMPLATE = """{% extends base %}
{% block inner_head %}{{ super() }}
<style>
html, body { margin: 0; background: #f5f7f9; height: 100% }
body { box-sizing: border-box; padding: 10px 18px 14px; display: flow-root }
</style>
{% endblock %}"""

_HEAD = """
:host { font: 600 17px/32px system-ui, sans-serif; color: #1f2933; white-space: nowrap }
span { color: #647282; font-weight: 400; font-size: 13px }
"""

_TABS = """
:host > .bk-header { border-bottom: 1px solid #dde3ea; font: 13px system-ui, sans-serif }
"""


class Page:
    """It.

    Args:
        document: Where it is drawn.
        watcher: Has the programs.
    """

    def __init__(self, document: Document, watcher: Watcher) -> None:
        self._watcher = watcher
        self._chosen = 0
        # Whether somebody has chosen it, or it is the newest one.
        self._by_hand = False
        self._select = Select(options=[], sizing_mode="stretch_width", name="program")
        self._select.on_change("value", self._selected)
        self._summary = SummaryPanel()
        self._programs = ProgramsPanel(self._choose)
        self._panels: list[Panel] = [
            OverviewPanel(),
            WorkersPanel(),
            QueueJobsPanel(),
            MapsPanel(),
            FailuresPanel(),
            SlowestPanel(),
            NoticesPanel(),
        ]
        shown: list[Panel | ProgramsPanel] = [*self._panels, self._programs]
        self._tabs = Tabs(
            tabs=[TabPanel(child=panel.root, title=panel.title) for panel in shown],
            sizing_mode="stretch_both",
            stylesheets=[InlineStyleSheet(css=_TABS)],
        )
        self._tabs.on_change("active", lambda attribute, old, new: self._show())
        head = Div(
            text=f"gridengine <span>dashboard of {texts.escaped(os.uname().nodename)}</span>",
            stylesheets=[InlineStyleSheet(css=_HEAD)],
            width=330,
            height=32,
        )
        top = row(head, self._select, sizing_mode="stretch_width")
        parts = [top, self._summary.root, self._tabs]
        document.add_root(column(*parts, sizing_mode="stretch_both", min_height=840))
        document.title = "gridengine dashboard"
        document.template = get_env().from_string(_TEMPLATE)
        # Nothing that users have named is in the page itself: it comes when the page is there.
        document.add_periodic_callback(self._show, _EVERY)

    def _choose(self, number: int) -> None:
        self._chosen, self._by_hand = number, True
        self._tabs.active = 0
        self._show()

    def _selected(self, attribute: str, old: Any, new: Any) -> None:
        if str(new).isdigit() and int(new) != self._chosen:
            self._chosen, self._by_hand = int(new), True
            self._show()

    def _show(self) -> None:
        with self._watcher.lock:
            programs = self._watcher.programs
            watched = self._the_one(programs)
            self._show_choice(programs)
            if watched is None:
                self._summary.say(self._watcher.trouble or _NOBODY)
                return
            self._summary.show(watched)
            active = self._tabs.active
            if active < len(self._panels):
                self._panels[active].show(watched)
            else:
                self._programs.show_all(programs.values())

    def _the_one(self, programs: dict[int, Watched]) -> Watched | None:
        """Returns the one that was chosen, else the newest that runs, else the newest."""
        if self._chosen not in programs:
            self._by_hand = False
        shown = programs.get(self._chosen)
        if not self._by_hand and (shown is None or shown.ended):
            running = [number for number, each in programs.items() if not each.ended]
            self._chosen = max(running or programs or [0])
        return programs.get(self._chosen)

    def _show_choice(self, programs: dict[int, Watched]) -> None:
        options = [(str(number), _title(each)) for number, each in programs.items()]
        if options != self._select.options:
            self._select.options = options
        if programs and self._select.value != str(self._chosen):
            self._select.value = str(self._chosen)


def _title(watched: Watched) -> str:
    facts = watched.facts
    ended = " – ended" if watched.ended else ""
    return f"{texts.name(facts.program, 140)} (process {facts.pid}){ended}"
