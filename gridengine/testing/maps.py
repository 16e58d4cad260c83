"""What `gridengine.map` promises."""

from __future__ import annotations

import builtins
import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gridengine

from .. import extras
from ..schedulers.base import Scheduler
from . import targets

with extras.needed("testing", "gridengine.testing"):
    import pytest


class MapContract:
    """What `gridengine.map` promises."""

    @pytest.mark.parametrize("count", [0, 1, 5, 1000])
    def test_map_equals_the_builtin(self, scheduler: Scheduler, count: int) -> None:
        expected = list(builtins.map(targets.square, range(count)))
        assert expected == gridengine.map(targets.square, range(count), scheduler=scheduler)

    def test_map_takes_several_iterables_and_stops_with_the_shortest(
        self, scheduler: Scheduler
    ) -> None:
        got = gridengine.map(targets.add, [1, 2, 3], iter([10, 20]), scheduler=scheduler)
        assert got == [11, 22]

    @pytest.mark.parametrize(
        "items",
        [range(10_000, 0, -3), tuple(range(3000)), list(range(3000)), range(2**70, 2**70 + 9)],
    )
    def test_map_cuts_sequences_as_the_builtin_draws_from_them(
        self, scheduler: Scheduler, items: Any
    ) -> None:
        expected = list(builtins.map(targets.square, items))
        for _ in range(2):
            assert expected == gridengine.map(targets.square, items, scheduler=scheduler)

    def test_map_takes_a_generator_and_raises_what_it_raises(self, scheduler: Scheduler) -> None:
        def items() -> Iterator[int]:
            yield 1
            raise LookupError("no more")

        with pytest.raises(LookupError, match="no more"):
            gridengine.map(targets.square, items(), scheduler=scheduler)

    def test_map_keeps_to_a_chunksize(self, scheduler: Scheduler) -> None:
        got = gridengine.map(targets.square, range(10), scheduler=scheduler, chunksize=4)
        assert [x * x for x in range(10)] == got

    def test_map_raises_the_first_exception_in_order(self, scheduler: Scheduler) -> None:
        f = functools.partial(targets.fail_at, bad=37)
        with pytest.raises(ZeroDivisionError, match="at 37"):
            gridengine.map(f, range(200), scheduler=scheduler)

    def test_a_failed_map_takes_back_what_has_not_begun(
        self, scheduler: Scheduler, tmp_path: Path
    ) -> None:
        def touch(x: int) -> None:
            (tmp_path / str(x)).touch()
            if x == 0:
                raise ZeroDivisionError
            targets.sleep(0.02)

        with pytest.raises(ZeroDivisionError):
            gridengine.map(touch, range(1000), scheduler=scheduler, chunksize=10)
        # Its workers are free for the next map.
        assert gridengine.map(targets.square, [2], scheduler=scheduler) == [4]
        assert len(os.listdir(tmp_path)) < 1000

    def test_exceptions_can_stand_in_the_list(self, scheduler: Scheduler) -> None:
        f = functools.partial(targets.fail_at, bad=2)
        got = gridengine.map(f, range(4), scheduler=scheduler, reraise=False)
        assert [x for x in got if not gridengine.raised(x)] == [0, 1, 3]
        assert isinstance(got[2], ZeroDivisionError)

    def test_a_returned_exception_is_not_a_raised_one(self, scheduler: Scheduler) -> None:
        (got,) = gridengine.map(
            targets.return_an_exception, [1], scheduler=scheduler, reraise=False
        )
        assert isinstance(got, ValueError)
        assert not gridengine.raised(got)
        (got,) = gridengine.map(targets.return_an_exception, [1], scheduler=scheduler)
        assert isinstance(got, ValueError)

    def test_a_map_that_is_not_done_in_time_is_cancelled(self, scheduler: Scheduler) -> None:
        with pytest.raises(TimeoutError):
            gridengine.map(targets.sleep, [60.0] * 3, scheduler=scheduler, timeout=0.2)
        assert gridengine.map(targets.square, [2], scheduler=scheduler) == [4]

    def test_maps_of_several_threads_do_not_mix(self, scheduler: Scheduler) -> None:
        got: dict[int, list[int]] = {}

        def run(number: int) -> None:
            f = functools.partial(targets.add, number * 1000)
            got[number] = gridengine.map(f, range(100), scheduler=scheduler)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {n: [n * 1000 + x for x in range(100)] for n in range(4)} == got

    def test_a_map_rejects_what_it_cannot_use(self, scheduler: Scheduler) -> None:
        with pytest.raises(TypeError, match="cannot be called"):
            gridengine.map(3, [1], scheduler=scheduler)  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="at least one iterable"):
            gridengine.map(targets.square, scheduler=scheduler)  # type: ignore[call-overload]
        with pytest.raises(ValueError, match="chunksize"):
            gridengine.map(targets.square, [1], scheduler=scheduler, chunksize=0)

    def test_an_item_that_cannot_travel_is_named(self, scheduler: Scheduler) -> None:
        with (
            open(os.devnull) as file,
            pytest.raises(TypeError, match=r"argument of call 2.*open file"),
        ):
            gridengine.map(targets.give, [1, 2, file], scheduler=scheduler)
