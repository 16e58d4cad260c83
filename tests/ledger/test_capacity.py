"""Workers of several kinds share the slots of one computer."""

from __future__ import annotations

import random

import pytest

from gridengine.ledger.capacity import Capacity, Room
from gridengine.ledger.ledger import Ledger
from gridengine.ledger.orders import RequestQueueJobs

from .test_dispatcher_state import Program
from .test_ledger import SHORT, Story

#: What the kinds of these tests take.
SLOTS = {0: 1, 1: 2, 2: 3, 3: 4}


class Shared(Story):
    """A ledger whose workers share four slots, and are all there."""

    def __init__(self, slots: int = 4) -> None:
        super().__init__()
        self.room = Room(slots, SLOTS.__getitem__)
        self.ledger = Ledger(room=self.room)
        for kind in SLOTS:
            names = [f"{SLOTS[kind]}{'abcdefgh'[n]}" for n in range(slots // SLOTS[kind])]
            self.join(*names, kind=kind)

    def begun_now(self) -> list[str]:
        return sorted(task for _, task, _, _ in self.assign())

    def end(self, task: str) -> None:
        worker = next(
            name for name in self.named if any(held[0] == task for held in self.holds(name))
        )
        self.done(worker, task, wall=60.0)


def test_no_more_slots_are_taken_than_there_are() -> None:
    story = Shared()
    story.submit("one", kind=0)
    story.submit("three", kind=2)
    story.submit("two", kind=1)
    assert story.begun_now() == ["one", "three"]
    assert story.room.taken(story.ledger.workers.values()) == 4
    story.end("one")
    assert story.begun_now() == []
    story.end("three")
    assert story.begun_now() == ["two"]


def test_what_came_first_is_first() -> None:
    story = Shared()
    story.submit("a", "b", "c", "d", "e", kind=0)
    story.submit("four", kind=3)
    story.submit("f", kind=0)
    assert story.begun_now() == ["a", "b", "c", "d"]
    for name in "ab":
        story.end(name)
    # One of the two is for the fifth, and nobody passes by the job of four.
    assert story.begun_now() == ["e"]
    for name in "cde":
        story.end(name)
    assert story.begun_now() == ["four"]
    story.end("four")
    assert story.begun_now() == ["f"]


def test_what_came_later_may_use_what_the_first_does_not_need() -> None:
    story = Shared()
    story.submit("long", kind=1)
    story.submit("three", kind=2)
    story.submit("a", "b", kind=0)
    # Three slots are kept for the second, of which one is free: the fourth is for the others.
    assert story.begun_now() == ["a", "long"]
    story.end("a")
    assert story.begun_now() == ["b"]
    story.end("long")
    assert story.begun_now() == ["three"]


def test_slots_are_kept_for_one_whose_worker_is_still_to_come() -> None:
    story = Story()
    story.ledger = Ledger(room=Room(4, SLOTS.__getitem__))
    story.join("1a", "1b", "1c", "1d", kind=0)
    story.submit("three", kind=2)
    story.submit("a", "b", kind=0)
    assert story.assign() == [("1d", "a", 0, 1)]
    story.join("3a", kind=2)
    assert story.assign() == [("3a", "three", 0, 1)]


def test_a_busy_worker_gets_no_more_while_another_kind_waits() -> None:
    story = Shared()
    story.learn(SHORT)
    story.submit("a", "b", "c", "d", kind=0)
    assert story.begun_now() == ["a", "b", "c", "d"]
    story.submit("e", kind=0)
    assert story.begun_now() == ["e"]
    story.submit("two", kind=1)
    story.submit("f", kind=0)
    assert story.begun_now() == []


def test_the_slots_of_a_dead_worker_are_free() -> None:
    story = Shared()
    story.submit("four", kind=3)
    story.submit("one", kind=0)
    assert story.begun_now() == ["four"]
    assert story.dies("4a", 0, 1, final=True) == [("four", 0)]
    assert story.begun_now() == ["one"]


@pytest.mark.parametrize("seed", range(20))
def test_in_any_order_of_events_all_are_done_and_room_is_kept(seed: int) -> None:
    chance = random.Random(seed)
    story = Shared()
    waiting = [(f"job {number}", chance.choice(list(SLOTS))) for number in range(60)]
    kinds = dict(waiting)
    running: list[str] = []
    left = set(kinds)
    while left:
        for _ in range(min(len(waiting), chance.randrange(4))):
            name, kind = waiting.pop(0)
            story.submit(name, kind=kind)
        running += story.begun_now()
        taken = sum(SLOTS[kinds[name]] for name in running)
        assert taken == story.room.taken(story.ledger.workers.values()) <= 4
        # Somebody runs as long as anything waits.
        assert running or not any(story.tasks[name].wanted for name in left if name in story.tasks)
        if running:
            ended = running.pop(chance.randrange(len(running)))
            left.discard(ended)
            story.end(ended)


def test_a_stream_of_small_ones_does_not_keep_a_large_one_waiting() -> None:
    story = Shared()
    story.submit("a", "b", "c", "d", kind=0)
    assert story.begun_now() == ["a", "b", "c", "d"]
    story.submit("three", kind=2)
    running, begun = list("abcd"), 0
    while "three" not in running:
        story.submit(f"small {begun}", kind=0)
        story.end(running.pop(0))
        running += story.begun_now()
        begun += 1
        assert begun < 8


def test_each_kind_has_as_many_workers_as_there_is_room_for() -> None:
    capacity = Capacity(4, 1, room=Room(4, SLOTS.__getitem__))
    assert [capacity.workers_in(kind) for kind in SLOTS] == [4, 2, 1, 1]
    program = Program(capacity)
    for kind in (0, 1, 3):
        program.submit(5, kind=kind)
    orders = [order for order in program.tick() if isinstance(order, RequestQueueJobs)]
    assert [(order.kind, order.count, order.workers) for order in orders] == [
        (0, 1, 4), (1, 1, 2), (3, 1, 1),
    ]  # fmt: skip
