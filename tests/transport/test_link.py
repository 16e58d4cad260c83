"""Whatever is lost on the way: each message arrives once, and in order."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest

from gridengine.transport import link as link_module
from gridengine.transport.link import HEADER_BYTES, Link, LinkError, unnumbered


class Wire:
    """Two links, and what is on its way between them; a break loses all of it."""

    def __init__(self) -> None:
        self.ends = Link(), Link()
        self.heard: tuple[list[bytes], list[bytes]] = [], []
        self.on_its_way: tuple[list[list[Any]], list[list[Any]]] = [], []

    def say(self, end: int, message: bytes, *frames: bytes, sign_of_life: bool = False) -> None:
        said = self.ends[end].outgoing(message, frames, sign_of_life=sign_of_life)
        self.on_its_way[end].append(said)

    def lose(self) -> None:
        for direction in self.on_its_way:
            direction.clear()

    def arrive(self) -> None:
        """All that is on its way arrives, and so does what that leads to."""
        while any(self.on_its_way):
            for end in (0, 1):
                self.arrive_from(end)

    def arrive_from(self, end: int) -> None:
        frames, self.on_its_way[end][:] = self.on_its_way[end][:], []
        for each in frames:
            body, answers = self.ends[1 - end].incoming(each)
            self.on_its_way[1 - end].extend(answers)
            if body is not None:
                self.heard[1 - end].append(b"".join(body))


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_messages_arrive_with_their_frames_and_without_the_header(wire: Wire) -> None:
    wire.say(0, b"one")
    wire.say(0, b"two", b" and", b" more")
    wire.arrive()
    assert wire.heard[1] == [b"one", b"two and more"]


def test_what_was_lost_is_said_again_in_order_when_the_next_shows_it(wire: Wire) -> None:
    wire.say(0, b"1")
    wire.arrive()
    wire.say(0, b"2")
    wire.say(0, b"3")
    wire.lose()
    wire.say(0, b"4")
    wire.say(0, b"5")
    wire.arrive()
    assert wire.heard[1] == [b"1", b"2", b"3", b"4", b"5"]


def test_it_is_asked_for_once_however_much_follows(wire: Wire) -> None:
    wire.say(0, b"lost")
    wire.lose()
    for _ in range(10):
        wire.say(0, b"later")
    wire.arrive_from(0)
    assert len(wire.on_its_way[1]) == 1


def test_that_the_asking_was_lost_shows_with_the_next_sign_of_life(wire: Wire) -> None:
    wire.say(0, b"lost")
    wire.lose()
    wire.say(0, b"later")
    wire.arrive_from(0)
    wire.lose()
    wire.say(0, b"still later")
    wire.arrive()
    assert wire.heard[1] == []
    wire.say(0, b"alive", sign_of_life=True)
    wire.arrive()
    assert wire.heard[1] == [b"lost", b"later", b"still later", b"alive"]


def test_what_comes_twice_is_heard_once(wire: Wire) -> None:
    wire.say(0, b"1")
    wire.on_its_way[0].extend(wire.on_its_way[0][:])
    wire.arrive()
    assert wire.heard[1] == [b"1"]


def test_what_was_acknowledged_is_let_go(wire: Wire) -> None:
    for _ in range(10):
        wire.say(0, b"x")
    wire.arrive()
    assert wire.ends[0].kept == 10
    wire.say(1, b"an answer")
    wire.arrive()
    assert wire.ends[0].kept == 0


def test_many_messages_are_acknowledged_though_there_is_nothing_to_answer(wire: Wire) -> None:
    for _ in range(1000):
        wire.say(0, b"x")
        wire.arrive()
        assert wire.ends[0].kept <= link_module._UNACKNOWLEDGED
    assert len(wire.heard[1]) == 1000


def test_a_large_message_is_acknowledged_at_once(wire: Wire) -> None:
    wire.say(0, b"x", bytes(2 * 1024 * 1024))
    wire.arrive()
    assert wire.ends[0].kept == 0


def test_frames_are_kept_as_they_are_not_copied(wire: Wire) -> None:
    frame = memoryview(bytearray(1000))
    wire.say(0, b"x", frame)
    (kept,) = wire.on_its_way[0]
    assert kept[1] is frame


def test_a_question_that_belongs_to_no_link_is_passed_on_and_not_counted() -> None:
    link = Link()
    body, answers = link.incoming([unnumbered(b"are you there?")])
    assert (body, answers) == ([b"are you there?"], [])
    assert link.received == 0


@pytest.mark.parametrize("header", [b"", bytes(HEADER_BYTES - 1), struct.pack(">BQQ", 9, 1, 1)])
def test_what_has_no_header_is_refused_and_changes_nothing(header: bytes) -> None:
    link = Link()
    with pytest.raises(LinkError):
        link.incoming([header])
    assert link.received == 0


@pytest.mark.parametrize("heard", [1, 5, 2**64 - 1])
def test_a_liar_that_has_heard_what_was_never_said_breaks_nothing(heard: int) -> None:
    link = Link()
    link.incoming([struct.pack(">BQQ", 0, 1, heard)])
    (again,) = [link.outgoing(b"first")]
    assert struct.unpack_from(">BQQ", again[0])[1] == 1
    assert link.kept == 1


@pytest.mark.parametrize("seed", range(30))
def test_any_loss_at_any_moment_is_made_good(seed: int) -> None:
    wire, chance = Wire(), random.Random(seed)
    said: tuple[list[bytes], list[bytes]] = [], []
    for number in range(500):
        end = chance.randrange(2)
        text = b"%d" % number
        said[end].append(text)
        wire.say(end, text, sign_of_life=not chance.randrange(10))
        match chance.randrange(8):
            case 0:
                wire.lose()
            case 1:
                wire.arrive_from(0)
            case 2:
                wire.arrive_from(1)
            case 3:
                wire.arrive()
    for end in (0, 1):
        said[end].append(b"alive")
        wire.say(end, b"alive", sign_of_life=True)
    wire.arrive()
    assert wire.heard == (said[1], said[0])


def test_what_was_sent_before_all_was_said_again_has_it_said_once(wire: Wire) -> None:
    wire.say(0, b"large")
    wire.lose()
    for _ in range(6):
        wire.say(0, b"alive", sign_of_life=True)
    said = 0
    while any(wire.on_its_way):
        wire.arrive_from(0)
        wire.arrive_from(1)
        said += sum(b"large" in frames[0] for frames in wire.on_its_way[0])
    assert said == 1
    assert wire.heard[1] == [b"large", *[b"alive"] * 6]


def test_that_it_was_lost_when_said_again_shows_with_what_is_sent_later(wire: Wire) -> None:
    wire.say(0, b"1")
    wire.lose()
    wire.say(0, b"alive", sign_of_life=True)
    wire.arrive_from(0)
    wire.arrive_from(1)
    wire.lose()
    wire.say(0, b"still alive", sign_of_life=True)
    wire.arrive()
    assert wire.heard[1] == [b"1", b"alive", b"still alive"]


def test_a_peer_that_was_forgotten_is_not_asked_for_what_nobody_has(wire: Wire) -> None:
    for end in (0, 1):
        wire.say(end, b"before")
    wire.arrive()
    wire.ends = Link(), wire.ends[1]
    for _ in range(5):
        wire.say(1, b"alive", sign_of_life=True)
    wire.arrive_from(1)
    assert wire.on_its_way[0] == []
    assert wire.heard[0] == [b"before"]


def test_a_question_has_what_is_missing_said_and_what_was_heard_acknowledged(wire: Wire) -> None:
    wire.say(0, b"1")
    wire.arrive()
    wire.say(0, b"2")
    wire.lose()
    for _ in range(2):
        wire.on_its_way[0].append(wire.ends[0].question())
        wire.arrive()
    assert wire.heard[1] == [b"1", b"2"]
    assert wire.ends[0].kept == 0
