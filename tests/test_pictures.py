"""The pictures of the documents: as drawn, with the figures of the tables."""

from __future__ import annotations

import importlib
import re
import runpy
from types import ModuleType

import pytest

from .documents import DOCS


@pytest.fixture
def performance(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS / "pictures"))
    return importlib.import_module("performance")


def test_they_are_as_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS / "pictures"))
    drawn = {
        name: draw()
        for name, draw in runpy.run_path(str(DOCS / "pictures" / "__main__.py"))["PICTURES"].items()
    }
    assert len(drawn) > 3
    old = [
        name
        for name, picture in drawn.items()
        if (DOCS / "pictures" / name).read_text(encoding="utf-8") != picture
    ]
    assert old == [], "draw them anew: python docs/pictures"


def test_figures_have_the_unit_of_those_behind_them(performance: ModuleType) -> None:
    found = performance.peers("mpire 0.7, loky 0.6, pool 0.4 GB/s")
    assert found == {"mpire": (0.7e9, "GB/s"), "loky": (0.6e9, "GB/s"), "pool": (0.4e9, "GB/s")}
    assert performance.peers("mpire 0.93 s, pool 54 ms") == {
        "mpire": (0.93, "s"),
        "pool": (pytest.approx(0.054), "ms"),
    }


def test_what_takes_half_the_time_is_twice_as_good(performance: ModuleType) -> None:
    quantity = performance.quantity
    assert performance.times_as_good(quantity("1 ms"), quantity("2 ms")) == pytest.approx(2)
    assert performance.times_as_good(quantity("2 k/s"), quantity("1 k/s")) == pytest.approx(2)
    assert quantity("0.4 to 0.9 s")[0] == pytest.approx(0.6)


def test_the_ratios_are_those_of_the_table(performance: ModuleType) -> None:
    rows = {row.work: row for row in performance.on_one_host()}
    compared = 0
    for work, ours, best, _, aim, ratio in performance.tables()[0]:
        if best and ratio:
            row = rows[work.replace("`", "")]
            peer = next((peer for peer in row.ratios if peer in aim), row.best)
            less_is_better = performance.quantity(ours)[1] in performance.LESS_IS_BETTER
            # The table has ours / theirs, of figures that are not rounded.
            stated = float(re.findall(r"[\d.]+", ratio)[0])
            shown = 1 / row.ratios[peer] if less_is_better else row.ratios[peer]
            assert shown == pytest.approx(stated, rel=0.05), work
            compared += 1
    assert compared > 10
