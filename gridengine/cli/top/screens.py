"""What stands above the tables for a while: a text to read, and a question."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static


class Reading(ModalScreen[None]):
    """A text, to be scrolled, until Escape is pressed.

    Args:
        heading: What it is.
        text: It, printable.
    """

    BINDINGS = [("escape,q", "dismiss", "Back")]  # noqa: RUF012  # textual's own way
    DEFAULT_CSS = """
    Reading { align: center middle; }
    Reading > Vertical { width: 90%; height: 85%; border: round $accent; background: $surface; }
    Reading #heading { text-style: bold; }
    """

    def __init__(self, heading: str, text: str) -> None:
        super().__init__()
        self._heading = heading
        self._text = text

    def compose(self) -> ComposeResult:
        """Yields its parts."""
        with Vertical():
            yield Static(f"{self._heading}   (Escape goes back)", id="heading", markup=False)
            with VerticalScroll():
                yield Static(self._text, id="text", markup=False)

    def on_mount(self) -> None:
        """Has the keys scroll it, from its end."""
        scrolled = self.query_one(VerticalScroll)
        scrolled.focus()
        scrolled.scroll_end(animate=False)


class Asking(ModalScreen[bool]):
    """A question that is answered with y or n.

    Args:
        question: It.
    """

    BINDINGS = [  # noqa: RUF012  # textual's own way
        ("y", "dismiss(True)", "Yes"),
        ("n,escape", "dismiss(False)", "No"),
    ]
    DEFAULT_CSS = """
    Asking { align: center middle; }
    Asking > Static { width: auto; max-width: 80%; padding: 1 3; border: round $warning;
                      background: $surface; }
    """

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Yields the question."""
        yield Static(f"{self._question}  [y/n]", id="question", markup=False)
