"""Draws SVG that can be read on a light page and on a dark one: boxes, texts, arrows."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Point = tuple[float, float]

#: What is drawn with, and its colours on a light page and on a dark one.
COLOURS = {
    "canvas": ("#ffffff", "#131416"),
    "panel": ("#f3f5f8", "#1c1f24"),
    "part": ("#ffffff", "#2a2f36"),
    "ink": ("#1f2328", "#e6e8eb"),
    "faint": ("#59636e", "#a5adb7"),
    "line": ("#7d8894", "#8a94a0"),
    "grid": ("#dfe3e8", "#363c44"),
    "ours": ("#2f6fd0", "#5b9cf5"),
    "behind": ("#c2571a", "#e8894a"),
    "dot1": ("#8a3ffc", "#b794ff"),
    "dot2": ("#007d79", "#3ddbd9"),
    "dot3": ("#b28600", "#e6c14a"),
    "dot4": ("#9f1853", "#ff7eb6"),
    "dot5": ("#198038", "#6fdc8c"),
    "dot6": ("#57606a", "#c1c7cd"),
}

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def _rules(scheme: int) -> str:
    return "".join(
        f".{name}{{fill:{colours[scheme]}}}.{name}-edge{{stroke:{colours[scheme]};fill:none}}"
        for name, colours in COLOURS.items()
    )


class Drawing:
    """A picture that is under way.

    Args:
        width: Its width in pixels, at which its text has the size of a page's.
        height: Its height.
        title: What it shows, for those who do not see it.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self._size = (width, height)
        self._title = title
        self._parts: list[str] = []
        # Of its own: where the page has another scheme than the reader's system says, text would
        # have the colour of the page.
        self.rectangle(0, 0, width, height, "canvas")

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        edge: str = "",
        round_by: float = 6,
    ) -> None:
        """Adds a rectangle with its upper left corner at a point."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_by:g}"'
        self._parts.append(f'<rect {place} class="{fill}"/>')
        if edge:
            self._parts.append(f'<rect {place} class="{edge}-edge"/>')

    def text(
        self, x: float, y: float, text: str, *, colour: str = "ink", anchor: str = "start",
        size: float = 14, bold: bool = False,
    ) -> None:  # fmt: skip
        """Adds a line of text whose base line is at ``y``."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"{weight} '
            f'class="{colour}">{escape(text)}</text>'
        )

    def box(self, x: float, y: float, width: float, height: float, title: str, *lines: str) -> None:
        """Adds a part: a box with its name and what else there is to say, in the middle of it."""
        self.rectangle(x, y, width, height, "part", "line")
        top = y + height / 2 - 9 * len(lines) + 5
        self.text(x + width / 2, top, title, anchor="middle", bold=True)
        for number, line in enumerate(lines, 1):
            self.text(
                x + width / 2, top + 18 * number, line, colour="faint", anchor="middle", size=13
            )

    def panel(self, x: float, y: float, width: float, height: float, title: str) -> None:
        """Adds what parts lie in: a process, a computer."""
        self.rectangle(x, y, width, height, "panel", "grid")
        self.text(x + 16, y + 24, title, colour="faint", bold=True)

    def arrow(self, points: Sequence[Point], *, both: bool = False, dashed: bool = False) -> None:
        """Adds a line with a head at its end, or at both ends."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        ends = 'marker-end="url(#head)"' + (' marker-start="url(#head)"' if both else "")
        dashes = ' stroke-dasharray="4 4"' if dashed else ""
        self._parts.append(
            f'<polyline points="{path}" class="line-edge" stroke-width="1.5"{dashes} {ends}/>'
        )

    def line(self, start: Point, end: Point, colour: str = "grid", *, dashed: bool = False) -> None:
        """Adds a line."""
        dashes = ' stroke-dasharray="4 4"' if dashed else ""
        self._parts.append(
            f'<line x1="{start[0]:g}" y1="{start[1]:g}" x2="{end[0]:g}" y2="{end[1]:g}" '
            f'class="{colour}-edge"{dashes}/>'
        )

    def dot(self, x: float, y: float, colour: str, radius: float = 5) -> None:
        """Adds a dot."""
        self._parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" class="{colour}"/>')

    def svg(self) -> str:
        """Returns the picture."""
        width, height = self._size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" role="img" font-family="{_FONT}">'
        )
        colours = f"{_rules(0)}@media (prefers-color-scheme:dark){{{_rules(1)}}}"
        arrow = (
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto-start-reverse">'
            '<path d="M0 0L8 4L0 8z" class="line"/></marker>'
        )
        title = f"<title>{escape(self._title)}</title>"
        return "\n".join(
            [head, title, f"<style>{colours}</style>", arrow, *self._parts, "</svg>\n"]
        )
