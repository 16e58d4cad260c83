"""What each worker did when, by the events alone."""

from __future__ import annotations

import time

import pytest

from gridengine.ledger.events import (
    CallsDone,
    JobOver,
    JobsOver,
    JobsStarted,
    JobsSubmitted,
    JobStarted,
    JobSubmitted,
    WorkerJoined,
    WorkerLost,
)
from gridengine.observers.task_stream import KEPT, Rectangle, TaskStream
from gridengine.states import DeathCause, JobState


class Told:
    """A stream, and what is told to it."""

    def __init__(self) -> None:
        self.stream = TaskStream()

    def joins(self, pid: int, when: float = 0.0) -> None:
        self.stream.hear([(when, WorkerJoined(b"w%d" % pid, "node", pid, ""))])

    def dies(
        self, pid: int, when: float, cause: DeathCause | None = DeathCause.OUT_OF_MEMORY
    ) -> None:
        self.stream.hear([(when, WorkerLost(b"w%d" % pid, "node", pid, "", 1, cause))])

    def calls(self, pid: int, when: float, wall: float, calls: int = 1, **named: object) -> None:
        name, lo = str(named.get("name", "f")), int(str(named.get("lo", 0)))
        failures = int(str(named.get("failures", 0)))
        event = CallsDone(1, name, lo, lo + calls, failures, wall, 0, "node", pid)
        self.stream.hear([(when, event)])

    def job(self, task: int, pid: int, when: float, wall: float, name: str, first: int = 0) -> None:
        over = JobOver(task, name, JobState.FINISHED, 1, 0, wall, wall, 0)
        self.stream.hear(
            [
                (when - wall, JobsSubmitted((JobSubmitted(task, name, 1, first),))),
                (when - wall, JobsStarted((JobStarted(task, name, 0, 1, 1),), "node", pid)),
                (when, JobsOver((over,))),
            ]
        )

    def rectangles(self) -> list[Rectangle]:
        self.stream.settle()
        return self.stream.since(0)


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_call_is_a_rectangle_in_its_workers_row(told: Told) -> None:
    told.joins(7)
    told.joins(8)
    told.calls(8, when=10.0, wall=2.0)
    assert told.rectangles() == [Rectangle(1, "node", 8, "f", 8.0, 10.0, 1, 0, False)]


def test_jobs_by_themselves_are_drawn_under_the_name_of_their_function(told: Told) -> None:
    told.joins(7)
    told.job(3, 7, when=10.0, wall=2.0, name="Job-3 (f)")
    assert [(each.name, each.begin, each.end) for each in told.rectangles()] == [("f", 8.0, 10.0)]


def test_short_neighbours_of_one_name_become_one_rectangle(told: Told) -> None:
    told.joins(7)
    for number in range(100):
        told.calls(7, when=10 + number / 1000, wall=0.001)
    (one,) = told.rectangles()
    assert (one.calls, round(one.end - one.begin, 3)) == (100, 0.1)


def test_failed_calls_are_not_drawn_into_others(told: Told) -> None:
    told.joins(7)
    told.calls(7, when=10.0, wall=0.001)
    told.calls(7, when=10.001, wall=0.001, failures=1)
    told.calls(7, when=10.002, wall=0.001)
    assert [each.failed for each in told.rectangles()] == [0, 1, 0]


def test_what_is_told_late_does_not_overlap(told: Told) -> None:
    told.joins(7)
    told.calls(7, when=10.0, wall=2.0)
    told.calls(7, when=10.5, wall=2.0, name="g")
    first, second = told.rectangles()
    assert first.end == second.begin == 10.0


def test_a_dead_worker_is_said_to_be_and_its_row_is_for_the_next(told: Told) -> None:
    told.joins(7)
    told.calls(7, when=10.0, wall=1.0)
    told.dies(7, when=11.0)
    told.job(3, 7, when=11.1, wall=0.5, name="told after its death")
    told.joins(9)
    told.calls(9, when=12.0, wall=0.5)
    assert [(each.row, each.pid, each.died) for each in told.rectangles()] == [
        (0, 7, False), (0, 7, True), (0, 9, False),
    ]  # fmt: skip


def test_a_worker_that_leaves_by_itself_has_not_died(told: Told) -> None:
    told.joins(7)
    told.dies(7, when=11.0, cause=None)
    assert told.rectangles() == []


def test_who_looks_again_gets_what_is_new(told: Told) -> None:
    told.joins(7)
    told.calls(7, when=10.0, wall=1.0)
    told.stream.settle()
    seen = told.stream.told
    told.calls(7, when=12.0, wall=1.0)
    told.stream.settle()
    assert [each.end for each in told.stream.since(seen)] == [12.0]
    assert told.stream.since(told.stream.told) == []


def test_the_slowest_calls_are_known_by_their_inputs(told: Told) -> None:
    told.joins(7)
    for number in range(200):
        told.job(number + 10, 7, when=10 + number, wall=number / 200, name="f", first=number)
    slowest = told.stream.slowest
    assert [each.call for each in slowest[:3]] == [199, 198, 197]
    assert len(slowest) == 50


def test_calls_that_came_together_are_ranked_by_their_mean(told: Told) -> None:
    told.joins(7)
    told.calls(7, when=10.0, wall=4.0, calls=8, lo=16)
    (slow,) = told.stream.slowest
    assert (slow.wall, slow.call, slow.calls) == (0.5, 16, 8)


@pytest.mark.alone
def test_a_storm_of_jobs_is_kept_up_with_and_takes_no_more_memory(told: Told) -> None:
    for pid in range(10):
        told.joins(pid)
    began = time.process_time()
    for number in range(50_000):
        told.job(number, number % 10, when=number / 10_000, wall=0.001, name=f"Job-{number} (f)")
    assert time.process_time() - began < 5.0
    for number in range(2 * KEPT):
        told.calls(1, when=10.0 + number, wall=0.5)
    assert len(told.rectangles()) == KEPT
    sizes = [len(held) for held in vars(told.stream).values() if hasattr(held, "__len__")]
    assert max(sizes) <= KEPT
