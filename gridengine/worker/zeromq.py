"""Connections to a dispatcher on another host, through ZeroMQ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import zmq

from ..transport import messages
from ..transport.launch_file import Launch


class ZeroMQConnection:
    """A `Connection` that encrypts, connects again, and never hangs up.

    Args:
        launch: Where to, and with which keys.
        address: The name under which the dispatcher shall know this end.
    """

    def __init__(self, launch: Launch, address: bytes) -> None:
        # One for each connection: nothing of ZeroMQ's survives a fork.
        self._context: zmq.Context[Any] = zmq.Context()
        self._connection = connect(self._context, launch, launch.endpoints[0], address)
        self._connection.rcvtimeo = int(launch.heartbeat * 1000)

    def fileno(self) -> int:
        """See `Connection`."""
        return self._connection.fileno()

    def ready(self) -> bool:
        """See `Connection`."""
        return bool(cast(int, self._connection.get(zmq.EVENTS)) & zmq.POLLIN)

    def receive(self) -> list[Any] | None:
        """See `Connection`."""
        connection = self._connection
        try:
            frames: list[Any] = [connection.recv()]
        except zmq.Again:
            return None
        while connection.get(zmq.RCVMORE):
            frames.append(connection.recv(copy=False).buffer)
        return frames

    def send(self, frames: Sequence[Any]) -> None:
        """See `Connection`."""
        if len(frames) > 1:
            self._connection.send_multipart(frames, copy=False)
        else:
            self._connection.send(frames[0])

    def close(self) -> None:
        """See `Connection`."""
        self._connection.close()
        self._context.term()


def connect(
    context: zmq.Context[Any], launch: Launch, endpoint: str, address: bytes
) -> zmq.Socket[bytes]:
    """Returns a socket to the dispatcher, which knows it by ``address``."""
    socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    socket.routing_id = address
    # Bounded by the blocks that the dispatcher has out, not by a count of messages.
    socket.sndhwm = socket.rcvhwm = 0
    socket.linger = 5000
    socket.ipv6 = True
    if launch.server_key:
        socket.curve_serverkey = launch.server_key.encode()
        socket.curve_publickey = launch.public_key.encode()
        socket.curve_secretkey = launch.secret_key.encode()
    socket.connect(endpoint)
    return socket


def answering_endpoint(launch: Launch, address: bytes) -> str:
    """Returns the first of the dispatcher's addresses that answers with the right key.

    Args:
        launch: The addresses, and the keys.
        address: The name under which the dispatcher will know the one who asks.

    Raises:
        TimeoutError: None did within the launch's patience.
    """
    with zmq.Context() as context:
        probes = {
            connect(context, launch, endpoint, b"%s?%d" % (address, i)): endpoint
            for i, endpoint in enumerate(launch.endpoints)
        }
        poller = zmq.Poller()
        for probe in probes:
            poller.register(probe, zmq.POLLIN)
            probe.send(messages.encode(messages.Probe(messages.VERSION)))
        answered = poller.poll(int(launch.patience * 1000))
        for probe in probes:
            probe.close(linger=0)
    if not answered:
        raise TimeoutError(f"the dispatcher answers at none of {', '.join(launch.endpoints)}")
    return probes[answered[0][0]]
