"""Connections to a dispatcher on another host, through ZeroMQ."""

from __future__ import annotations

import collections
import errno
import os
from collections.abc import Sequence
from typing import Any, cast

import zmq

from ..serialization.packed import ShortOfMemory
from ..transport import descriptors
from ..transport.launch_file import Launch
from ..transport.link import Frames, Link
from ..transport.pieces import FRAME, LARGEST_FRAME, PIECE, Assembler, Cutter, is_piece

#: Milliseconds until it is asked again whether all has been heard.
_QUESTION = 500

#: Messages that ZeroMQ holds unread: as many pieces of something large, 16 MiB.
_UNREAD = 16 * 1024 * 1024 // PIECE


class ZeroMQConnection:
    """A `Connection` that encrypts, connects again, and never hangs up.

    Args:
        launch: Where to, and with which keys.
        address: The name under which the dispatcher shall know this end.

    Raises:
        SchedulerError: Too few descriptors are free.
    """

    def __init__(self, launch: Launch, address: bytes) -> None:
        descriptors.check_for_zeromq()
        # One for each connection: nothing of ZeroMQ's survives a fork.
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = connect(self._context, launch, launch.endpoints[0], address)
        self._socket.rcvtimeo = int(launch.heartbeat * 1000)
        self._link = Link()
        self._cutter, self._assembler = Cutter(), Assembler()
        # The supervisor, as long as it has hope: it ends with a program that says nothing.
        self._parent = os.getppid()
        self._received: collections.deque[Frames] = collections.deque()

    #: Seconds in which ZeroMQ's thread, as a rule, has given to the kernel what it was given.
    departure = 0.002

    def fileno(self) -> int:
        """See `Connection`."""
        return self._socket.fileno()

    def ready(self) -> bool:
        """See `Connection`."""
        while not self._received and self._has_some():
            self._take_in()
        return bool(self._received)

    def receive(self) -> Frames | None:
        """See `Connection`."""
        while not self._received:
            try:
                self._take_in()
            except zmq.Again:
                return None
        return self._received.popleft()

    def _has_some(self) -> bool:
        return bool(cast(int, self._socket.get(zmq.EVENTS)) & zmq.POLLIN)

    def _take_in(self) -> None:
        """Receives once; what is no message to its user is settled here."""
        frames: Frames = [self._socket.recv()]
        while self._socket.get(zmq.RCVMORE):
            frames.append(self._socket.recv(copy=False).buffer)
        if is_piece(frames[0]):
            whole = self._assembler.add(frames)
            if whole is None:
                return
            frames = whole
        body, answers = self._link.incoming(frames)
        for answer in answers:
            self._send(answer)
        if body is not None:
            self._received.append(body)

    def send(self, frames: Sequence[Any], *, sign_of_life: bool = False) -> None:
        """See `Connection`."""
        self._send(self._link.outgoing(frames[0], frames[1:], sign_of_life=sign_of_life))
        # Who is busy for long, and answers meanwhile, learns here what it need not keep, and what
        # is to be said again.
        while self._link.kept and self._has_some():
            self._take_in()

    def _send(self, frames: Frames) -> None:
        try:
            if len(frames) > 1 or len(frames[0]) > FRAME:
                for each in self._cutter.cut(frames):
                    self._socket.send_multipart(each, copy=False)
            else:
                self._socket.send(frames[0])
        except zmq.ZMQError as error:
            if error.errno != errno.ENOMEM:
                raise
            raise ShortOfMemory(sum(memoryview(frame).nbytes for frame in frames)) from None

    def drain(self) -> None:
        """See `Connection`."""
        while self._link.kept and os.getppid() == self._parent:
            self._send(self._link.question())
            if self._socket.poll(_QUESTION):
                self._take_in()

    def close(self) -> None:
        """See `Connection`."""
        self._socket.close()
        self._context.term()


def connect(
    context: zmq.Context[Any], launch: Launch, endpoint: str, address: bytes
) -> zmq.Socket[bytes]:
    """Returns a socket to the dispatcher, which knows it by ``address``."""
    socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    socket.routing_id = address
    # Bounded by the blocks that the dispatcher has out, not by a count of messages.
    socket.sndhwm = 0
    # What was not read yet waits on the dispatcher's side, where it is anyway.
    socket.rcvhwm = _UNREAD
    # As on the other side: what is larger comes in pieces.
    socket.maxmsgsize = LARGEST_FRAME
    socket.linger = 5000
    socket.ipv6 = True
    if launch.server_key:
        socket.curve_serverkey = launch.server_key.encode()
        socket.curve_publickey = launch.public_key.encode()
        socket.curve_secretkey = launch.secret_key.encode()
    socket.connect(endpoint)
    return socket
