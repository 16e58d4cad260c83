"""Local connections with a supervisor that the test plays: it passes the ends of connections."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from gridengine.transport.control import Control, Controls, pass_end
from gridengine.transport.local import LocalConnections

#: Seconds that what a peer reads may take to come.
PATIENCE = 20.0


class PassedConnections(LocalConnections):
    """The dispatcher's connections, and the supervisor by which they come.

    Attributes:
        control: The program's end of what the supervisor has inherited.
        inherited: The supervisor's.
    """

    def __init__(self) -> None:
        controls = Controls()
        self.control = Control(controls)
        self.inherited = self.control.inherited
        super().__init__(controls)

    def new_socket(self) -> _socket.socket:
        """Returns a socket as a supervisor and its workers have it."""
        return pass_end(self.inherited.fileno())

    def pass_on(self, connection: socket.socket) -> None:
        """Passes an end that is there, and closes it here."""
        with connection, socket.socket(fileno=self.inherited.detach()) as inherited:
            try:
                socket.send_fds(inherited, [b"\0"], [connection.fileno()])
            finally:
                self.inherited = _socket.socket(fileno=inherited.detach())

    def close(self) -> None:
        """Ends the program's side, and the supervisor."""
        super().close()
        self.control.close()
        self.inherited.close()


@contextmanager
def raw(connections: PassedConnections) -> Iterator[socket.socket]:
    """Yields a peer that says nothing by itself."""
    near, far = socket.socketpair()
    with near:
        near.settimeout(PATIENCE)
        connections.pass_on(far)
        yield near


@contextmanager
def passed_connections() -> Iterator[PassedConnections]:
    """Yields some that are closed afterwards."""
    with closing(PassedConnections()) as connections:
        yield connections
