"""The dispatcher's connections on its own host: its supervisors pass it one end of each.

The other end is `gridengine.worker.connection`. Such a connection ends only with the process on one
of its sides, so nothing that was sent is lost.
"""

from __future__ import annotations

# Not `socket`, which stands on it and takes 3 ms to import.
import _socket as socket
import collections
import contextlib
import math
import os
import select
import time
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import reason_of
from . import descriptors, zmtp
from .base import LINGER, Connections
from .control import Control, Controls

#: Seconds after which the next connection is taken when there was no descriptor left for one.
_PAUSE = 0.1

#: Seconds after which it is no passing want: who has all descriptors in use keeps them, as a rule.
_SHUT = 2.0

#: Times that a peer is read in one turn while there is more: some megabytes, more than a kernel
#: keeps for a connection, as a rule.
_READS = 16


class _Peer:
    """One connection."""

    __slots__ = ("crowded", "reader", "socket", "unsent")

    def __init__(self, connection: socket.socket, buffer: memoryview) -> None:
        self.socket = connection
        self.reader = zmtp.FrameReader(buffer)
        self.unsent: collections.deque[Any] = collections.deque()
        # Whether to send the rest when there is room.
        self.crowded = False

    def flush(self) -> None:
        """Sends what there is room for.

        Raises:
            OSError: The peer has hung up.
        """
        unsent = self.unsent
        while unsent:
            try:
                sent = self.socket.send(unsent[0])
            except BlockingIOError:
                return
            if sent == len(unsent[0]):
                unsent.popleft()
            else:
                unsent[0] = memoryview(unsent[0])[sent:]


class LocalConnections(Connections):
    """`Connections` to processes of this host.

    Args:
        controls: By which they come.
    """

    def __init__(self, controls: Controls) -> None:
        super().__init__()
        self._controls = controls
        controls.changed = True
        # Those of them that are waited for.
        self._doors: set[int] = set()
        self._watched: set[int] = set()
        self._peers: dict[int, _Peer] = {}
        self._named: dict[bytes, _Peer] = {}
        self._readable: list[_Peer] = []
        self._hung_up: list[bytes] = []
        self._shut_until = 0.0
        self._shut_since = math.inf
        self._shut_by: OSError | None = None
        self._buffer = memoryview(bytearray(zmtp.READ))
        self._poll = select.poll()

    def watch(self, descriptor: int) -> None:
        """See `Connections`."""
        self._watched.add(descriptor)
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, seconds: float) -> Iterable[int]:
        """See `Connections`."""
        if self._shut_until:
            seconds = min(seconds, self._until_the_doors_open())
        if self._controls.changed:
            self._watch_controls()
        watched = []
        for descriptor, event in self._poll.poll(math.ceil(seconds * 1000)):
            peer = self._peers.get(descriptor)
            if peer is None:
                if descriptor in self._watched:
                    watched.append(descriptor)
                else:
                    self._attend(self._controls.open[descriptor], event)
                continue
            if event & ~select.POLLOUT:
                self._readable.append(peer)
            if event & select.POLLOUT:
                self._flush(peer)
        return watched

    def _watch_controls(self) -> None:
        """Waits for those that are open now; while all is shut, only to tell what is unsent."""
        self._controls.changed = False
        for descriptor in self._doors:
            self._poll.unregister(descriptor)
        self._doors.clear()
        for descriptor, control in self._controls.open.items():
            events = 0 if self._shut_until else select.POLLIN
            if control.unsent:
                events |= select.POLLOUT
            if events:
                self._doors.add(descriptor)
                self._poll.register(descriptor, events)

    def _attend(self, control: Control, event: int) -> None:
        if event & select.POLLOUT:
            control.flush()
            self._controls.changed = True
        if event & ~select.POLLOUT and not self._shut_until:
            self._let_in(control)

    def _let_in(self, control: Control) -> None:
        while True:
            try:
                os.close(descriptors.leave_some(os.dup(control.fileno())))
                connection = control.take()
            except BlockingIOError:
                self._shut_since = math.inf
                return
            except ConnectionError:
                self._doors.discard(control.fileno())
                self._poll.unregister(control.fileno())
                control.close()
                return
            except OSError as error:
                # As a rule the program has nearly as many files open as it may have.
                self._shut(error)
                return
            self._shut_since = math.inf
            descriptor = connection.fileno()
            peer = self._peers[descriptor] = _Peer(connection, self._buffer)
            self._poll.register(descriptor, select.POLLIN)
            peer.unsent.append(zmtp.introduction(b"ROUTER", b""))
            self._flush(peer)

    def _shut(self, error: OSError) -> None:
        self.complain(b"the door", f"no worker can be let in for now: {error}")
        now = time.monotonic()
        self._shut_until = now + _PAUSE
        self._watch_controls()
        self._shut_since = min(self._shut_since, now)
        self._shut_by = error

    def shut_out(self) -> str:
        """See `Connections`."""
        if self._shut_by is None or time.monotonic() - self._shut_since < _SHUT:
            return ""
        return f"no worker can be let in: {reason_of(self._shut_by)}"

    def _until_the_doors_open(self) -> float:
        left = self._shut_until - time.monotonic()
        if left <= 0:
            self._shut_until = 0.0
            self._watch_controls()
        return max(0.0, left)

    def _messages(self) -> Iterator[tuple[bytes, list[Any]]]:
        readable, self._readable = self._readable, []
        for peer in readable:
            reader = peer.reader
            # All that is there: what the dead have said is to be heard before they are buried.
            for _ in range(_READS):
                stranger = reader.peer is None
                try:
                    messages = reader.read(peer.socket)
                except BlockingIOError:
                    break
                except OSError as error:
                    self._drop(peer, error)
                    break
                address = reader.peer
                if address is not None:
                    if stranger:
                        self._name(peer, address)
                    for message in messages:
                        yield address, message
                if not reader.more:
                    break

    def _name(self, peer: _Peer, address: bytes) -> None:
        # One that was cut off comes back under its old name.
        before = self._named.get(address)
        if before is not None:
            self._drop(before)
        self._named[address] = peer

    def hung_up(self) -> list[bytes]:
        """See `Connections`."""
        gone, self._hung_up = self._hung_up, []
        return gone

    def _put(self, address: bytes, message: object, frames: list[Any]) -> bool:
        peer = self._named.get(address)
        if peer is None:
            return False
        peer.unsent += zmtp.parts(frames)
        # What does not fit now goes as soon as it does, and in its order.
        if not peer.crowded:
            self._flush(peer)
        return True

    def _flush(self, peer: _Peer) -> None:
        """Sends what there is room for, the rest once there is."""
        try:
            peer.flush()
        except OSError:
            # It has hung up. What it has said before is still to be read, and shows that too. Half
            # a message may have left: nothing shall follow it.
            peer.unsent.clear()
            with contextlib.suppress(OSError):
                peer.socket.shutdown(socket.SHUT_WR)
        if peer.crowded != bool(peer.unsent):
            peer.crowded = not peer.crowded
            self._poll.modify(peer.socket, select.POLLIN | (peer.crowded and select.POLLOUT))

    def _drop(self, peer: _Peer, error: OSError | None = None) -> None:
        if isinstance(error, zmtp.ForeignError):
            self.complain(peer.reader.peer or b"a stranger", f"dropped: {error}")
        descriptor = peer.socket.fileno()
        if self._peers.pop(descriptor, None) is None:
            return
        address = peer.reader.peer
        if address is not None and self._named.get(address) is peer:
            del self._named[address]
            self._hung_up.append(address)
        self._poll.unregister(descriptor)
        # A program that closes all its descriptors has closed this one, too.
        with contextlib.suppress(OSError):
            peer.socket.close()

    def close(self) -> None:
        """See `Connections`."""
        end = time.monotonic() + LINGER
        for peer in self._peers.values():
            with contextlib.suppress(OSError):
                for part in peer.unsent:
                    peer.socket.settimeout(max(0.001, end - time.monotonic()))
                    peer.socket.sendall(part)
            peer.socket.close()
        self._peers.clear()
        self._named.clear()
