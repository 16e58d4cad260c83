"""The dispatcher's socket: where workers find it, and who may speak through it.

On one host a socket file in a folder that only this user can enter; over the network TCP,
always encrypted and authenticated with CURVE. A peer without the session's key is dropped by
ZeroMQ before any byte of its reaches this program.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import zmq
from zmq.utils import z85

from . import protocol
from .complaints import Complaints
from .errors import SchedulerError
from .launch import local_endpoint
from .logs import Log
from .settings import port_range

log = Log(__name__)

#: Milliseconds in which a peer must have shown its key: who says nothing, holds a descriptor and
#: what it has sent until then.
_HANDSHAKE = 10_000

#: Ports that are tried where one must be free at several addresses.
_TRIES = 100

#: Threads that encrypt, decrypt, read and write for workers on other hosts.
_CRYPTERS = 2

#: Messages of one peer that are held here unread. The rest waits on the peer's side, so that who
#: sends faster than can be read fills its own memory.
_UNREAD = 1000


class Keys:
    """The CURVE keys of one session, as Z85 text; nobody else ever has them."""

    def __init__(self) -> None:
        server_public, server_secret = zmq.curve_keypair()
        public, secret = zmq.curve_keypair()
        self.server_public = server_public.decode()
        self.server_secret = server_secret.decode()
        self.public = public.decode()
        self.secret = secret.decode()


class Wires:
    """The one socket through which a dispatcher speaks to all its supervisors and workers.

    Made by any thread, then used by the dispatcher's alone.

    Args:
        folder: A private folder for the socket file; empty for TCP.
        host: As `gridengine.settings.Settings.host`.
        ports: As `gridengine.settings.Settings.ports`.

    Attributes:
        endpoints: Where it can be reached; any one will do.
        keys: The keys of its peers, None on a local socket.

    Raises:
        SchedulerError: The host or the ports cannot be used.
    """

    def __init__(self, folder: str = "", host: str = "", ports: str = "") -> None:
        # Encryption is the work of these threads: one moves about 1 GB/s.
        self._context: zmq.Context[Any] = zmq.Context(io_threads=1 if folder else _CRYPTERS)
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        self.socket.router_mandatory = 1
        # A worker that was cut off comes back under its old name.
        self.socket.router_handover = 1
        # Bounded by the blocks that are out, not by a count of messages: at the mark a ROUTER
        # would drop them.
        self.socket.sndhwm = 0
        self.socket.rcvhwm = _UNREAD
        # No limit to the size of a message: a result may be larger than any that is set here.
        self.socket.maxmsgsize = -1
        self.socket.handshake_ivl = _HANDSHAKE
        self.socket.linger = 1000
        self.socket.set(zmq.BACKLOG, 4096)
        self._door: zmq.Socket[bytes] | None = None
        self._complaints = Complaints(log)
        self.keys: Keys | None = None
        try:
            if folder:
                self.endpoints = [local_endpoint(folder)]
                self.socket.bind(self.endpoints[0])
            else:
                self.endpoints = self._open_to_the_network(host, ports)
        except BaseException:
            self.close()
            raise

    def _open_to_the_network(self, host: str, ports: str) -> list[str]:
        self.keys = Keys()
        # Bound before the first connection: without it ZeroMQ would let in whoever knows the
        # server's public key.
        self._door = self._context.socket(zmq.REP)
        self._door.bind("inproc://zeromq.zap.01")
        self.socket.ipv6 = True
        self.socket.zap_domain = b"gridengine"
        self.socket.curve_server = 1
        self.socket.curve_secretkey = self.keys.server_secret.encode()
        addresses = _addresses(host)
        port = self._bind(_bindable(addresses) if host else ["*"], port_range(ports))
        return [f"tcp://{_bracketed(address)}:{port}" for address in addresses]

    def _bind(self, interfaces: list[str], ports: tuple[int, int] | None) -> int:
        first, last = ports or (0, 0)
        wanted = map(str, range(first, last + 1)) if ports else ["*"] * _TRIES
        for port in wanted:
            if bound := self._bind_all(interfaces, port):
                return bound
        raise SchedulerError(
            f"every port from {first} to {last} is in use: give more of them "
            "(GRIDENGINE_PORTS, or ports=)"
            if ports
            else f"no port is free at all of {', '.join(interfaces)}"
        )

    def _bind_all(self, interfaces: list[str], port: str) -> int:
        """Listens at the same port of all interfaces; returns it, 0 if it is in use at one."""
        bound: list[str] = []
        for interface in interfaces:
            try:
                self.socket.bind(f"tcp://{interface}:{port}")
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE:
                    raise SchedulerError(f"cannot listen at {interface}:{port}: {error}") from None
                for endpoint in bound:
                    self.socket.unbind(endpoint)
                return 0
            bound.append(bytes(self.socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode())
            # The others get the one that the system has given to the first.
            port = bound[-1].rpartition(":")[2]
        return int(port)

    # ------------------------------------------------------------------ the door

    def descriptors(self) -> list[Any]:
        """Returns what a poller shall watch for input."""
        return [self.socket] if self._door is None else [self.socket, self._door]

    def answer_the_door(self) -> None:
        """Lets in those who have the session's key (ZAP, https://rfc.zeromq.org/spec/27)."""
        if self._door is None or self.keys is None:
            return
        expected = z85.decode(self.keys.public)
        while True:
            try:
                version, request, _, address, _, mechanism, *credentials = (
                    self._door.recv_multipart(zmq.NOBLOCK)
                )
            except zmq.Again:
                return
            if mechanism == b"CURVE" and credentials == [expected]:
                answer = [b"200", b"OK", b"worker", b""]
            else:
                self.complain(address, "refused: a stranger, without this session's key")
                answer = [b"400", b"no key", b"", b""]
            self._door.send_multipart([version, request, *answer])

    # ------------------------------------------------------------------ messages

    def receive(self, most: int) -> Iterator[tuple[bytes, protocol.ToHost, list[Any]]]:
        """Yields up to ``most`` messages that are there: sender, message, frames."""
        socket = self.socket
        for _ in range(most):
            # Asked first: to be told by an exception takes ten times as long.
            if not cast(int, socket.get(zmq.EVENTS)) & zmq.POLLIN:
                return
            # A ROUTER's message has at least two frames; to ask costs as much as to receive one.
            address = socket.recv(zmq.NOBLOCK)
            header = socket.recv()
            frames = []
            while socket.get(zmq.RCVMORE):
                frames.append(socket.recv(copy=False).buffer)
            try:
                yield address, protocol.decode_to_host(header), frames
            except protocol.ProtocolError as error:
                self.complain(address, f"dropped rubbish: {error}")

    def complain(self, peer: bytes, text: str) -> None:
        """Says in the log what is wrong with a peer; once in a while, however often it is called.

        What a peer does is held against its message, never against its name: names are chosen
        by the peers, and a liar may have chosen that of an honest worker.
        """
        self._complaints.about(peer, text)

    def send(self, address: bytes, message: protocol.ToNode, frames: Sequence[Any] = ()) -> bool:
        """Sends a message; False if that peer is not connected."""
        try:
            if frames:
                self.socket.send_multipart([address, protocol.encode(message), *frames], copy=False)
            else:
                self.socket.send(address, zmq.SNDMORE)
                self.socket.send(protocol.encode(message))
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return False
        return True

    def close(self) -> None:
        """Closes the socket; messages on their way get a second."""
        self.socket.close()
        if self._door is not None:
            self._door.close(linger=0)
        self._context.term()


def _addresses(host: str) -> list[str]:
    """Returns the addresses under which workers may find this host, the likeliest first.

    Raises:
        SchedulerError: ``host`` is neither a name, nor an address, nor an interface.
    """
    import ipaddress
    import socket as _socket

    interfaces = _interfaces()
    if not host:
        every = [address for addresses in interfaces.values() for address in addresses]
        reachable = [address for address in every if not ipaddress.ip_address(address).is_loopback]
        # With no network at all the workers can only be on this host.
        return sorted(reachable, key=lambda a: ipaddress.ip_address(a).version) or every
    if host in interfaces:
        if not interfaces[host]:
            raise SchedulerError(f"the interface {host} has no address")
        return interfaces[host]
    try:
        found = _socket.getaddrinfo(host, None, type=_socket.SOCK_STREAM)
    except OSError as error:
        raise SchedulerError(
            f"host {host!r} is no address, no name that resolves ({error}), and none of this "
            f"host's interfaces: {', '.join(interfaces)}"
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _interfaces() -> dict[str, list[str]]:
    import socket as _socket

    import psutil

    return {
        name: [
            entry.address
            for entry in entries
            # An address of the link alone needs the peer's own interface name to be reached.
            if entry.family in (_socket.AF_INET, _socket.AF_INET6) and "%" not in entry.address
        ]
        for name, entries in psutil.net_if_addrs().items()
    }


def _bindable(addresses: list[str]) -> list[str]:
    """Returns where to listen: at the wanted addresses if they are this host's own, else at all."""
    own = {address for entries in _interfaces().values() for address in entries}
    return [_bracketed(address) for address in addresses] if own.issuperset(addresses) else ["*"]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
