"""A breakpoint in a job says what to do, and in the program it stops."""

from __future__ import annotations

import pdb
import sys
from collections.abc import Callable
from typing import Any

import pytest

import gridengine
from gridengine import BreakpointError
from gridengine.schedulers import ProcessScheduler


def by_name(x: int) -> int:
    breakpoint()
    return x


def by_pdb(x: int) -> int:
    pdb.set_trace()
    return x


def by_own_hook(x: int) -> int:
    before, sys.breakpointhook = sys.breakpointhook, lambda: None
    try:
        return by_name(x)
    finally:
        sys.breakpointhook = before


@pytest.mark.parametrize(
    ("function", "what"), [(by_name, "breakpoint()"), (by_pdb, "pdb.set_trace()")]
)
def test_it_is_an_error_that_names_the_line_and_both_ways_and_runs_again_here(
    laptop: ProcessScheduler,
    monkeypatch: pytest.MonkeyPatch,
    function: Callable[[int], int],
    what: str,
) -> None:
    line = function.__code__.co_firstlineno + 1
    [error] = gridengine.map(function, [7], scheduler=laptop, reraise=False)
    assert isinstance(error, BreakpointError)
    assert str(error).startswith(f"{what} in {function.__name__}, {__file__}:{line}: ")
    assert "scheduler='inline'" in str(error)
    stopped: list[Any] = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: stopped.append(1))
    monkeypatch.setattr(pdb, "set_trace", lambda: stopped.append(1))
    assert error.replay() == 7  # type: ignore[attr-defined]  # what every failure has
    assert stopped == [1]


@pytest.mark.parametrize("value", ["0", "builtins.list"])
def test_what_the_variable_asks_for_is_heeded(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PYTHONBREAKPOINT", value)
    assert gridengine.map(by_name, [7], scheduler=laptop) == [7]


def test_a_hook_that_a_job_sets_is_left_alone(laptop: ProcessScheduler) -> None:
    assert gridengine.map(by_own_hook, [7], scheduler=laptop) == [7]
