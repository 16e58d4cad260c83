"""What a worker has begun, and what can be taken back from it: never both, never neither."""

from __future__ import annotations

import itertools
import mmap
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from gridengine.worker import progress_page
from gridengine.worker.progress_page import MAX_WIDTH, ProgressPage


@pytest.fixture
def page() -> Iterator[ProgressPage]:
    page = ProgressPage()
    yield page
    page.close()


def at_fence(
    monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], object]
) -> list[object]:
    """Has ``act`` happen at the fence of that number, as if another process did it there.

    Returns:
        A list that will hold what it returned.
    """
    fences = 0
    returned: list[object] = []

    def fence() -> None:
        nonlocal fences
        fences += 1
        if fences == number:
            returned.append(act())

    monkeypatch.setattr(progress_page, "_fence", fence)
    return returned


def test_a_fresh_page_says_that_nothing_was_begun(page: ProgressPage) -> None:
    assert page.begun == (0, 0)
    assert page.deadline == 0.0


def test_what_was_claimed_is_what_was_begun(page: ProgressPage) -> None:
    assert page.claim(0, 1) == 1
    assert page.begun == (0, 1)
    assert page.claim(2**43 - 1, MAX_WIDTH) == 2**43 - 1 + MAX_WIDTH
    assert page.begun == (2**43 - 1, MAX_WIDTH)


def test_a_deadline_is_kept_to_the_nanosecond(page: ProgressPage) -> None:
    page.set_deadline(12345.678901234)
    assert page.deadline == pytest.approx(12345.678901234, abs=1e-8)
    page.set_deadline(0)
    assert page.deadline == 0.0


def test_nothing_that_was_taken_back_can_be_claimed_and_all_behind_it_can(
    page: ProgressPage,
) -> None:
    page.claim(0, 3)
    assert page.recall(10) == 3
    assert page.claim(3, 2) == 3
    assert page.claim(8, 2) == 8
    assert page.claim(10, 2) == 12
    assert page.claim(12, 1) == 13


def test_a_recall_before_anything_was_begun_takes_back_all(page: ProgressPage) -> None:
    assert page.recall(10) == 0
    assert page.claim(0, 4) == 0
    assert page.begun == (0, 0)
    assert page.claim(10, 4) == 14


def test_what_is_on_its_way_stays_with_the_worker_if_that_is_wanted(page: ProgressPage) -> None:
    assert page.recall(10, start=0, keep=4) == 4
    assert page.claim(0, 10) == 4


def test_what_is_begun_is_taken_apart_whatever_was_to_be_kept(page: ProgressPage) -> None:
    page.claim(5, 1)
    assert page.recall(10, start=5, keep=8) == 6
    page.claim(10, 2)
    assert page.recall(20, start=12, keep=15) == 15
    assert page.claim(14, 9) == 15


def test_a_recall_of_what_has_all_begun_takes_back_nothing(page: ProgressPage) -> None:
    page.claim(6, 4)
    assert page.recall(10) == 10
    assert page.claim(10, 1) == 11


def test_the_page_of_a_refused_claim_says_that_it_runs_nothing(page: ProgressPage) -> None:
    page.claim(0, 1)
    page.recall(10)
    page.claim(5, 3)
    assert page.begun == (5, 0)


def test_a_second_recall_takes_back_what_was_handed_out_after_the_first(page: ProgressPage) -> None:
    page.claim(0, 1)
    assert page.recall(10) == 1
    page.claim(10, 2)
    assert page.recall(20) == 12
    assert page.claim(12, 4) == 12
    assert page.claim(20, 1) == 21


def test_a_recall_in_the_middle_of_a_claim_sees_it(
    page: ProgressPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.claim(0, 1)
    recalled = at_fence(monkeypatch, 1, lambda: page.recall(10))
    assert page.claim(1, 4) == 5
    assert recalled == [5]


def test_a_claim_in_the_middle_of_a_recall_is_seen(
    page: ProgressPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.claim(0, 1)
    # The worker stores its claim while the supervisor decides; it will wait for the decision.
    at_fence(monkeypatch, 1, lambda: page._words.__setitem__(0, (1 + 1) << 20 | 4))
    assert page.recall(10) == 5


def test_a_recall_while_the_worker_is_among_what_was_taken_back_gives_nothing_of_it_away(
    page: ProgressPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.claim(0, 10)
    assert page.recall(100) == 10
    recalled = at_fence(monkeypatch, 1, lambda: page.recall(200))
    assert page.claim(50, 4) == 50
    assert recalled == [10]
    assert page.claim(100, 4) == 100
    assert page.claim(200, 4) == 204


@pytest.mark.parametrize("fence", [1, 2, 3])
def test_a_recall_while_the_worker_reads_of_another_is_not_mixed_up_with_it(
    page: ProgressPage, monkeypatch: pytest.MonkeyPatch, fence: int
) -> None:
    page.claim(0, 10)
    page.recall(100)
    recalled = at_fence(monkeypatch, fence, lambda: page.recall(200))
    # It goes on to what came after the first recall, just as the second is decided.
    assert page.claim(100, 4) == 104
    assert recalled == [104]
    assert page.claim(104, 4) == 104
    assert page.claim(200, 1) == 201


def test_what_is_claimed_while_the_worker_is_held_has_not_begun_until_it_goes_on(
    page: ProgressPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.claim(0, 1)
    seen = []
    with page.held():
        # The worker stores its claim, and waits.
        page._words[0] = (1 + 1) << 20 | 4
        seen.append(page.begun)
    seen.append(page.begun)
    page.claim(1, 4)
    seen.append(page.begun)
    assert seen == [(0, 1), (0, 1), (1, 4)]


def test_of_what_runs_while_the_worker_is_held_less_may_be_about_to_be_run(
    page: ProgressPage,
) -> None:
    page.claim(0, 8)
    with page.held():
        page.narrow(3)
        assert page.begun == (0, 3)
    assert page.recall(10) == 3


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("signum", "handled"),
    [(signal.SIGTERM, True), (signal.SIGTERM, False), (signal.SIGKILL, False)],
)
def test_a_signal_to_a_held_worker_ends_it_before_the_next_call(
    signum: signal.Signals, *, handled: bool
) -> None:
    with mmap.mmap(-1, mmap.PAGESIZE) as memory, memoryview(memory).cast("Q") as run:
        for number in range(100):
            run[0] = 0
            page = ProgressPage()
            child = os.fork()
            if not child:
                _claim_on(page, run, handled=handled)
            while not page.begun[1] or page.begun[0] < number % 7:
                os.sched_yield()
            with page.held():
                begun, _ = page.begun
                os.kill(child, signum)
            os.waitpid(child, 0)
            assert page.begun[0] == begun
            assert run[0] <= begun + 1, "calls that have begun"
            page.close()


def _claim_on(page: ProgressPage, run: memoryview, *, handled: bool) -> None:
    """Runs one call after the other until a signal ends this process."""
    try:
        if handled:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        for position in itertools.count():
            page.claim(position, 1)
            run[0] = position + 1
    finally:
        os._exit(0)


#: Blocks of calls that are handed out in the hammering, and calls in a chunk of one at most.
_BLOCKS = 4000
_PIECE = 40


# pyzmq keeps threads that other tests have caused; the child takes no lock that they could hold.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_call_is_begun_or_given_back_never_both_and_never_neither(
    page: ProgressPage, seed: int
) -> None:
    rng = random.Random(seed)
    ends = list(itertools.accumulate(rng.randint(1, 80) for _ in range(_BLOCKS)))
    with mmap.mmap(-1, ends[-1]) as begun, mmap.mmap(-1, mmap.PAGESIZE) as words:
        with memoryview(words).cast("Q") as handed:
            given = _hammer(page, ends, begun, handed, rng)
        run = begun[:]
    assert [p for p in range(ends[-1]) if run[p] + given[p] != 1] == []
    # Otherwise nothing was shown.
    assert sum(given) > 1000
    assert sum(run) > 1000


def _hammer(
    page: ProgressPage, ends: list[int], begun: mmap.mmap, handed: memoryview, rng: random.Random
) -> bytearray:
    """Hands out blocks and takes them back at random; returns which calls were given back."""
    child = os.fork()
    if not child:
        status = 1
        try:
            _work(page, ends, begun, handed, random.Random(rng.random()))
            status = 0
        finally:
            os._exit(status)
    given = bytearray(ends[-1])
    for number, end in enumerate(ends):
        handed[0] = number + 1
        # The worker notes its position even where it is refused, at the start of each chunk.
        target = end - rng.randint(_PIECE, 5 * _PIECE)
        while sum(page.begun) < target:
            os.sched_yield()
        if rng.random() < 0.5:
            _take_back(page, end, given)
    assert os.waitpid(child, 0) == (child, 0)
    return given


def _take_back(page: ProgressPage, end: int, given: bytearray) -> None:
    low = page.recall(end)
    given[low:end] = b"\1" * (end - low)


def _work(
    page: ProgressPage, ends: list[int], begun: mmap.mmap, handed: memoryview, rng: random.Random
) -> None:
    """Runs the chunks of blocks in slices, as `gridengine.worker.worker` does."""
    position = 0
    for number, end in enumerate(ends):
        while handed[0] <= number:
            os.sched_yield()
        while position < end:
            chunk = min(end, position + rng.randint(1, _PIECE))
            while position < chunk:
                stop = page.claim(position, min(chunk - position, rng.randint(1, 8)))
                if stop == position:
                    break
                begun[position:stop] = bytes(map((1).__add__, begun[position:stop]))
                position = stop
            position = chunk
