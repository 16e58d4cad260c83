"""Small tables of HTML, as notebooks show an object.

Whatever is in them is escaped. They bring no colours of their own but those of the dots before
states, and nothing is fetched for them, so they look right on a light page and on a dark one.
"""

from __future__ import annotations

import html

from .logs import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Letters of a text that are shown; a name or a message may be of any length.
_LONGEST = 300

#: Between the white of a light page and the black of a dark one.
_COLOURS = {
    "queued": "#c08a1e",
    "running": "#3b82d6",
    "finished": "#2f9e57",
    "failed": "#dc4c4c",
    "died": "#dc4c4c",
}
_GREY = "#8a8a8a"

#: What is short stays on one line: a long text beside it would have it broken into words.
_SHORT = 40


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(value: object) -> Markup:
    """Returns a value as HTML: markup as it is, all else as its text."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    return Markup(html.escape(printable(text)))


def state(name: str) -> Markup:
    """Returns the name of a state, with a dot of its colour."""
    colour = _COLOURS.get(name, _GREY)
    return Markup(f'<span style="color: {colour}">&#9679;</span>&nbsp;{escaped(name)}')


def facts(known: Mapping[str, object]) -> Markup:
    """Returns a table of names and values; what is None or empty is left out."""
    rows = [
        f"<tr>{_cell('th', escaped(name))}{_cell('td', escaped(value))}</tr>"
        for name, value in known.items()
        if value is not None and value != ""
    ]
    return _table(rows)


def rows_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """Returns a table with a line for each row; columns without any value are left out."""
    cells = [[escaped("" if value is None else value) for value in row] for row in rows]
    kept = [place for place in range(len(columns)) if any(row[place] for row in cells)]
    head = "".join(_cell("th", escaped(columns[place])) for place in kept)
    lines = ["".join(_cell("td", row[place]) for place in kept) for row in cells]
    return _table([f"<tr>{line}</tr>" for line in (head, *lines)]) if lines else Markup()


def titled(title: str, *parts: str) -> str:
    """Returns what is shown of an object: what it is, in bold, and tables, or lines of text."""
    shown = "".join(
        part if isinstance(part, Markup) else f"<div>{escaped(part)}</div>"
        for part in parts
        if part
    )
    return f"<div><strong>{escaped(title)}</strong>{shown}</div>"


def _cell(tag: str, content: Markup) -> str:
    wrap = "; white-space: nowrap" if tag == "th" or len(content) <= _SHORT else ""
    style = f"text-align: left; vertical-align: top; padding: 0.1em 1em 0.1em 0{wrap}"
    return f'<{tag} style="{style}">{content}</{tag}>'


def _table(rows: Sequence[str]) -> Markup:
    return Markup(f'<table style="margin: 0.3em 0">{"".join(rows)}</table>')
