"""Those who knock at a dispatcher's port: its own workers, strangers, and liars with the key."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import zmq

from gridengine.schedulers import ProcessScheduler
from gridengine.transport import messages
from gridengine.transport.launch_file import Launch
from gridengine.transport.link import Link, unnumbered
from gridengine.transport.zeromq import ZeroMQConnections
from gridengine.worker.zeromq import connect

PATIENCE = 10_000  # milliseconds

_REFUSED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_DISCONNECTED
)


class OverTcp(ProcessScheduler):
    """Workers on this host that are reached as those of a cluster are."""

    remote = True

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        return dict(resources)


class Bomb:
    """A pickle of it makes a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> Any:
        return os.mkdir, (self._path,)

    def packed(self) -> bytes:
        return pickle.dumps(self)


@dataclasses.dataclass(frozen=True)
class Port:
    """Where a dispatcher listens, and the launch file's content that its workers have."""

    launch: Launch

    @property
    def endpoint(self) -> str:
        return self.launch.endpoints[0]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.endpoint.removeprefix("tcp://").rpartition(":")
        return host.strip("[]"), int(port)

    def moved_to(self, address: tuple[str, int]) -> Port:
        endpoint = f"tcp://{address[0]}:{address[1]}"
        return Port(self.launch._replace(endpoints=[endpoint]))


def port_of(connections: ZeroMQConnections) -> Port:
    keys = connections.keys
    assert keys is not None
    return Port(Launch(connections.endpoints, keys.server_public, keys.public, keys.secret))


def port_in(run_dir: Path) -> Port:
    """What a worker has read of the one program whose folder is there."""
    return Port(Launch.read(str(next(run_dir.glob("run-*/launch-*")))))


# -- peers that speak ZeroMQ ------------------------------------------------------------------


class Peer:
    """A peer that has the key, and keeps to the link: what it says arrives.

    Args:
        socket: To the dispatcher.
        link: Its end of the link, if it has said something before.
    """

    def __init__(self, socket: zmq.Socket[bytes], link: Link | None = None) -> None:
        self.socket = socket
        self.link = link or Link()
        self._received: list[list[bytes]] = []

    def send(self, message: bytes) -> None:
        self.send_multipart([message])

    def send_multipart(self, frames: Sequence[bytes]) -> None:
        self.socket.send_multipart(self.link.outgoing(frames[0], frames[1:]))

    def poll(self, milliseconds: int) -> bool:
        """True once there is a message."""
        end = time.monotonic() + milliseconds / 1000
        while not self._received:
            left = max(0.0, end - time.monotonic())
            if not self.socket.poll(int(left * 1000)):
                return False
            self._take_in()
        return True

    def _take_in(self) -> None:
        body, answers = self.link.incoming(self.socket.recv_multipart())
        for answer in answers:
            self.socket.send_multipart(answer)
        if body is not None:
            self._received.append([bytes(frame) for frame in body])

    def recv_multipart(self) -> list[bytes]:
        while not self._received:
            self._take_in()
        return self._received.pop(0)


@contextlib.contextmanager
def worker(port: Port, name: bytes, link: Link | None = None) -> Iterator[Peer]:
    """A peer that has the key."""
    with zmq.Context() as context, connect(context, port.launch, port.endpoint, name) as socket:
        socket.linger = 0
        yield Peer(socket, link)


def fence(peer: Peer) -> None:
    """Returns when all that this peer has sent before has been read."""
    peer.socket.send(unnumbered(messages.encode(messages.Probe())))
    while True:
        assert peer.poll(PATIENCE), "the dispatcher does not answer"
        header = peer.recv_multipart()[0]
        if isinstance(messages.decode_to_node(header), messages.Here):
            return


@contextlib.contextmanager
def stranger(port: Port, **options: Any) -> Iterator[zmq.Socket[bytes]]:
    """A peer with other socket options than a worker's."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as peer:
        peer.linger = 0
        peer.ipv6 = True
        for name, value in options.items():
            setattr(peer, name, value)
        yield peer


def is_refused(port: Port, messages: Sequence[Sequence[bytes]], **options: Any) -> bool:
    """Has a stranger send messages; true once the dispatcher has hung up."""
    with stranger(port, **options) as peer, refusals(peer) as monitor:
        peer.connect(port.endpoint)
        for message in messages:
            peer.send_multipart(message)
        return bool(monitor.poll(PATIENCE))


@contextlib.contextmanager
def refusals(peer: zmq.Socket[bytes]) -> Iterator[zmq.Socket[bytes]]:
    """A socket that has something to read once a connection of ``peer`` has come to nothing."""
    with peer.get_monitor_socket(_REFUSED) as monitor:
        yield monitor
        peer.disable_monitor()


# -- peers that do not ------------------------------------------------------------------------


def hangs_up(port: Port, *data: bytes) -> bool:
    """Has a raw connection send data; true once the dispatcher has closed it."""
    with socket.create_connection(port.address, timeout=PATIENCE / 1000) as raw:
        try:
            for chunk in data:
                raw.sendall(chunk)
            # Who says half a greeting is waited for; who has said all that it will say is not.
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
    return True


def recorded(port: Port, talk: Callable[[Port], object]) -> bytes:
    """Returns all bytes that a peer sends to the dispatcher in the course of a talk."""
    said = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_pass_on, args=(server, port.address, said))
        thread.start()
        talk(port.moved_to(server.getsockname()))
        thread.join()
    return bytes(said)


def _pass_on(server: socket.socket, address: tuple[str, int], said: bytearray) -> None:
    server.settimeout(PATIENCE / 1000)
    near, _ = server.accept()
    with near, socket.create_connection(address) as far:
        while True:
            for readable in select.select([near, far], [], [], PATIENCE / 1000)[0]:
                data = readable.recv(65536)
                if not data:
                    return
                (far if readable is near else near).sendall(data)
                if readable is near:
                    said += data
