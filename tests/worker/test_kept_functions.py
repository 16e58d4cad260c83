"""What a worker keeps of large functions from one map to the next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gridengine.dispatcher.sharing import Sharing
from gridengine.serialization import content
from gridengine.serialization.functions import pack_function
from gridengine.serialization.packed import Function
from gridengine.transport.messages import FunctionDefinition
from gridengine.transport.shared_memory import gather
from gridengine.worker.kept_functions import KeptFunctions

SIZE = 100_000


def closure(array: Any, *more: Any) -> Callable[..., Any]:
    def function(change: float) -> float:
        array[0] += change
        return float(array.sum()) + len(more)

    return function


def packed(function: Callable[..., Any]) -> Function:
    return Sharing(None, keep=True).function(pack_function(function))


def definition(function: Function, *, is_kept: bool = False) -> tuple[FunctionDefinition, Any]:
    frames = [] if is_kept else gather(function.frames)
    payload = b"" if is_kept else function.payload
    return FunctionDefinition(function.key, payload, len(frames), content=function.content), frames


@pytest.fixture(params=["in memory without a name", "without such memory"])
def kept(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeptFunctions]:
    if request.param == "without such memory":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    elif not hasattr(os, "memfd_create"):
        pytest.skip("Linux alone has it")
    kept = KeptFunctions()
    yield kept
    # The test's own arguments live on.
    for name in list(kept._kept):
        kept.forget(name)


def test_the_name_is_that_of_the_contents() -> None:
    array = np.ones(SIZE)
    first = packed(closure(array))
    assert first.content == packed(closure(array.copy())).content
    array[SIZE // 2] = 2.0
    assert first.content != packed(closure(array)).content
    assert first.content != packed(closure(np.ones(SIZE), 1)).content


def test_what_travels_is_what_was_named_whatever_becomes_of_it() -> None:
    array = np.ones(SIZE)
    function = packed(closure(array))
    array[:] = 0
    loaded = KeptFunctions().unpack(*definition(function))
    assert loaded(0.0) == SIZE


def test_what_is_larger_than_a_worker_keeps_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "FUNCTION_BYTES", SIZE)
    assert packed(closure(np.ones(SIZE))).content == b""


def test_it_is_unpacked_afresh_each_time_whatever_calls_have_done(kept: KeptFunctions) -> None:
    function = packed(closure(np.ones(SIZE)))
    first = kept.unpack(*definition(function))
    assert first(5.0) == SIZE + 5
    second = kept.unpack(*definition(function, is_kept=True))
    assert second(0.0) == SIZE
    assert first(1.0) == SIZE + 6


def test_a_large_pickle_is_kept_too(kept: KeptFunctions) -> None:
    table = {str(number): number for number in range(20_000)}

    def function(number: int) -> int:
        return table[str(number)]

    sent = packed(function)
    assert sent.content
    kept.unpack(*definition(sent))
    assert kept.unpack(*definition(sent, is_kept=True))(19_999) == 19_999


def test_what_is_forgotten_is_gone(kept: KeptFunctions) -> None:
    function = packed(closure(np.ones(SIZE)))
    kept.unpack(*definition(function))
    kept.forget(function.content)
    kept.forget(function.content)
    with pytest.raises(KeyError):
        kept.unpack(*definition(function, is_kept=True))


def test_no_descriptor_stays_of_what_is_forgotten(kept: KeptFunctions) -> None:
    before = len(os.listdir("/proc/self/fd"))
    function = packed(closure(np.ones(SIZE)))
    loaded = kept.unpack(*definition(function))
    kept.forget(function.content)
    assert loaded(0.0) == SIZE
    del loaded
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux alone has it")
def test_what_is_kept_takes_one_descriptor_however_many_arrays_it_has() -> None:
    arrays = [np.full(SIZE, float(number)) for number in range(50)]

    def function() -> list[float]:
        arrays[0][0] += 1
        return [float(array[0]) for array in arrays]

    sent = packed(function)
    kept = KeptFunctions()
    before = len(os.listdir("/proc/self/fd"))
    first, again = kept.unpack(*definition(sent)), kept.unpack(*definition(sent, is_kept=True))
    assert len(os.listdir("/proc/self/fd")) <= before + 3
    assert first() == again() == [1.0, *map(float, range(1, 50))]
    kept.forget(sent.content)
    del first, again
    assert len(os.listdir("/proc/self/fd")) == before
