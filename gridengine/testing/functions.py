"""What can be called, and what travels to a worker and back."""

from __future__ import annotations

import copy
import functools
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import gridengine

from .. import extras
from ..schedulers.base import Scheduler
from . import targets

with extras.needed("testing", "gridengine.testing"):
    import numpy as np
    import pytest


#: In a message; in a frame of its own; in shared memory, if there is any; one that is waited for.
SIZES = [1_000, 12_000, 100_000, 10_000_000]


def _jobs_of(size: int) -> range:
    # The largest take a second each, encrypted.
    return range(10 if size < 1_000_000 else 4)


class FunctionContract:
    """What can be called, and what travels to a worker and back."""

    @pytest.mark.parametrize(
        "function",
        [
            abs,
            targets.square,
            lambda x: x + 1,
            targets.adding(1),
            targets.Adder(1).add,
            targets.Adder.make,
            targets.Adder.plain,
            targets.Adder(2),
            functools.partial(targets.add, 1, c=2),
            gridengine.partial(targets.add, 1, c=2),
            int,
        ],
        ids=lambda f: getattr(f, "__name__", type(f).__name__),
    )
    def test_anything_that_can_be_called_can_be_mapped(
        self, scheduler: Scheduler, function: Any
    ) -> None:
        assert [function(5)] == gridengine.map(function, [5], scheduler=scheduler)

    def test_a_module_that_no_worker_finds_goes_by_value(
        self, scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "only_of_the_program.py"
        file.write_text("FACTOR = 1\ndef times(x): return x * FACTOR\nclass Box: pass\n")
        monkeypatch.syspath_prepend(tmp_path)
        module: Any = importlib.import_module("only_of_the_program")
        module.FACTOR = 3
        gridengine.register_by_value(module)
        file.unlink()
        try:
            assert gridengine.map(module.times, [1, 2], scheduler=scheduler) == [3, 6]
            [box] = gridengine.map(lambda _: module.Box(), [1], scheduler=scheduler)
            assert type(box) is module.Box
        finally:
            gridengine.unregister_by_value(module)
            del sys.modules[module.__name__]

    def test_what_a_module_was_told_at_run_time_holds(
        self, scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "appmod.py").write_text(
            "CONFIG = None\n"
            "def configure(value):\n"
            "    global CONFIG\n"
            "    CONFIG = value\n"
            "def task():\n"
            "    return lambda x: (CONFIG, x)\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        module = importlib.import_module("appmod")
        # Workers that were there before would not find it.
        with copy.copy(scheduler) as own:
            for value in ("first", "second"):
                module.configure(value)
                assert gridengine.map(module.task(), [1], scheduler=own) == [(value, 1)]
        del sys.modules["appmod"]

    def test_arrays_travel_and_can_be_written_to(self, scheduler: Scheduler) -> None:
        def double_in_place(array: Any) -> Any:
            array *= 2
            return array

        arrays = [np.full(100_000, float(i)) for i in range(4)]
        got = gridengine.map(double_in_place, arrays, scheduler=scheduler)
        for i, array in enumerate(got):
            assert array.sum() == 2 * i * 100_000
            array += 1
        assert arrays[3][0] == 3.0

    @pytest.mark.parametrize("size", SIZES)
    def test_a_job_has_the_arguments_as_they_were_when_it_was_started(
        self, start: Any, size: int
    ) -> None:
        array = np.zeros(size)
        jobs = []
        for number in _jobs_of(size):
            array[:] = number
            jobs.append(start(targets.first_and_last, array))
        array[:] = -1
        assert [(number, number) for number in _jobs_of(size)] == [job.result for job in jobs]

    @pytest.mark.parametrize("size", SIZES)
    def test_a_result_is_as_it_was_when_its_job_ended(self, start: Any, size: int) -> None:
        """The function keeps what it returns, and a later job changes it."""
        jobs = [start(targets.fill_and_keep, size, number) for number in _jobs_of(size)]
        for number, job in enumerate(jobs):
            assert (number, number) == targets.first_and_last(job.result)
            job.close()

    def test_payloads_of_some_megabytes_travel(self, scheduler: Scheduler) -> None:
        data = os.urandom(8_000_000)
        assert [data] == gridengine.map(targets.give, [data], scheduler=scheduler)
