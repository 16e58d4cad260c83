"""Large buffers are written once, and nobody ever sees another's writing."""

from __future__ import annotations

import functools
import gc
import mmap
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine.dispatcher.registry import dispatcher_for
from gridengine.schedulers import ProcessScheduler
from gridengine.transport import proc_files
from gridengine.transport.borrowed import Borrowed, OpenArena, insert_borrowed
from gridengine.transport.shared_memory import (
    SHARED,
    Arena,
    Loan,
    Scattered,
    replace_loans,
)

from .. import targets
from ..waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")

LARGE = 4 * SHARED // 8  # numbers in an array that is lent


@pytest.fixture
def arena() -> Iterator[Arena]:
    made = Arena.make()
    assert made is not None
    yield made
    made.close()


def borrow(arena: Arena, offset: int, nbytes: int, released: Any = lambda _: None) -> Borrowed:
    return Borrowed(OpenArena(arena.path), offset, nbytes, released)


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


def lend(arena: Arena, pages: int) -> Loan:
    loan = arena.lend(bytes(pages * mmap.PAGESIZE))
    assert loan is not None
    return loan


def written(arena: Arena) -> int:
    return os.stat(arena._descriptor).st_blocks * 512 // mmap.PAGESIZE


def test_chunks_of_other_sizes_fit_into_what_came_back(arena: Arena) -> None:
    first, second, third = lend(arena, 3), lend(arena, 5), lend(arena, 1)
    begin = first.offset
    # In another order than they were lent in, each beside one that is free already or not.
    del second, first
    small, large = lend(arena, 2), lend(arena, 6)
    assert (begin, begin + 2 * mmap.PAGESIZE) == (small.offset, large.offset)
    del large, third, small
    assert begin == lend(arena, 9).offset
    assert 9 == written(arena)


def test_what_was_not_needed_for_a_while_goes_back_to_the_system(arena: Arena) -> None:
    first, kept, last = lend(arena, 3), lend(arena, 5), lend(arena, 7)
    del first, last
    arena.trim()
    assert 15 == written(arena), "it has been lent since the last time"
    arena.trim()
    assert 5 == written(arena)
    again = arena.lend(b"x" * mmap.PAGESIZE * 20)
    assert again is not None
    assert b"x" * mmap.PAGESIZE * 20 == borrow(arena, again.offset, again.nbytes).buffer()[:]
    assert bytes(kept.nbytes) == borrow(arena, kept.offset, kept.nbytes).buffer()[:]


def test_a_scattered_buffer_is_lent_in_one_chunk(arena: Arena) -> None:
    parts = [b"a" * SHARED, b"", bytearray(b"bc"), memoryview(b"d" * SHARED)]
    whole = b"".join(parts)
    for _ in range(2):
        # On fresh pages, then on those that are there.
        (loan,) = arena.lend_large([Scattered(parts, len(whole))])
        assert whole == borrow(arena, loan.offset, loan.nbytes).buffer()[:]
        del loan


def test_one_that_is_closed_while_somebody_writes_into_it_closes_behind_him() -> None:
    made = Arena.make()
    assert made is not None
    descriptor = made._descriptor

    def parts() -> Iterator[bytes]:
        yield b"a" * SHARED
        made.close()
        os.fstat(descriptor)
        yield b"b"

    frame: Any = Scattered(parts(), SHARED + 1)  # type: ignore[arg-type]
    assert made.lend(frame) is not None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    made.close()
    assert made.lend(b"late") is None
    assert made.lend_large([bytes(SHARED)]) == [bytes(SHARED)]
    made.trim()


def test_what_finds_no_room_travels_as_it_is() -> None:
    full = Arena.make(2 * SHARED)
    assert full is not None
    loan = full.lend(bytes(SHARED))
    parts = [b"a" * SHARED, b"b" * SHARED]
    frames = full.lend_large([Scattered(parts, 2 * SHARED), bytes(SHARED), b"small"])
    assert [Scattered, Loan, bytes] == list(map(type, frames))
    assert parts == frames[0].parts
    del loan, frames
    full.close()


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
    insert_borrowed(travelling, loans, OpenArena(arena.path), lambda _: None)
    assert large == travelling[0].buffer()[:]
    assert small == travelling[1]
    assert large == travelling[2].buffer()[:]


def test_nonsense_about_loans_is_refused() -> None:
    for loan in ((3, 0, 1), (0, 17, 1)):
        with pytest.raises(ValueError, match="no loan"):
            insert_borrowed([], [loan], OpenArena(os.devnull), lambda _: None)


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


def test_a_large_function_travels_through_shared_memory_too(laptop: ProcessScheduler) -> None:
    text = "x" * LARGE
    assert [LARGE] * 3 == gridengine.map(lambda _: len(text), range(3), scheduler=laptop)
    job = gridengine.Job(target=lambda: len(text), scheduler=laptop)
    job.start()
    assert LARGE == job.result


@pytest.mark.parametrize("value", [b"x" * 8 * LARGE, np.ones(LARGE)], ids=["bytes", "array"])
def test_a_result_that_was_read_is_not_kept_packed_too(
    laptop: ProcessScheduler, value: Any
) -> None:
    job = gridengine.Job(target=targets.give, args=(value,), scheduler=laptop)
    job.start()
    assert np.array_equal(job.result, value)
    assert job._task is not None
    (outcome,) = job._task.outcomes
    assert (b"", ()) == (outcome.payload, outcome.frames)
    assert job.result is job.result
    assert outcome.usage == job.usage


def test_results_outlive_their_workers_and_the_scheduler() -> None:
    with ProcessScheduler(2) as scheduler:
        got = gridengine.map(np.full, [LARGE] * 4, range(4), scheduler=scheduler)
    assert [float(i) for i in range(4)] == [float(array.mean()) for array in got]


@pytest.mark.parametrize("size", [0, 2 * SHARED])
def test_all_is_right_where_there_is_no_memory_to_share(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The program's is full at once; or nobody has any.
    monkeypatch.setattr(Arena, "make", functools.partial(Arena.make, size) if size else _no_arena)
    values: list[Any] = [b"x" * LARGE * 8, np.arange(LARGE), "ü" * LARGE, bytearray(LARGE)]
    with ProcessScheduler(2) as scheduler:
        for _ in range(2):
            got = gridengine.map(targets.give, values, scheduler=scheduler)
            assert values[0] == got[0]
            assert np.array_equal(values[1], got[1])
            assert values[2:] == got[2:]
            job = gridengine.Job(target=targets.give, args=(values[0],), scheduler=scheduler)
            job.start()
            assert values[0] == job.result == job.result


def _no_arena() -> None:
    return None


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


def _large(_: object) -> np.ndarray[Any, Any]:
    return np.full(2_000_000, 7.0)


def test_a_large_result_outlives_its_worker_and_what_is_opened_after_its_end() -> None:
    with ProcessScheduler(1, fresh=True) as scheduler:
        job = gridengine.Job(target=_large, args=(0,), scheduler=scheduler)
        job.start()
        job.join()
        workers = dispatcher_for(scheduler)._state.ledger.workers
        wait_until(
            lambda: job.pid not in [worker.place.pid for worker in list(workers.values())],
            what="its worker is gone",
        )
        # What the program opens now may get the numbers of what was closed.
        others = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
        scheduler.close()
        assert (job.result == 7.0).all()
        for other in others:
            os.close(other)


def test_with_many_mappings_a_copy_takes_the_place_of_another(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (400, 400))
    monkeypatch.setattr("gridengine.transport.borrowed._OF_A_MAPPING", True)
    released: list[int] = []
    loans = [arena.lend(b"%4d" % number * 1250) for number in range(120)]
    theirs = OpenArena(arena.path)
    borrowed = [Borrowed(theirs, loan.offset, 5000, released.append) for loan in loans if loan]
    buffers = [each.buffer() for each in borrowed]
    assert [bytes(buffer[:]) for buffer in buffers] == [b"%4d" % n * 1250 for n in range(120)]
    mapped = sum(isinstance(buffer, mmap.mmap) for buffer in buffers)
    assert mapped <= 100
    # What was copied is given back at once, what is mapped when nobody has it any more.
    assert len(released) == 120 - mapped
    assert all(each.buffer() is buffer for each, buffer in zip(borrowed, buffers, strict=True))
    buffers.clear()
    borrowed.clear()
    gc.collect()
    assert len(released) == 120


def test_without_a_descriptor_it_is_copied(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    loan = arena.lend(b"abc")
    assert loan is not None
    mine = borrow(arena, loan.offset, 3)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    monkeypatch.setattr("gridengine.transport.descriptors.limit", lambda: soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        assert bytes(mine.buffer()[:]) == b"abc"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_arena_is_not_opened_with_the_last_descriptor(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridengine.transport.descriptors.limit", lambda: 0)
    with pytest.raises(OSError, match="Too many open files"):
        OpenArena(arena.path)


def test_there_is_no_arena_where_proc_is_of_other_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert proc_files.folder(1) == "/proc/1"
    monkeypatch.setattr(os, "readlink", lambda path: "1" if path == "/proc/self" else path)
    assert proc_files.folder(1) == ""
    assert Arena.make() is None


def test_large_results_come_though_the_memory_of_their_workers_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: str) -> OpenArena:
        raise PermissionError(path)

    monkeypatch.setattr("gridengine.dispatcher.task_messages.OpenArena", refuse)
    with ProcessScheduler(2) as scheduler:
        values = gridengine.map(bytes, [10_000_000] * 4, scheduler=scheduler)
        [files] = gridengine.map(_open_files, [None], scheduler=scheduler)
    assert values == [bytes(10_000_000)] * 4
    assert "cannot be opened" in caplog.text
    # The worker has let go of what nobody sees.
    assert "/memfd:gridengine (deleted)" not in files


def _open_files(_: None) -> list[str]:
    folder = "/proc/self/fd"
    return [
        os.readlink(path) for n in os.listdir(folder) if os.path.islink(path := f"{folder}/{n}")
    ]
