"""Functions whose calls return coroutines are refused before anything runs."""

from __future__ import annotations

import asyncio
import functools
import gc
import types
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import gridengine
from gridengine.client.callables import check_callable
from gridengine.schedulers import InlineScheduler


async def ask(x: int) -> int:
    await asyncio.sleep(0)
    return x


@types.coroutine
def old(x: int) -> Any:
    yield
    return x


class Client:
    async def ask(self, x: int) -> int:
        return x


WAYS: dict[str, Callable[[Any], object]] = {
    "f": lambda f: gridengine.map(f, [1], scheduler="inline"),
    "f of imap": lambda f: gridengine.imap(f, [1], scheduler="inline"),
    "f of imap_unordered": lambda f: gridengine.imap_unordered(f, [1], scheduler="inline"),
    "target": lambda f: gridengine.Job(target=f, args=(1,)),
    "fn": lambda f: gridengine.Executor(1, scheduler="inline").submit(f, 1),
    "fn of map": lambda f: gridengine.Executor(1, scheduler="inline").map(f, [1]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", [ask, old, functools.partial(ask, 1), Client().ask])
def test_a_coroutine_function_is_refused_with_what_to_write(function: Any, way: str) -> None:
    what = way.partition(" ")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match=rf"^{what} is .*lambda \*args: asyncio\.run\("):
            WAYS[way](function)
        gc.collect()


def test_what_is_advised_works() -> None:
    with InlineScheduler() as inline:
        got = gridengine.map(lambda *args: asyncio.run(ask(*args)), [1, 2], scheduler=inline)
    assert got == [1, 2]


def test_what_has_no_code_is_called() -> None:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return self

        def __call__(self) -> None:
            pass

    for function in (abs, str, Anything(), functools.partial(int, "3")):
        check_callable("f", function)
