"""The dispatcher's socket for workers on other hosts, and who may speak through it.

TCP, always encrypted and authenticated with CURVE. A peer without the session's key is dropped by
ZeroMQ before any byte of its reaches this program.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import Any, cast

import zmq
from zmq.utils import z85

from ..settings import port_range
from . import admission, link, messages, pieces
from .base import LINGER, Connections, log
from .launch_file import Keys
from .listening import Listeners
from .own_addresses import addresses_of, bindable, bracketed

#: With this wheel of pyzmq encryption takes fifteen times as long (docs/performance.md).
_SLOW_WHEEL = "27.2.0"

#: Threads that encrypt, decrypt, read and write for workers on other hosts.
_CRYPTERS = 2

#: Messages that are read before work is handed out again.
_MESSAGES = 500

#: Peers to whom nothing was said yet that are remembered.
_STRANGERS = 10_000

#: Messages of one peer that are held here unread. The rest waits on the peer's side, so that who
#: sends faster than can be read fills its own memory.
_UNREAD = 1000


class ZeroMQConnections(Connections):
    """`Connections` to other hosts.

    Args:
        host: As `gridengine.settings.Settings.host`.
        ports: As `gridengine.settings.Settings.ports`.

    Attributes:
        socket: What all messages come and go through.

    Raises:
        SchedulerError: The host or the ports cannot be used.
    """

    def __init__(self, host: str = "", ports: str = "") -> None:
        super().__init__()
        _warn_of_slow_wheel()
        # Encryption is the work of these threads: one moves about 1 GB/s.
        self._context: zmq.Context[Any] = zmq.Context(io_threads=_CRYPTERS)
        self._door: zmq.Socket[bytes] = self._context.socket(zmq.REP)
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        self.socket.router_mandatory = 1
        # A worker that was cut off comes back under its old name.
        self.socket.router_handover = 1
        # Bounded by the blocks that are out, not by a count of messages: at the mark a ROUTER
        # would drop them.
        self.socket.sndhwm = 0
        self.socket.rcvhwm = _UNREAD
        # A stranger shall not have more kept. What is larger travels in pieces.
        self.socket.maxmsgsize = pieces.LARGEST_FRAME
        self.socket.handshake_ivl = int(admission.HANDSHAKE_SECONDS * 1000)
        self.socket.linger = int(LINGER * 1000)
        self._admission = admission.Admission(self._context, self.socket, self.complain)
        self._poller = zmq.Poller()
        self._links: dict[bytes, link.Link] = {}
        # Those to whom nothing was said yet: a peer that makes up names shall not fill the memory.
        self._strangers: dict[bytes, link.Link] = {}
        self._cutters: dict[bytes, pieces.Cutter] = {}
        self._assemblers: dict[bytes, pieces.Assembler] = {}
        try:
            self.keys = _new_keys()
            self.endpoints = self._open(self.keys, host, ports)
        except BaseException:
            self.close()
            raise
        self._expected = z85.decode(self.keys.public)
        for each in (self.socket, self._door, self._admission.news):
            self._poller.register(each, zmq.POLLIN)

    def _open(self, keys: Keys, host: str, ports: str) -> list[str]:
        # Bound before the first connection: without it ZeroMQ would let in whoever knows the
        # server's public key.
        self._door.bind("inproc://zeromq.zap.01")
        self.socket.ipv6 = True
        self.socket.zap_domain = b"gridengine"
        self.socket.curve_server = 1
        self.socket.curve_secretkey = keys.server_secret.encode()
        addresses = addresses_of(host)
        listeners = Listeners(
            bindable(addresses) if host else [],
            port_range(ports),
            admission.BACKLOG * admission.most(),
        )
        self._admission.guard(listeners)
        for each in listeners.sockets:
            # Its own duplicate, for it closes it.
            self.socket.set(zmq.USE_FD, os.dup(each.fileno()))
            self.socket.bind(f"tcp://*:{listeners.port}")
        self.socket.set(zmq.USE_FD, -1)
        return [f"tcp://{bracketed(address)}:{listeners.port}" for address in addresses]

    # ------------------------------------------------------------------ messages

    def watch(self, descriptor: int) -> None:
        """See `Connections`."""
        self._poller.register(descriptor, zmq.POLLIN)

    def wait(self, seconds: float) -> Iterable[int]:
        """See `Connections`."""
        seconds = min(seconds, self._admission.due_in())
        ready = dict(self._poller.poll(math.ceil(seconds * 1000)))
        ready.pop(self.socket, None)
        if ready.pop(self._door, None):
            self._answer_the_door()
        if ready.pop(self._admission.news, None) or not self._admission.due_in():
            self._look_who_comes()
        return cast(Iterable[int], ready)

    def _look_who_comes(self) -> None:
        before = self._admission.hung_up
        self._admission.look()
        if self._admission.hung_up > before:
            self.when_lost()

    def _answer_the_door(self) -> None:
        """Lets in those who have the session's key (ZAP, https://rfc.zeromq.org/spec/27)."""
        while True:
            try:
                version, request, _, address, _, mechanism, *credentials = (
                    self._door.recv_multipart(zmq.NOBLOCK)
                )
            except zmq.Again:
                return
            if mechanism == b"CURVE" and credentials == [self._expected]:
                answer = [b"200", b"OK", b"worker", b""]
            else:
                self.complain(address, "refused: a stranger, without this session's key")
                answer = [b"400", b"no key", b"", b""]
            self._door.send_multipart([version, request, *answer])

    def _messages(self) -> Iterator[tuple[bytes, list[Any]]]:
        socket = self.socket
        self.more = False
        for _ in range(_MESSAGES):
            # Asked first: to be told by an exception takes ten times as long.
            if not cast(int, socket.get(zmq.EVENTS)) & zmq.POLLIN:
                return
            # A ROUTER's message has at least two frames; to ask costs as much as to receive one.
            address = socket.recv(zmq.NOBLOCK)
            frames: list[Any] = [socket.recv()]
            while socket.get(zmq.RCVMORE):
                frames.append(socket.recv(copy=False).buffer)
            if pieces.is_piece(frames[0]):
                whole = self._assembled(address, frames)
                if whole is None:
                    continue
                frames = whole
            if link.belongs_to_none(frames[0]):
                yield address, [memoryview(frames[0])[link.HEADER_BYTES :], *frames[1:]]
                continue
            try:
                body, answers = self._link_of(address).incoming(frames)
            except link.LinkError as error:
                self.complain(address, f"dropped rubbish: {error}")
                continue
            for answer in answers:
                self._send(address, answer)
            if body is not None:
                yield address, body
        self.more = True

    def _assembled(self, address: bytes, frames: list[Any]) -> list[Any] | None:
        assembler = self._assemblers.setdefault(address, pieces.Assembler())
        try:
            whole = assembler.add(frames)
        except (ValueError, MemoryError) as error:
            self.complain(address, f"dropped rubbish: {error}")
            whole = None
        if not assembler.open:
            del self._assemblers[address]
        elif len(self._assemblers) > _STRANGERS:
            # As with the links: what one has begun to say it will be asked to say again.
            del self._assemblers[next(iter(self._assemblers))]
        return whole

    def _link_of(self, address: bytes) -> link.Link:
        known = self._links.get(address) or self._strangers.get(address)
        if known is None:
            known = self._strangers[address] = link.Link()
            if len(self._strangers) > _STRANGERS:
                # Should it be no stranger, it is asked to say again what was missed.
                del self._strangers[next(iter(self._strangers))]
        return known

    def _put(self, address: bytes, message: messages.ToNode, frames: list[Any]) -> bool:
        header, *rest = frames
        if type(message) is messages.Here:
            return self._send(address, [link.unnumbered(header)])
        known = self._links[address] = self._link_of(address)
        self._strangers.pop(address, None)
        sign_of_life = type(message) is messages.Beat
        return self._send(address, known.outgoing(header, rest, sign_of_life=sign_of_life))

    def forget(self, address: bytes) -> None:
        """See `Connections`."""
        self._links.pop(address, None)
        self._strangers.pop(address, None)
        self._cutters.pop(address, None)
        self._assemblers.pop(address, None)

    def _send(self, address: bytes, frames: list[Any]) -> bool:
        try:
            if len(frames) > 1 or len(frames[0]) > pieces.FRAME:
                for each in self._cutters.setdefault(address, pieces.Cutter()).cut(frames):
                    self.socket.send_multipart([address, *each], copy=False)
            else:
                self.socket.send(address, zmq.SNDMORE)
                self.socket.send(frames[0])
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            # It will ask for it when it is back.
            return False
        return True

    def close(self) -> None:
        """See `Connections`."""
        self._admission.close()
        self.socket.close()
        self._door.close(linger=0)
        self._context.term()


def _warn_of_slow_wheel() -> None:
    global _warned
    if zmq.__version__ == _SLOW_WHEEL and not _warned:
        _warned = True
        log.warning(
            "pyzmq %s is installed, which encrypts 0.06 GB/s where others do 0.9: install another",
            _SLOW_WHEEL,
        )


_warned = False


def _new_keys() -> Keys:
    pairs = (*zmq.curve_keypair(), *zmq.curve_keypair())
    return Keys(*(key.decode() for key in pairs))
