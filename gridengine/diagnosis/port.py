"""The port at which the doctor waits for its queue job to connect, as a program's workers do.

What comes in is a few lines of JSON, which are shown and nothing else: nothing is unpickled. The
token in them only tells the queue job's lines from those of others; whoever reads it in the queue
could make the doctor show something wrong, and no more than that.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import time
from typing import Any

from ..settings import Settings, port_range
from ..transport import private_files
from ..transport.listening import Listeners
from ..transport.own_addresses import addresses_of, bindable, interfaces

_LINE = 1 << 20
_CONNECTIONS = 64


class Port:
    """Listens where a program of these settings would, and at this host's other addresses too.

    Args:
        settings: Their ``host`` and ``ports`` count.
        folder: The doctor's, in which a file is written when the queue job asks for one.
        token: What the lines of the queue job have in them.

    Attributes:
        endpoints: Addresses and the port, those that the settings name first.
        findings: What the queue job has told, None if it has not yet.
        told_at: When (`time.monotonic`) it told the last of it.

    Raises:
        SchedulerError: The host or the ports cannot be used.
    """

    def __init__(self, settings: Settings, folder: str, token: str) -> None:
        self._folder, self._token = folder, token
        self.configured = addresses_of(settings.host)
        every = list(dict.fromkeys([*self.configured, *addresses_of("")]))
        self._listeners = Listeners(bindable(every), port_range(settings.ports), _CONNECTIONS)
        self.endpoints = [(address, self._listeners.port) for address in every]
        self.findings: dict[str, Any] | None = None
        self.told_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._read: dict[socket.socket, bytes] = {}
        for each in self._listeners.sockets:
            self._selector.register(each, selectors.EVENT_READ, "new")

    def register(self, descriptor: int) -> None:
        """Has `wait` end when there is something to read from a descriptor."""
        self._selector.register(descriptor, selectors.EVENT_READ, "other")

    def wait(self, seconds: float) -> None:
        """Waits until something has come in, and answers it."""
        for key, _ in self._selector.select(seconds):
            if key.data == "new":
                self._let_in(key.fileobj)  # type: ignore[arg-type]  # it is a socket
            elif key.data == "peer":
                self._take(key.fileobj)  # type: ignore[arg-type]  # as above

    def close(self) -> None:
        """Closes it, and all connections."""
        for each in list(self._read):
            self._drop(each)
        self._listeners.close()
        self._selector.close()

    def _let_in(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            peer.setblocking(False)
            if len(self._read) >= _CONNECTIONS:
                peer.close()
                return
            self._read[peer] = b""
            self._selector.register(peer, selectors.EVENT_READ, "peer")

    def _drop(self, peer: socket.socket) -> None:
        del self._read[peer]
        self._selector.unregister(peer)
        peer.close()

    def _take(self, peer: socket.socket) -> None:
        try:
            part = peer.recv(65536)
            *lines, self._read[peer] = (self._read[peer] + part).split(b"\n")
            for line in lines:
                self._answer(peer, json.loads(line))
            if not part or len(self._read[peer]) > _LINE:
                self._drop(peer)
        except (OSError, ValueError, RecursionError):
            self._drop(peer)

    def _answer(self, peer: socket.socket, told: object) -> None:
        if not isinstance(told, dict) or told.get("token") != self._token:
            raise ValueError("a stranger")
        if "time" in told:
            self._send(peer, time=time.time())
        elif "file" in told:
            name = f"written-{os.urandom(4).hex()}"
            private_files.write_file(os.path.join(self._folder, name), "")
            self._send(peer, file=name)
        elif isinstance(told.get("findings"), dict):
            self.findings = told["findings"]
            self.told_at = time.monotonic()

    def _send(self, peer: socket.socket, **answer: object) -> None:
        # A few bytes, which the kernel takes at once or never will.
        peer.send(json.dumps(answer).encode() + b"\n")


def interface_of(addresses: list[str]) -> str:
    """Returns the interface that has exactly these addresses, empty if none has."""
    wanted = set(addresses)
    return next((name for name, own in interfaces().items() if wanted and set(own) == wanted), "")
