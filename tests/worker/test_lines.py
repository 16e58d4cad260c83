"""A worker's line to a socket file, with a real ROUTER at the other end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from gridengine.worker.lines import LocalLine, NetworkLine
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


def local(tmp_path: Path, patience: float = PATIENCE) -> LocalLine:
    return LocalLine(str(tmp_path / "socket"), b"me", patience)


@pytest.fixture(params=["local", "network"])
def line(
    request: pytest.FixtureRequest,
    context: zmq.Context[zmq.Socket[bytes]],
    router: zmq.Socket[bytes],
    tmp_path: Path,
) -> Iterator[LocalLine | NetworkLine]:
    if request.param == "local":
        line: LocalLine | NetworkLine = local(tmp_path)
    else:
        wire = context.socket(zmq.DEALER)
        wire.routing_id = b"me"
        wire.linger = 0
        wire.connect(f"ipc://{tmp_path / 'socket'}")
        line = NetworkLine(wire, PATIENCE)
    line.send([b"hello"])
    assert router.recv_multipart() == [b"me", b"hello"]
    yield line
    line.close()


def test_frames_of_all_sizes_come_and_go(
    line: LocalLine | NetworkLine, router: zmq.Socket[bytes]
) -> None:
    for size in SIZES:
        message = [os.urandom(size), b"", memoryview(os.urandom(size))]
        # Beside it: what neither end has room for waits for the other one to read.
        sender = threading.Thread(target=line.send, args=(message,))
        sender.start()
        assert router.recv_multipart() == [b"me", *map(bytes, message)]
        sender.join()
        router.send_multipart([b"me", *message])
        received = line.receive()
        assert received is not None
        assert [bytes(frame) for frame in received] == [bytes(frame) for frame in message]


def test_messages_that_come_together_are_received_one_by_one(
    line: LocalLine | NetworkLine, router: zmq.Socket[bytes]
) -> None:
    messages = [[b"%d" % number, bytes(number)] for number in range(0, 3000, 7)]
    for message in messages:
        router.send_multipart([b"me", *message])
    assert [[bytes(f) for f in line.receive() or ()] for _ in messages] == messages
    assert not line.ready()


def test_it_tells_when_a_message_is_there(
    line: LocalLine | NetworkLine, router: zmq.Socket[bytes]
) -> None:
    assert not line.ready()
    router.send_multipart([b"me", b"x"])
    wait_until(line.ready, what="a message is there")
    assert line.receive() == [b"x"]
    assert not line.ready()


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


def test_where_nobody_listens_there_is_no_line(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        local(tmp_path)
