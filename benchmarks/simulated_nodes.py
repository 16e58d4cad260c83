"""Nodes that speak the real protocol over real sockets, but run nothing.

Each has a supervisor with one worker, as a queue job of one slot has: two connections. The
worker answers for every call that it gets, at once, and with None.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import zmq

from gridengine.transport import messages
from gridengine.transport.addresses import worker_address
from gridengine.transport.launch_file import Launch
from gridengine.transport.link import Link
from gridengine.transport.messages import (
    Beat,
    Done,
    Ready,
    Recall,
    Recalled,
    Result,
    Run,
    Supervising,
)
from gridengine.transport.pieces import Assembler, Cutter, is_piece
from gridengine.worker.zeromq import connect

_NONE = pickle.dumps(None)

#: What a trivial call takes, so that the blocks have the size that they would have.
_WALL = 1e-6


class Peer:
    """A connection to the dispatcher, and its link.

    Attributes:
        socket: To be waited for.
    """

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self._link = Link()
        self._cutter, self._assembler = Cutter(), Assembler()

    def say(self, message: object, *, sign_of_life: bool = False) -> None:
        """Sends a message."""
        self._send(self._link.outgoing(messages.encode(message), sign_of_life=sign_of_life))

    def _send(self, frames: list[Any]) -> None:
        for each in self._cutter.cut(frames):
            self.socket.send_multipart(each)

    def receive(self) -> Iterator[object]:
        """Yields the messages that are there."""
        while True:
            try:
                frames: list[Any] | None = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            assert frames
            if is_piece(frames[0]):
                frames = self._assembler.add(frames)
                if frames is None:
                    continue
            body, answers = self._link.incoming(frames)
            for answer in answers:
                self._send(answer)
            if body is not None:
                yield messages.decode_to_node(body[0])


class Node:
    """A supervisor and its worker."""

    def __init__(self, context: zmq.Context[Any], launch: Launch, number: int) -> None:
        endpoint = launch.endpoints[0]
        name = os.urandom(8).hex().encode()
        self.supervisor = Peer(connect(context, launch, endpoint, name))
        self.worker = Peer(connect(context, launch, endpoint, worker_address(name, 0)))
        self._position = 0
        self._skip_to = 0
        self.supervisor.say(
            Supervising(messages.VERSION, f"simulated.{number}", 0, "nowhere", os.getpid())
        )
        self.worker.say(Ready(os.getpid()))

    def hear_worker(self) -> None:
        """Takes in blocks and answers for them."""
        for message in self.worker.receive():
            if isinstance(message, Run):
                self._run(message)

    def _run(self, block: Run) -> None:
        position = block.position
        results = []
        for call in block.calls:
            # What was taken back from here has been handed to somebody else.
            if position >= self._skip_to:
                results.append(
                    Result(
                        call.task, call.attempt, call.lo, call.hi,
                        _NONE, 0, {}, _WALL, _WALL, 0,
                    )
                )  # fmt: skip
            position += call.hi - call.lo
        self._position = position
        if results:
            self.worker.say(Done(results))

    def hear_supervisor(self) -> None:
        """Takes in orders; the only one that means something here is to give work back."""
        for message in self.supervisor.receive():
            if isinstance(message, Recall):
                self._skip_to = max(message.end, self._skip_to)
                self.supervisor.say(Recalled(0, self._position, message.end))

    def beat(self) -> None:
        """Gives the signs of life of both."""
        self.supervisor.say(Beat(), sign_of_life=True)
        self.worker.say(Beat(), sign_of_life=True)


def main() -> None:
    """Has nodes, from ``FIRST`` to ``LAST``; obeys the letters on its standard input.

    ``c`` connects them all, ``p`` has them rest, ``g`` go on; the end of the file ends them.
    """
    path, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    launch = Launch.read(path)
    raise_file_limit()
    context = zmq.Context()
    context.max_sockets = 3 * (last - first) + 10
    nodes: list[Node] = []
    actions: dict[Any, Any] = {}
    poller = zmq.Poller()
    poller.register(0, zmq.POLLIN)
    beat = time.monotonic() + launch.heartbeat
    idle_workers = False
    while True:
        events = poller.poll(1000) if not idle_workers else _only(0)
        for source, _ in events:
            if source == 0:
                orders = os.read(0, 1)
                if not orders:
                    context.destroy(linger=0)
                    return
                if orders == b"c":
                    for number in range(first, last):
                        node = Node(context, launch, number)
                        nodes.append(node)
                        actions[node.supervisor.socket] = node.hear_supervisor
                        actions[node.worker.socket] = node.hear_worker
                        poller.register(node.supervisor.socket, zmq.POLLIN)
                        poller.register(node.worker.socket, zmq.POLLIN)
                idle_workers = orders == b"p"
            else:
                actions[source]()
        if time.monotonic() > beat:
            beat += launch.heartbeat
            for node in nodes:
                node.beat()


def _only(descriptor: int) -> list[tuple[int, int]]:
    poller = zmq.Poller()
    poller.register(descriptor, zmq.POLLIN)
    return poller.poll(1000)


def raise_file_limit() -> None:
    """Allows this process as many open files as the system allows: each connection is some."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
