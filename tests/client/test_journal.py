"""Results that outlive the program: what is done is not done again."""

from __future__ import annotations

import functools
import logging
import operator
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine.client.journal import results
from gridengine.schedulers import ProcessScheduler, Scheduler

from .. import traces
from ..journals import At, Counted, counted, path, scheduler, squares, wait_until_closed

__all__ = ["counted", "path", "scheduler"]


def test_what_is_done_is_not_done_again(scheduler: Scheduler, counted: Counted, path: Path) -> None:
    square = squares(counted)
    for _ in range(3):
        found = gridengine.map(square, range(300), scheduler=scheduler, journal=path)
        assert found == [x * x for x in range(300)]
    assert counted.calls == 300


def test_no_process_is_started_for_what_is_done(scheduler: Scheduler, path: Path) -> None:
    gridengine.map(abs, range(-9, 0), scheduler=scheduler, journal=path)
    before = traces.look([]).children
    with ProcessScheduler(2) as fresh:
        assert gridengine.map(abs, range(-8, 0), scheduler=fresh, journal=path) == [
            *range(8, 0, -1)
        ]
        assert traces.look([]).children == before
        # What is not done starts them, however late.
        assert gridengine.map(abs, [-1, -10], scheduler=fresh, journal=path) == [1, 10]
        assert traces.look([]).children > before


@pytest.mark.parametrize("chunksize", [1, 7, 64, None])
def test_chunks_of_another_size_find_the_same_calls(
    scheduler: Scheduler, counted: Counted, path: Path, chunksize: int | None
) -> None:
    square = squares(counted)
    gridengine.map(square, range(0, 200, 3), scheduler=scheduler, journal=path, chunksize=8)
    before = counted.calls
    found = gridengine.map(
        square, range(200), scheduler=scheduler, journal=path, chunksize=chunksize
    )
    assert found == [x * x for x in range(200)]
    assert counted.calls == before + 200 - len(range(0, 200, 3))


@pytest.mark.parametrize(
    "items",
    [
        [1.5, True, None, "a", b"b", 1, 1j, -0.0, 0.0],
        [(1, "a"), (1, ("b",)), (1.0, "a")],
        [{"a": 1}, {"a": 2}, [1], [2]],
        [{"x", "y"}, {"z"}, frozenset("ab")],
        [np.arange(5), np.arange(100_000), np.float64(3)],
        [Path("a"), range(3), slice(1, 2)],
    ],
    ids=["atoms", "tuples", "containers", "sets", "arrays", "objects"],
)
def test_items_of_all_kinds_are_known_again(
    scheduler: Scheduler, counted: Counted, path: Path, items: list[Any]
) -> None:
    folder = str(counted.folder)

    def text(x: Any) -> str:
        return f"{type(x).__name__} {sorted(x) if isinstance(x, (set, frozenset)) else x}"

    def shown(x: Any) -> str:
        Counted.note(At(folder), 1)  # type: ignore[arg-type]
        return text(x)

    expected = [text(x) for x in items]
    for chunksize in (None, 2, 100):
        found = gridengine.map(shown, items, scheduler=scheduler, journal=path, chunksize=chunksize)
        assert found == expected
    assert counted.calls == len(items)


@pytest.mark.parametrize("kept_bytes", [0, 16 * 1024 * 1024])
def test_items_in_another_order_have_each_answer_unpacked_once_a_block(
    scheduler: Scheduler, path: Path, monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    def run(items: list[int]) -> list[int]:
        return gridengine.map(operator.neg, items, scheduler=scheduler, journal=path, chunksize=10)

    items = list(range(1000))
    run(items)
    random.Random(1).shuffle(items)
    unpacked, blocks = [], []
    unpack, split = results.unpack, results.Results.split

    def counting(*packed: Any) -> Any:
        unpacked.append(packed)
        return unpack(*packed)

    def counting_blocks(self: results.Results, keys: Any, first: int) -> Any:
        runs = list(split(self, keys, first))
        blocks.append(len(runs))
        return runs

    monkeypatch.setattr(results, "_UNPACKED_BYTES", kept_bytes)
    monkeypatch.setattr(results, "unpack", counting)
    monkeypatch.setattr(results.Results, "split", counting_blocks)
    assert run(items) == [-x for x in items]
    assert blocks == [1] * len(blocks)
    assert len(unpacked) == 100 if kept_bytes else len(unpacked) <= 100 * len(blocks)
    # Some of them are unknown, in between.
    mixed = [x + 500 for x in items]
    assert run(mixed) == [-x for x in mixed]


def test_of_calls_that_are_alike_each_has_a_value_of_its_own(
    scheduler: Scheduler, counted: Counted, path: Path
) -> None:
    folder = str(counted.folder)

    def drawn(_: None) -> bytes:
        Counted.note(At(folder), 1)  # type: ignore[arg-type]
        return os.urandom(8)

    first = gridengine.map(drawn, [None] * 50, scheduler=scheduler, journal=path)
    again = gridengine.map(drawn, [None] * 60, scheduler=scheduler, journal=path)
    assert len(set(again)) == 60
    assert set(first) < set(again)
    assert counted.calls == 60


def test_what_has_failed_is_tried_again_and_all_else_is_not(
    scheduler: Scheduler, counted: Counted, path: Path, tmp_path: Path
) -> None:
    folder, broken = str(counted.folder), tmp_path / "broken"
    broken.touch()

    def fragile(x: int) -> int:
        Counted.note(At(folder), x)  # type: ignore[arg-type]
        if x % 10 == 3 and broken.exists():
            raise ValueError(x)
        return -x

    def run() -> list[Any]:
        return gridengine.map(
            fragile, range(100), scheduler=scheduler, journal=path, reraise=False, chunksize=20
        )

    assert sum(map(gridengine.raised, run())) == 10
    broken.unlink()
    assert run() == [-x for x in range(100)]
    assert counted.calls == 110


def test_other_code_makes_other_results(scheduler: Scheduler, path: Path) -> None:
    def made(source: str) -> Any:
        namespace: dict[str, Any] = {"__name__": "made", "SCALE": 1}
        exec(source, namespace)
        return namespace["f"]

    def run(source: str, **options: Any) -> list[int]:
        return gridengine.map(made(source), [1, 2], scheduler=scheduler, journal=path, **options)

    assert run("def f(x): return x + 1") == [2, 3]
    assert run("\n# moved\ndef f(x):\n    # with words\n    return x + 1") == [2, 3]
    assert run("def f(x): return x + 2") == [3, 4]
    assert run("def g(x): return x + 3\ndef f(x): return g(x)") == [4, 5]
    assert run("def g(x): return x + 4\ndef f(x): return g(x)") == [5, 6]
    assert run("SCALE = 5\ndef f(x): return x * SCALE") == [5, 10]
    assert run("SCALE = 6\ndef f(x): return x * SCALE") == [6, 12]


def test_with_a_key_the_code_does_not_count(scheduler: Scheduler, path: Path) -> None:
    def run(source: str, items: list[float]) -> list[Any]:
        namespace: dict[str, Any] = {"__name__": "made"}
        exec(source, namespace)
        return gridengine.map(namespace["f"], items, scheduler=scheduler, journal=path, key=round)

    assert run("def f(x): return x + 1", [1.1, 2.1]) == [2.1, 3.1]
    assert run("def f(x): return x + 2", [1.2, 3.0, 2.2]) == [2.1, 5.0, 3.1]


class _Bound:
    def __init__(self, add: int) -> None:
        self.add = add

    def __call__(self, x: int) -> int:
        return x + self.add

    def plus(self, x: int) -> int:
        return x + self.add


def _closure(add: int) -> Any:
    return lambda x: x + add


def _decorated(function: Any) -> Any:
    return functools.wraps(function)(lambda x: function(x))


@pytest.mark.parametrize(
    "bound",
    [
        lambda add: functools.partial(operator.add, add),
        _closure,
        lambda add: _decorated(_closure(add)),
        lambda add: lambda x, add=add: x + add,
        _Bound,
        lambda add: _Bound(add).plus,
    ],
    ids=["partial", "closure", "closures", "default", "instance", "method"],
)
def test_with_a_key_what_is_bound_to_a_function_counts(
    scheduler: Scheduler, path: Path, bound: Callable[[int], Any]
) -> None:
    def run(add: int, items: list[int]) -> list[int]:
        options: Any = {"scheduler": scheduler, "journal": path, "key": lambda x: x % 100}
        return gridengine.map(bound(add), items, **options)

    assert run(10, [1, 2]) == [11, 12]
    assert run(20, [1, 2]) == [21, 22]
    # Another item of the same key shows that it was not called.
    assert run(10, [101, 102]) == [11, 12]


def test_options_that_change_results_are_told_apart(scheduler: Scheduler, path: Path) -> None:
    def shown(x: int) -> tuple[int, str | None, float]:
        import random

        return x, os.environ.get("COLOUR"), random.random()

    def run(items: list[int], **options: Any) -> list[Any]:
        return gridengine.map(shown, items, scheduler=scheduler, journal=path, **options)

    red, blue = run([1], env={"COLOUR": "red"}), run([1], env={"COLOUR": "blue"})
    assert (red[0][1], blue[0][1]) == ("red", "blue")
    seeded = run([1, 2, 3], seed=1)
    assert seeded == run([1, 2, 3], seed=1)
    assert seeded != run([1, 2, 3], seed=2)
    # The same item as another call has other random numbers.
    assert run([1, 3, 2], seed=1) == gridengine.map(shown, [1, 3, 2], scheduler=scheduler, seed=1)


def test_large_values_come_as_they_were(scheduler: Scheduler, path: Path) -> None:
    def made(n: int) -> Any:
        return [np.full(200_000, n % 256, dtype="u1"), b"x" * n, np.arange(n)]

    for _ in range(2):
        for n, (a, b, c) in enumerate(
            gridengine.imap(made, range(70_000, 70_004), scheduler=scheduler, journal=path), 70_000
        ):
            assert a.nbytes == 200_000
            assert a[0] == a[-1] == n % 256
            a[:] = 0  # its own, and not the journal's
            assert (len(b), len(c)) == (n, n)


def test_a_file_that_is_no_journal_is_left_as_it_is(scheduler: Scheduler, tmp_path: Path) -> None:
    text, other, newer = (tmp_path / name for name in ("text", "other", "newer"))
    text.write_bytes(b"mine, " * 1000)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    gridengine.map(abs, [1], scheduler=scheduler, journal=newer)
    wait_until_closed()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = text.read_bytes(), other.read_bytes()
    for given, why in ((text, "no journal"), (other, "another program"), (newer, "version 99")):
        with pytest.raises(gridengine.GridEngineError, match=why):
            gridengine.map(abs, [1], scheduler=scheduler, journal=given)
    assert before == (text.read_bytes(), other.read_bytes())


def test_a_file_that_others_can_write_is_refused(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    path.touch()
    path.chmod(0o666)
    with pytest.raises(gridengine.GridEngineError, match="chmod go-w"):
        gridengine.map(abs, [1], scheduler=scheduler, journal=path)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(gridengine.GridEngineError, match="others can write into"):
        gridengine.map(abs, [1], scheduler=scheduler, journal=shared / "run.journal")


def test_a_new_journal_is_private(scheduler: Scheduler, path: Path) -> None:
    gridengine.map(abs, [1], scheduler=scheduler, journal=path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"journal": 3}, TypeError),
        ({"journal": ""}, ValueError),
        ({"journal": "/"}, ValueError),
        ({"key": str}, ValueError),
        ({"journal": "x", "key": 3}, TypeError),
        ({"journal": "/nowhere/at/all"}, gridengine.GridEngineError),
    ],
)
def test_impossible_journals_are_refused(
    scheduler: Scheduler, options: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        gridengine.map(abs, [1], scheduler=scheduler, **options)


def test_results_of_other_code_are_told_of(
    scheduler: Scheduler, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gridengine.map(lambda x: x, [1, 2], scheduler=scheduler, journal=path)
    with caplog.at_level(logging.WARNING):
        gridengine.map(lambda x: x + 1, [1, 2], scheduler=scheduler, journal=path)
    assert "has 2 results of" in caplog.text
