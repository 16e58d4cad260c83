"""A worker's connection, with a real ROUTER at the other end."""

from __future__ import annotations

import _socket
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from gridengine.transport import zmtp
from gridengine.transport.launch_file import Launch
from gridengine.transport.link import Link
from gridengine.transport.pieces import Assembler, Cutter, is_piece
from gridengine.worker.connection import Connection, LocalConnection, open_connection
from gridengine.worker.zeromq import ZeroMQConnection
from tests.waiting import wait_until

SIZES = [0, 1, 255, 256, 65_535, 65_536, 65_537, 3_000_000]
PATIENCE = 20.0


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    with zmq.Context() as context:
        yield context


@pytest.fixture
def router(context: zmq.Context[zmq.Socket[bytes]], tmp_path: Path) -> Iterator[zmq.Socket[bytes]]:
    with context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.rcvtimeo = int(PATIENCE * 1000)
        router.bind(f"ipc://{tmp_path / 'socket'}")
        yield router


def local(tmp_path: Path, patience: float = PATIENCE) -> LocalConnection:
    return introduced(LocalConnection(connected(tmp_path), b"me", patience))


def introduced(line: LocalConnection) -> LocalConnection:
    """Returns it when the other end has said its name, before which ZeroMQ takes no message."""
    wait_until(lambda: line.ready() or line._reader.peer is not None, what="it has said its name")
    return line


def connected(tmp_path: Path) -> _socket.socket:
    """A socket with a ROUTER at the other end."""
    made = _socket.socket(_socket.AF_UNIX)
    made.connect(str(tmp_path / "socket"))
    return made


class Host:
    """The other end: as the dispatcher's it keeps to the link where there is one."""

    def __init__(self, router: zmq.Socket[bytes], link: Link | None) -> None:
        self._router = router
        self._link = link
        self._cutter, self._assembler = Cutter(), Assembler()

    def receive(self) -> list[bytes]:
        address, *frames = self._router.recv_multipart()
        assert address == b"me"
        if self._link is None:
            return frames
        if is_piece(frames[0]):
            whole = self._assembler.add(list(frames))
            if whole is None:
                return self.receive()
            frames = whole
        body, answers = self._link.incoming(frames)
        for answer in answers:
            self._router.send_multipart([address, *answer])
        return self.receive() if body is None else [bytes(frame) for frame in body]

    def send(self, frames: list[Any]) -> None:
        if self._link is not None:
            frames = self._link.outgoing(frames[0], frames[1:])
        for each in self._cutter.cut(frames) if self._link is not None else [frames]:
            self._router.send_multipart([b"me", *each])


@pytest.fixture(params=["local", "network"])
def pair(
    request: pytest.FixtureRequest,
    router: zmq.Socket[bytes],
    tmp_path: Path,
) -> Iterator[tuple[Connection, Host]]:
    launch = Launch([f"ipc://{tmp_path / 'socket'}"], heartbeat=PATIENCE)
    connection: Connection
    if request.param == "local":
        local = open_connection(launch, b"me", connected(tmp_path))
        assert isinstance(local, LocalConnection)
        connection = introduced(local)
        host = Host(router, None)
    else:
        connection = ZeroMQConnection(launch, b"me")
        host = Host(router, Link())
    connection.send([b"hello"])
    assert host.receive() == [b"hello"]
    yield connection, host
    connection.close()


def test_frames_of_all_sizes_come_and_go(pair: tuple[Connection, Host]) -> None:
    connection, host = pair
    for size in SIZES:
        message = [os.urandom(size), b"", memoryview(os.urandom(size))]
        # Beside it: what neither end has room for waits for the other one to read.
        sender = threading.Thread(target=connection.send, args=(message,))
        sender.start()
        assert host.receive() == [bytes(frame) for frame in message]
        sender.join()
        host.send(message)
        received = connection.receive()
        assert received is not None
        assert [bytes(frame) for frame in received] == [bytes(frame) for frame in message]


def test_messages_that_come_together_are_received_one_by_one(
    pair: tuple[Connection, Host],
) -> None:
    connection, host = pair
    sent = [[b"%d" % number, bytes(number)] for number in range(0, 3000, 7)]
    for message in sent:
        host.send(message)
    assert [[bytes(f) for f in connection.receive() or ()] for _ in sent] == sent
    assert not connection.ready()


def test_it_tells_when_a_message_is_there(pair: tuple[Connection, Host]) -> None:
    connection, host = pair
    assert not connection.ready()
    host.send([b"x"])
    wait_until(connection.ready, what="a message is there")
    received = connection.receive()
    assert received is not None
    assert [bytes(frame) for frame in received] == [b"x"]
    assert not connection.ready()


def test_who_only_sends_does_not_keep_all_that_was_heard(
    router: zmq.Socket[bytes], tmp_path: Path
) -> None:
    connection = ZeroMQConnection(Launch([f"ipc://{tmp_path / 'socket'}"]), b"me")
    host = Host(router, Link())
    for number in range(2000):
        connection.send([b"%d" % number])
        assert host.receive() == [b"%d" % number]
    # What has been acknowledged on its way back may be a moment late.
    assert connection._link.kept < 500
    connection.close()


def test_it_waits_for_a_message_for_so_long_and_no_longer(
    router: zmq.Socket[bytes], tmp_path: Path
) -> None:
    line = local(tmp_path, patience=0.05)
    begin = time.monotonic()
    assert line.receive() is None
    assert 0.04 < time.monotonic() - begin < PATIENCE
    line.send([b"I am here"])
    assert router.recv_multipart() == [b"me", b"I am here"]
    router.send_multipart([b"me", b"late"])
    while (message := line.receive()) is None:
        assert time.monotonic() - begin < PATIENCE
    assert message == [b"late"]
    line.close()


def test_what_the_program_says_first_is_no_message(
    router: zmq.Socket[bytes], tmp_path: Path
) -> None:
    line = LocalConnection(connected(tmp_path), b"me", PATIENCE)
    wait_until(lambda: line._poll.poll(0), what="it has said its name")
    begin = time.monotonic()
    assert not line.ready()
    assert time.monotonic() - begin < PATIENCE / 2
    line.close()


def test_who_may_have_one_says_what_it_has_to_say_before_the_program_takes_it() -> None:
    near, far = _socket.socketpair()
    line = LocalConnection(near, b"me", 0.05)
    line.send([b"hello"])
    assert line.receive() is None
    line.close()
    # It is there, though who has said it is gone.
    reader = zmtp.FrameReader(memoryview(bytearray(zmtp.READ)))
    assert reader.read(far) == [[b"hello"]]
    assert reader.peer == b"me"
    far.close()


def test_a_program_that_hangs_up_is_noticed(router: zmq.Socket[bytes], tmp_path: Path) -> None:
    line = local(tmp_path)
    router.close(linger=0)
    with pytest.raises(ConnectionError):
        line.receive()
    line.close()
