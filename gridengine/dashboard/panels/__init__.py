"""What the page shows of one program, a panel in each file.

Each has ``title``, ``root``, which Bokeh draws, and ``show(watched)``, which is called about twice
a second while the panel is seen, with `Watcher.lock` held.
"""

from __future__ import annotations

from typing import Protocol

from bokeh.models import UIElement

from ..watching import Watched


class Panel(Protocol):
    """One of them."""

    title: str
    root: UIElement

    def show(self, watched: Watched) -> None:
        """Shows how a program stands."""
