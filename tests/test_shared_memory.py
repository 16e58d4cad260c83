"""Large buffers are written once, and nobody ever sees another's writing."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler
from gridengine.shared_memory import SHARED, Arena, Borrowed, insert_borrowed, replace_loans

from . import targets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")

LARGE = 4 * SHARED // 8  # numbers in an array that is lent


@pytest.fixture
def arena() -> Iterator[Arena]:
    made = Arena.make()
    assert made is not None
    yield made
    made.close()


def borrow(arena: Arena, offset: int, nbytes: int, released: Any = lambda _: None) -> Borrowed:
    return Borrowed(arena._descriptor, offset, nbytes, released)


def test_what_is_lent_is_read_on_the_other_side(arena: Arena) -> None:
    loan = arena.lend(b"abc" * 10)
    assert loan is not None
    assert b"abc" * 10 == borrow(arena, loan.offset, loan.nbytes).buffer()[:]


def test_what_a_borrower_writes_is_its_own(arena: Arena) -> None:
    loan = arena.lend(b"abc")
    assert loan is not None
    mine = borrow(arena, loan.offset, 3).buffer()
    mine[:] = b"xyz"
    assert b"abc" == borrow(arena, loan.offset, 3).buffer()[:]


def test_a_loan_that_nobody_has_any_more_is_lent_again(arena: Arena) -> None:
    loan = arena.lend(bytes(SHARED))
    assert loan is not None
    offset = loan.offset
    other = arena.lend(bytes(SHARED))
    assert other is not None
    assert other.offset != offset
    del loan
    again = arena.lend(bytes(SHARED))
    assert again is not None
    assert offset == again.offset


def test_a_borrowed_buffer_is_released_with_the_last_array_on_it(arena: Arena) -> None:
    released: list[int] = []
    loan = arena.lend(np.arange(4.0))
    assert loan is not None
    borrowed = borrow(arena, loan.offset, loan.nbytes, released.append)
    array = np.frombuffer(borrowed.buffer())
    part = array[1:]
    del borrowed, array
    gc.collect()
    assert not released
    assert 6.0 == part.sum()
    del part
    assert [loan.offset] == released


def test_a_buffer_that_is_never_looked_at_is_released_too(arena: Arena) -> None:
    released: list[int] = []
    borrowed = borrow(arena, 4096, 10, released.append)
    del borrowed
    assert [4096] == released


def test_frames_keep_their_places(arena: Arena) -> None:
    small, large = b"small", bytes(range(256)) * (SHARED // 256)
    frames = arena.lend_large([large, small, large])
    travelling, loans = replace_loans(frames)
    assert [small] == travelling
    insert_borrowed(travelling, loans, arena._descriptor, lambda _: None)
    assert large == travelling[0].buffer()[:]
    assert small == travelling[1]
    assert large == travelling[2].buffer()[:]


def test_nonsense_about_loans_is_refused() -> None:
    for loan in ((3, 0, 1), (0, 17, 1)):
        with pytest.raises(ValueError, match="no loan"):
            insert_borrowed([], [loan], 0, lambda _: None)


# -- through the whole house ------------------------------------------------------------------


def add_in_place(array: Any, number: float) -> float:
    array += number
    return float(array[0])


def spoil_and_die_once(array: Any, path: str) -> float:
    seen = float(array[0])
    array[:] = -1
    targets.kill_self_once(path, 0)
    return seen


_kept: list[Any] = []


def keep(array: Any) -> float:
    """Keeps what it was given, and tells what became of what it was given first."""
    _kept.append(array)
    return float(_kept[0][0])


def test_a_job_that_changes_its_argument_changes_nobody_elses(laptop: ProcessScheduler) -> None:
    shared = np.zeros(LARGE)
    f = functools.partial(add_in_place, shared)
    # Each worker has the function, and so its array, once: its own calls add up.
    got = gridengine.map(f, [1.0] * 8, scheduler=laptop, chunksize=1)
    assert max(got) <= 8
    assert shared.sum() == 0


def test_a_second_attempt_finds_the_argument_as_it_was(
    laptop: ProcessScheduler, tmp_path: Path
) -> None:
    job = gridengine.Job(
        target=spoil_and_die_once,
        args=(np.ones(LARGE), str(tmp_path / "died")),
        scheduler=laptop,
    )
    job.start()
    assert (1.0, 2) == (job.result, job.attempts)


def test_an_argument_that_a_worker_keeps_is_not_written_over() -> None:
    with ProcessScheduler(1) as scheduler:
        arrays = [np.full(LARGE, float(i)) for i in range(6)]
        assert [0.0] * 6 == gridengine.map(keep, arrays, scheduler=scheduler, chunksize=1)


def test_results_outlive_their_workers_and_the_scheduler() -> None:
    with ProcessScheduler(2) as scheduler:
        got = gridengine.map(np.full, [LARGE] * 4, range(4), scheduler=scheduler)
    assert [float(i) for i in range(4)] == [float(array.mean()) for array in got]


def test_the_memory_of_results_that_were_dropped_is_used_again() -> None:
    with ProcessScheduler(1) as scheduler:
        pid = gridengine.map(targets.pid, [0], scheduler=scheduler)[0]
        for _ in range(20):
            gridengine.map(np.zeros, [LARGE] * 4, scheduler=scheduler)
        # Blocks of 512 bytes that were ever written.
        written = max(
            path.stat().st_blocks * 512
            for path in Path(f"/proc/{pid}/fd").iterdir()
            if "memfd:gridengine" in os.readlink(path)
        )
        sent = 20 * 4 * LARGE * 8
        assert 0 < written < sent / 2
