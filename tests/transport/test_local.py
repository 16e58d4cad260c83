"""The dispatcher's end of local connections, with real peers: our own lines, and ZeroMQ's."""

from __future__ import annotations

import errno
import os
import random
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import psutil
import pytest
import zmq

from gridengine.transport import messages, zmtp
from gridengine.transport.messages import Done, Recalled, Run
from gridengine.transport.shared_memory import Missing
from gridengine.worker.connection import LocalConnection

from ..waiting import wait_until
from .passed import PATIENCE, PassedConnections, passed_connections, raw

SIZES = [0, 1, 255, 256, 65_535, 65_536, 65_537, 300_000, 3_000_000]

DONE = Done([])
RUN = Run(1, 0, [], [], [], [], [])


def numbered(number: int) -> Recalled:
    """A message that can be told from others of its sort."""
    return Recalled(0, number, number)


@pytest.fixture
def connections() -> Iterator[PassedConnections]:
    with passed_connections() as connections:
        yield connections


def received(connections: PassedConnections, count: int) -> list[tuple[bytes, Any, list[bytes]]]:
    """Returns the next messages, when there are so many."""
    found: list[tuple[bytes, Any, list[bytes]]] = []

    def enough() -> bool:
        connections.wait(0.01)
        found.extend(
            (who, what, [bytes(f) for f in frames]) for who, what, frames in connections.receive()
        )
        return len(found) >= count

    wait_until(enough, what=f"{count} messages are there")
    return found


# -- peers ------------------------------------------------------------------------------------


class Peer:
    """What a peer does, whatever it is made of."""

    def __init__(
        self,
        send: Callable[[Sequence[Any]], object],
        receive: Callable[[], Sequence[Any] | None],
    ) -> None:
        self._send = send
        self._receive = receive

    def say(self, message: Any, *frames: Any) -> None:
        self._send([messages.encode(message), *frames])

    def hears(self) -> tuple[Any, list[bytes]]:
        header, *frames = self._receive() or [b"nothing"]
        return messages.decode_to_node(header), [bytes(frame) for frame in frames]


@contextmanager
def line(connections: PassedConnections, name: bytes = b"peer") -> Iterator[Peer]:
    with closing(LocalConnection(connections.new_socket(), name, PATIENCE)) as made:
        yield introduced(connections, name, Peer(made.send, made.receive))


@contextmanager
def dealer(connections: PassedConnections, name: bytes = b"peer") -> Iterator[Peer]:
    with (
        zmq.Context() as context,
        context.socket(zmq.DEALER) as peer,
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX) as door,
    ):
        # Its library connects to a path, and to nothing else here.
        door.bind(f"{folder}/door")
        door.listen()
        peer.linger = 0
        peer.rcvtimeo = int(PATIENCE * 1000)
        peer.routing_id = name
        peer.connect(f"ipc://{folder}/door")
        connections.pass_on(door.accept()[0])
        yield introduced(connections, name, Peer(peer.send_multipart, peer.recv_multipart))


def introduced(connections: PassedConnections, name: bytes, peer: Peer) -> Peer:
    peer.say(DONE)
    assert received(connections, 1) == [(name, DONE, [])]
    return peer


@pytest.fixture(params=[line, dealer])
def peer(request: pytest.FixtureRequest, connections: PassedConnections) -> Iterator[Peer]:
    with request.param(connections) as peer:
        yield peer


# -- messages ---------------------------------------------------------------------------------


def test_frames_of_all_sizes_come_and_go(connections: PassedConnections, peer: Peer) -> None:
    for size in SIZES:
        frames = [os.urandom(size), b"", memoryview(os.urandom(size))]
        as_bytes = [bytes(frame) for frame in frames]
        sender = threading.Thread(target=peer.say, args=(DONE, *frames))
        sender.start()
        assert received(connections, 1) == [(b"peer", DONE, as_bytes)]
        sender.join()
        heard: list[Any] = []
        listener = threading.Thread(target=lambda heard=heard: heard.append(peer.hears()))
        listener.start()
        assert connections.send(b"peer", RUN, frames)
        # What there was no room for goes out in the course of waiting.
        while listener.is_alive():
            connections.wait(0.01)
        assert heard == [(RUN, as_bytes)]


def test_what_a_peer_does_not_read_is_kept_for_it_in_order(
    connections: PassedConnections, peer: Peer
) -> None:
    sizes = random.Random(5).choices([0, 10, 1000, 100_000], k=300)
    for size in sizes:
        assert connections.send(b"peer", RUN, [bytes(size)])
    with line(connections, b"another") as another:
        assert connections.send(b"another", RUN)
        assert another.hears() == (RUN, [])
    heard: list[int] = []
    listener = threading.Thread(target=lambda: heard.extend(len(peer.hears()[1][0]) for _ in sizes))
    listener.start()
    while listener.is_alive():
        connections.wait(0.01)
    assert heard == sizes


def test_many_short_messages_come_in_order(connections: PassedConnections, peer: Peer) -> None:
    sender = threading.Thread(target=lambda: [peer.say(numbered(n)) for n in range(5_000)])
    sender.start()
    assert [what.position for _, what, _ in received(connections, 5_000)] == list(range(5_000))
    sender.join()


@pytest.mark.parametrize("kind", [line, dealer])
def test_what_is_on_its_way_arrives_when_all_is_closed(
    connections: PassedConnections, kind: Any
) -> None:
    with kind(connections) as peer:
        frame = os.urandom(2_000_000)
        assert connections.send(b"peer", RUN, [frame])
        heard: list[Any] = []
        listener = threading.Thread(target=lambda: heard.append(peer.hears()))
        listener.start()
        connections.close()
        listener.join()
        assert heard == [(RUN, [frame])]


def test_closing_does_not_wait_for_who_does_not_read(
    connections: PassedConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridengine.transport.local.LINGER", 0.1)
    with line(connections, b"one"), line(connections, b"two"):
        for name in (b"one", b"two"):
            assert connections.send(name, RUN, [bytes(2_000_000)])
        closer = threading.Thread(target=connections.close)
        closer.start()
        closer.join(timeout=PATIENCE)
        assert not closer.is_alive()


def test_a_watched_descriptor_ends_the_wait(connections: PassedConnections) -> None:
    end, begin = os.pipe()
    connections.watch(end)
    assert list(connections.wait(0)) == []
    os.write(begin, b"x")
    assert list(connections.wait(PATIENCE)) == [end]
    os.close(end)
    os.close(begin)


# -- who comes and goes -----------------------------------------------------------------------


def open_connections() -> int:
    return len(psutil.Process().net_connections("unix"))


def test_nothing_can_be_sent_to_who_was_never_there(connections: PassedConnections) -> None:
    assert not connections.send(b"nobody", RUN)


@pytest.mark.parametrize("kind", [line, dealer])
def test_all_that_was_said_before_the_hanging_up_is_heard(
    connections: PassedConnections, kind: Any
) -> None:
    before = open_connections()
    with kind(connections) as peer:
        for number in range(200):
            peer.say(numbered(number))
    if kind is line:
        heard = received(connections, 200)
        assert [what.position for _, what, _ in heard] == list(range(200))
    wait_until(
        lambda: (
            (connections.wait(0.01), list(connections.receive()), connections.send(b"peer", RUN))[2]
            is False
        ),
        what="it is known to be gone",
    )
    assert open_connections() == before


@pytest.mark.parametrize("frame", [b"", bytes(2_000_000)], ids=["little", "more than fits"])
def test_it_is_heard_though_something_was_sent_in_between(
    connections: PassedConnections, frame: bytes
) -> None:
    with line(connections) as peer:
        assert connections.send(b"peer", RUN, [frame])
        peer.say(numbered(1))
    for _ in range(3):
        connections.send(b"peer", RUN, [frame])
    assert received(connections, 1) == [(b"peer", numbered(1), [])]
    wait_until(
        lambda: (
            (connections.wait(0.01), list(connections.receive()), connections.send(b"peer", RUN))[2]
            is False
        ),
        what="it is known to be gone",
    )


class _NoBuffers:
    """A connection for which the system has no memory, once."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._tried = False

    def send(self, data: Any) -> int:
        if not self._tried:
            self._tried = True
            raise OSError(errno.ENOBUFS, "no buffer space available")
        sent: int = self._connection.send(data)
        return sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_half_a_message_is_followed_by_nothing(connections: PassedConnections) -> None:
    with line(connections) as peer:
        assert connections.send(b"peer", RUN, [bytes(1_000_000)])
        known = connections._named[b"peer"]
        assert known.crowded
        known.socket = _NoBuffers(known.socket)  # type: ignore[assignment]
        heard: list[BaseException] = []

        def listen() -> None:
            try:
                peer.hears()
            except BaseException as error:
                heard.append(error)

        listener = threading.Thread(target=listen)
        listener.start()
        while listener.is_alive():
            connections.wait(0.01)
            connections.send(b"peer", RUN)
        assert isinstance(heard[0], ConnectionError)


def test_what_follows_the_rest_of_a_large_frame_is_heard_at_the_same_look(
    connections: PassedConnections,
) -> None:
    frame = os.urandom(100_000)
    said = b"".join(
        bytes(part)
        for frames in ([messages.encode(DONE), frame], [messages.encode(numbered(1))])
        for part in zmtp.parts(frames)
    )
    with raw(connections) as peer:
        peer.sendall(zmtp.introduction(b"DEALER", b"peer") + said[:50_000])
        wait_until(
            lambda: (
                connections.wait(0.01),
                list(connections.receive()),
                connections.send(b"peer", RUN),
            )[2],
            what="it has been let in",
        )
        peer.sendall(said[50_000:])
    connections.wait(PATIENCE)
    heard = [(what, [bytes(each) for each in frames]) for _, what, frames in connections.receive()]
    assert heard == [(DONE, [frame]), (numbered(1), [])]


def test_who_finds_no_descriptor_left_is_let_in_later(
    connections: PassedConnections, caplog: pytest.LogCaptureFixture
) -> None:
    with raw(connections) as early:
        early.sendall(zmtp.introduction(b"DEALER", b"early"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        next_one = os.dup(early.fileno())
        os.close(next_one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, hard))
        try:
            wait_until(
                lambda: (connections.wait(0.01), "no worker can be let in" in caplog.text)[1],
                what="it cannot be let in",
            )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        early.sendall(b"".join(zmtp.parts([messages.encode(DONE)])))
        assert received(connections, 1) == [(b"early", DONE, [])]


def test_nobody_is_shut_out_before_it_has_lasted(
    connections: PassedConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with raw(connections):
        free = os.dup(0)
        os.close(free)
        # Some are left, but they are the program's.
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 5, hard))
        try:
            connections.wait(1.0)
            assert connections.shut_out() == ""
            now += 1.5
            connections.wait(1.0)
            connections.wait(1.0)
            assert connections.shut_out() == ""
            now += 1.0
            assert "raise the limit of open files" in connections.shut_out()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        connections.wait(1.0)
        connections.wait(1.0)
        assert connections.shut_out() == ""


def test_who_comes_back_under_its_name_is_answered_there(connections: PassedConnections) -> None:
    with line(connections), line(connections) as second:
        assert connections.send(b"peer", RUN)
        assert second.hears() == (RUN, [])


def test_half_a_message_of_who_has_hung_up_is_nobodys(
    connections: PassedConnections, peer: Peer
) -> None:
    with raw(connections) as half:
        half.sendall(zmtp.introduction(b"DEALER", b"half") + b"\x00\x50only this")
    peer.say(DONE)
    assert received(connections, 1) == [(b"peer", DONE, [])]


# -- who speaks something else ----------------------------------------------------------------


def is_dropped(connections: PassedConnections, connection: socket.socket) -> bool:
    """Returns when the dispatcher has hung up."""
    connection.setblocking(False)

    def hung_up() -> bool:
        connections.wait(0.01)
        assert list(connections.receive()) == []
        try:
            return not connection.recv(65_536)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    wait_until(hung_up, what="the stranger is dropped")
    return True


GREETING = zmtp.introduction(b"DEALER", b"x")[:64]
FOREIGN = {
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "an older ZeroMQ": GREETING[:10] + b"\x01" + GREETING[11:],
    "another mechanism": GREETING.replace(b"NULL", b"CURV"),
    "a message before its name": GREETING + b"\x00\x01x",
    "a command without end": GREETING + b"\x06" + (1 << 40).to_bytes(8, "big"),
    "another first command": GREETING + b"\x04\x06\x05HELLO",
    "more than there is memory": zmtp.introduction(b"DEALER", b"x")
    + b"\x02"
    + (1 << 62).to_bytes(8, "big"),
}


@pytest.mark.parametrize("said", FOREIGN.values(), ids=FOREIGN)
def test_who_speaks_something_else_is_dropped_and_told_of(
    connections: PassedConnections, peer: Peer, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with raw(connections) as stranger:
        stranger.sendall(said)
        assert is_dropped(connections, stranger)
    assert "dropped: " in caplog.text
    peer.say(DONE)
    assert received(connections, 1) == [(b"peer", DONE, [])]


def test_rubbish_under_a_good_name_is_told_of_and_the_rest_is_heard(
    connections: PassedConnections, caplog: pytest.LogCaptureFixture
) -> None:
    with raw(connections) as liar:
        liar.sendall(zmtp.introduction(b"DEALER", b"liar") + b"\x00\x03abc")
        for part in zmtp.parts([messages.encode(DONE)]):
            liar.sendall(part)
        assert received(connections, 1) == [(b"liar", DONE, [])]
    assert "dropped rubbish" in caplog.text


def test_random_bytes_harm_nobody(connections: PassedConnections, peer: Peer) -> None:
    chance = random.Random(11)
    for number in range(300):
        honest = zmtp.introduction(b"DEALER", b"fuzz") if number % 3 else GREETING
        with raw(connections) as stranger:
            # Who is dropped early is told so by the system.
            with suppress(ConnectionError):
                stranger.sendall(honest[: chance.randrange(100)] if number % 2 else honest)
                stranger.sendall(chance.randbytes(chance.randrange(2000)))
            connections.wait(0)
            for address, *_ in connections.receive():
                assert address == b"fuzz"
    peer.say(DONE)
    wait_until(
        lambda: (b"peer", DONE, []) in received(connections, 1), what="the honest one is heard"
    )


@pytest.mark.parametrize("seed", range(5))
def test_messages_are_the_same_however_they_are_cut(seed: int) -> None:
    chance = random.Random(seed)
    sizes = [0, 1, 3, 254, 255, 256, 257, 70_000]
    messages = [
        [chance.randbytes(size) for size in chance.choices(sizes, k=chance.randrange(1, 5))]
        for _ in range(40)
    ]
    stream = zmtp.introduction(b"DEALER", b"me") + b"".join(
        bytes(part) for message in messages for part in zmtp.parts(message)
    )
    reader = zmtp.FrameReader(memoryview(bytearray(zmtp.READ)))
    got: list[list[bytes]] = []
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        while stream:
            size = chance.choice([1, 2, 9, 64, 300, 5000, 60_000])
            far.sendall(stream[:size])
            stream = stream[size:]
            with suppress(BlockingIOError):
                while True:
                    got += [[bytes(f) for f in each] for each in reader.read(near)]
    assert reader.peer == b"me"
    assert got == messages


def test_a_frame_for_which_there_is_no_memory_is_missing_and_the_rest_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    size = zmtp.READ + 3

    def allocate(given: Any) -> bytearray:
        if given == size:
            raise MemoryError
        return bytearray(given)

    monkeypatch.setattr(zmtp, "bytearray", allocate, raising=False)
    reader = zmtp.FrameReader(memoryview(bytearray(zmtp.READ)))
    said = [[b"first", bytes(size), b"last", bytes(size + 1)], [b"next"]]
    got: list[list[Any]] = []
    near, far = socket.socketpair()
    with near, far:
        stream = zmtp.introduction(b"DEALER", b"me") + b"".join(
            bytes(part) for message in said for part in zmtp.parts(message)
        )
        sender = threading.Thread(target=far.sendall, args=(stream,))
        sender.start()
        while len(got) < 2:
            got += reader.read(near)
        sender.join()
    first, missing, last, large = got[0]
    assert (b"first", Missing, size, b"last", size + 1) == (
        first, type(missing), missing.nbytes, last, len(large)
    )  # fmt: skip
    assert [[b"next"]] == got[1:]
