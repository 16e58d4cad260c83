"""The dispatcher's side of messages through files, with a relay played by the test."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gridengine.serialization.undeliverable import failing_run
from gridengine.transport import files, messages, relay_words
from gridengine.transport.base import Connections
from gridengine.transport.files import FileConnections
from gridengine.transport.network_and_files import NetworkAndFiles
from gridengine.transport.relay_words import RelayHello
from gridengine.transport.segments import SEGMENT, Folder, SegmentReader, SegmentWriter
from gridengine.transport.zeromq import ZeroMQConnections

from ..waiting import wait_until


class Node:
    """What writes and reads on the other side."""

    def __init__(self, path: str, name: str = "abc") -> None:
        self._folder = Folder(path)
        self._writer = SegmentWriter(f"{name}.up")
        self._reader = SegmentReader(f"{name}.down")

    def say(self, *frames: Any) -> None:
        place = self._folder.open()
        self._writer.waiting.append([*frames])
        self._writer.write(place)
        os.close(place)

    def hear(self) -> list[list[bytes]]:
        place = self._folder.open()
        found = self._reader.look(place)
        os.close(place)
        return [[bytes(frame) for frame in record] for record in found]


@pytest.fixture
def path(tmp_path: Path) -> str:
    folder = tmp_path / "messages"
    folder.mkdir(mode=0o700)
    return str(folder)


@pytest.fixture
def connections(path: str) -> Iterator[FileConnections]:
    made = FileConnections(path, 1.0, failing_run, expected=True)
    yield made
    made.close()


def received(connections: Connections, count: int) -> list[Any]:
    found: list[Any] = []

    def look() -> bool:
        connections.wait(0.05)
        found.extend(connections.receive())
        return len(found) >= count

    wait_until(look, what="messages arrive")
    return found


def test_messages_go_both_ways_by_the_names_of_who_sends_them(
    connections: FileConnections, path: str
) -> None:
    node = Node(path)
    assert not connections.send(b"one", messages.Beat())
    node.say(*relay_words.hello(RelayHello("node1", "5.1", "")))
    node.say(b"one", messages.encode(messages.Beat()))
    node.say(b"two", messages.encode(messages.Beat()))
    got = received(connections, 2)
    assert [(bytes(address), type(message)) for address, message, _ in got] == [
        (b"one", messages.Beat),
        (b"two", messages.Beat),
    ]
    assert connections.send(b"two", messages.Staff(3))
    (told,) = wait_until(node.hear, what="it is told")
    assert told == [b"two", messages.encode(messages.Staff(3))]


def test_the_round_trip_is_what_relays_have_measured(
    connections: FileConnections, path: str
) -> None:
    node = Node(path)
    node.say(*relay_words.hello(RelayHello("node1", "5.1", "no way to tcp://10.0.0.1:5")))
    node.say(*relay_words.pair(relay_words.PING, 17, 0.0))
    ((_, word, told),) = wait_until(node.hear, what="it is answered")
    assert word == relay_words.PONG
    assert relay_words.read_pair(told) == (17, files.LEAST_PATIENCE)
    (said,) = connections.news()
    assert "node1 does not reach this program" in said
    assert "no way to tcp://10.0.0.1:5" in said
    for number in range(18, 22):
        node.say(*relay_words.pair(relay_words.PING, number, 9.0))
    wait_until(lambda: connections.round_trip > 9, what="it is known")
    assert connections.round_trip < 10
    assert connections.patience == 20 * 9.0
    (said,) = wait_until(connections.news, what="that is much, and said")
    assert "answer take 9.0 s" in said


def test_rubbish_is_dropped_and_what_makes_no_sense_ends_a_relay_but_not_the_others(
    connections: FileConnections, path: str
) -> None:
    good, bad = Node(path, "good"), Node(path, "bad")
    bad.say(b"liar", b"no message at all")
    bad.say(b"liar", messages.encode(messages.Beat()))
    assert len(received(connections, 1)) == 1
    bad.say(b"", relay_words.PING, b"no number")
    cut_off = wait_until(connections.cut_off, what="it is cut off")
    assert [address for address, _ in cut_off] == [b"liar"]
    assert not [name for name in os.listdir(path) if name.startswith("bad")]
    good.say(b"one", messages.encode(messages.Beat()))
    assert bytes(received(connections, 1)[0][0]) == b"one"


def test_of_who_takes_leave_nothing_is_left_and_nobody_is_missed(
    connections: FileConnections, path: str
) -> None:
    node = Node(path)
    node.say(b"one", messages.encode(messages.Beat()))
    received(connections, 1)
    node.say(b"", relay_words.GONE, b"one")
    wait_until(lambda: connections.hung_up() == [b"one"], what="its end is told")
    node.say(b"", relay_words.BYE)
    wait_until(lambda: not os.listdir(path), what="its files are gone")
    assert connections.cut_off() == []


def test_who_is_silent_for_too_long_is_cut_off(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LEAST_PATIENCE", 0.5)
    connections = FileConnections(path, 0.5, failing_run, expected=False)
    try:
        node = Node(path)
        node.say(b"one", messages.encode(messages.Beat()))
        received(connections, 1)
        begun = time.monotonic()
        ((address, reason),) = wait_until(connections.cut_off, what="it is cut off")
        assert time.monotonic() - begun > 0.3
        assert bytes(address) == b"one"
        assert "nothing heard by files" in reason
    finally:
        connections.close()


class ByHand(FileConnections):
    """Turns are taken by the test, with a clock of its own."""

    def _run(self) -> None:
        self.begun = time.monotonic()

    def turn(self, seconds: float) -> None:
        self._stir.clear()
        self._thread.join()
        self._turn(self.begun + seconds)

    @property
    def has_more(self) -> bool:
        return self._stir.is_set()


@pytest.fixture
def by_hand(path: str) -> Iterator[ByHand]:
    made = ByHand(path, 1.0, failing_run, expected=False)
    yield made
    made.close()


def test_who_is_still_writing_a_large_message_is_not_silent(by_hand: ByHand, path: str) -> None:
    patience = files.LEAST_PATIENCE
    node, whole = Node(path), Node(path, "whole-message")
    node.say(b"one", messages.encode(messages.Beat()))
    by_hand.turn(1.0)
    whole.say(b"one", bytes(500_000))
    with open(f"{path}/whole-message.up.0", "rb") as source, open(f"{path}/abc.up.0", "ab") as file:
        for number in range(5):
            file.write(source.read(100_000))
            file.flush()
            by_hand.turn(10.0 + number * 0.9 * patience)
            assert by_hand.alive() == [b"one"]
    last = 10.0 + 4 * 0.9 * patience
    by_hand.turn(last + 0.9 * patience)
    assert not by_hand.alive()
    assert not by_hand.cut_off()
    by_hand.turn(last + 1.1 * patience)
    assert [address for address, _ in by_hand.cut_off()] == [b"one"]


def test_much_for_one_node_keeps_nobody_else_waiting(by_hand: ByHand, path: str) -> None:
    much, other = Node(path, "much"), Node(path, "other")
    much.say(b"one", messages.encode(messages.Beat()))
    by_hand.turn(1.0)
    for _ in range(10):
        by_hand.send(b"one", messages.Staff(1), [bytes(SEGMENT)])
    by_hand.turn(2.0)
    assert by_hand.has_more
    other.say(*relay_words.pair(relay_words.PING, 17, 0.0))
    by_hand.turn(3.0)
    ((_, word, _),) = other.hear()
    assert word == relay_words.PONG
    for number in range(8):
        assert by_hand.has_more
        by_hand.turn(4.0 + number)
    assert not by_hand.has_more
    found = [record for _ in range(11) for record in much.hear()]
    assert len(found) == 10


def test_with_the_last_node_that_needs_files_all_is_again_as_without(path: str) -> None:
    connections = FileConnections(path, 1.0, failing_run, expected=False)
    try:
        both = NetworkAndFiles(ZeroMQConnections("127.0.0.1"), connections)
    except BaseException:
        connections.close()
        raise
    with closing(both):
        node = Node(path)
        node.say(*relay_words.pair(relay_words.PING, 17, 9.0))
        node.say(b"one", messages.encode(messages.Beat()))
        received(both, 1)
        both.news()
        assert both.round_trip > 9
        assert both.patience_of(b"one") == 20 * 9.0
        # Who speaks by the network is not given more time for it.
        assert both.patience_of(b"two") == 0
        node.say(b"", relay_words.BYE)
        wait_until(lambda: both.news() == [] and both.round_trip == 0, what="that is over")
        assert connections.patience == files.LEAST_PATIENCE


def test_without_its_folder_it_says_why_nobody_comes(path: str, tmp_path: Path) -> None:
    connections = FileConnections(path, 1.0, failing_run, expected=True)
    try:
        os.rename(path, tmp_path / "elsewhere")
        wait_until(connections.shut_out, what="it says so")
        assert "No such file" in connections.shut_out()
    finally:
        connections.close()
