"""How many times as fast as its peers, from the tables of ``docs/performance.md``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from drawing import Drawing

PAGE = Path(__file__).resolve().parents[1] / "performance.md"

UNITS = {"M/s": 1e6, "k/s": 1e3, "GB/s": 1e9, "MB": 1e6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0}
LESS_IS_BETTER = {"MB", "µs", "ms", "s"}

#: The dots, by peer.
DOTS = {"pool": "dot1", "cf": "dot2", "joblib": "dot3", "loky": "dot4", "mpire": "dot5"}
DOTS |= {"ray": "dot6"}
NAMES = {"pool": "multiprocessing.Pool", "cf": "ProcessPoolExecutor"}


class Row(NamedTuple):
    """One line of a picture.

    Attributes:
        work: What was measured.
        figure: Our figure, as it stands in the table.
        best: Who is the best peer.
        ratios: How many times as good as each peer it is.
    """

    work: str
    figure: str
    best: str
    ratios: dict[str, float]


def tables() -> list[list[list[str]]]:
    """Returns the cells of all tables of the page, without their heads."""
    text = PAGE.read_text(encoding="utf-8")
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    ]


def quantity(text: str, unit: str = "") -> tuple[float, str]:
    """Returns the first figure of a text, the middle of a range, and its unit.

    Args:
        text: ``13.2 M/s``, ``0.41 to 0.44 s`` or, with the unit of what follows, ``mpire 0.7``.
        unit: The unit if the text has none.
    """
    found = re.search(r"([\d.]+)(?: to ([\d.]+))?(?: ([kM]/s|GB/s|MB|µs|ms|s)\b)?", text)
    assert found, text
    low, high = float(found[1]), float(found[2] or found[1])
    unit = found[3] or unit
    return math.sqrt(low * high) * UNITS[unit], unit


def peers(text: str) -> dict[str, tuple[float, str]]:
    """Returns the figures of ``mpire 0.7, loky 0.6, pool 0.4 GB/s``, by peer."""
    found: dict[str, tuple[float, str]] = {}
    unit = ""
    for each in reversed(text.split(", ") if text else []):
        value, unit = quantity(each, unit)
        found[each.split()[0]] = value, unit
    return dict(reversed(found.items()))


def times_as_good(ours: tuple[float, str], theirs: tuple[float, str]) -> float:
    """Returns above 1 where ours is better: faster, or smaller."""
    return theirs[0] / ours[0] if ours[1] in LESS_IS_BETTER else ours[0] / theirs[0]


def on_one_host() -> list[Row]:
    """Returns the rows of the page's first table."""
    rows = []
    for work, ours, best, others, *_ in tables()[0]:
        if best:
            figures = peers(best) | peers(others)
            own = quantity(ours)
            ratios = {peer: times_as_good(own, figure) for peer, figure in figures.items()}
            rows.append(Row(work.replace("`", ""), ours, next(iter(figures)), ratios))
    return rows


def on_a_cluster() -> list[Row]:
    """Returns the rows of its second table, which has one peer."""
    peer = "dask-jobqueue"
    return [
        Row(
            work,
            ours.partition(" (")[0],
            peer,
            {peer: times_as_good(*map(quantity, (ours, theirs)))},
        )
        for work, ours, theirs, _ in tables()[1]
    ]


_LEFT, _RIGHT, _STEP = 400.0, 744.0, 34.0


def draw_one_host() -> str:
    """Returns the picture of the page's first table."""
    return _draw(
        on_one_host(), "times as good as each peer (dots), as the best of them (bars)", DOTS
    )


def draw_cluster() -> str:
    """Returns the picture of its second table."""
    return _draw(on_a_cluster(), "times as good as dask-jobqueue", {})


def _draw(rows: list[Row], title: str, dots: dict[str, str]) -> str:
    top = 84.0 if dots else 60.0
    bottom = top + _STEP * len(rows)
    highest = max(ratio for row in rows for ratio in row.ratios.values())
    low, high = math.log10(0.5), math.log10(highest * 1.3)

    def at(ratio: float) -> float:
        return _LEFT + (math.log10(ratio) - low) / (high - low) * (_RIGHT - _LEFT)

    picture = Drawing(760, bottom + 44, f"gridengine, {title}")
    picture.text(20, 30, f"gridengine, {title}", bold=True)
    _legend(picture, dots)
    for tick in (10.0**power for power in range(math.floor(high) + 1)):
        picture.line((at(tick), top - 4), (at(tick), bottom), "line" if tick == 1 else "grid")
        picture.text(
            at(tick), bottom + 20, f"{tick:,.0f} ×", colour="faint", size=13, anchor="middle"
        )
    for number, row in enumerate(rows):
        _row(picture, top + _STEP * (number + 0.5), row, dots, at)
    return picture.svg()


def _legend(picture: Drawing, dots: dict[str, str]) -> None:
    x = 24.0
    for peer, colour in dots.items():
        name = NAMES.get(peer, peer)
        picture.dot(x, 54, colour)
        picture.text(x + 10, 59, name, colour="faint", size=13)
        x += 34 + 7.2 * len(name)


def _row(
    picture: Drawing, y: float, row: Row, dots: dict[str, str], at: Callable[[float], float]
) -> None:
    for number, line in enumerate(lines := _wrapped(row.work)):
        picture.text(20, y + 5 - 8 * (len(lines) - 1) + 16 * number, line, size=13)
    # As it stands in the table: a ratio of rounded figures would be another than the one there.
    picture.text(_LEFT - 16, y + 5, row.figure, colour="faint", size=13, anchor="end")
    best = row.ratios[row.best]
    start, end = sorted((at(1), at(best)))
    fill = "ours" if best >= 1 else "behind"
    picture.rectangle(start, y - 8, max(end - start, 1.5), 16, fill, round_by=0)
    for peer, ratio in row.ratios.items():
        if peer in dots:
            picture.dot(at(ratio), y, dots[peer])


def _wrapped(text: str, width: int = 42) -> list[str]:
    """Returns a text in one line or two."""
    if len(text) <= width:
        return [text]
    cut = text.rfind(" ", 0, width)
    return [text[:cut], text[cut + 1 :]]
