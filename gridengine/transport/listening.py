"""Listening sockets of one port that can be closed to newcomers for a while, and opened again.

ZeroMQ accepts whoever comes, as long as a socket of its own listens; and all connections that came
through that end with it. So the sockets are the program's, and ZeroMQ has duplicates.
"""

from __future__ import annotations

import array
import contextlib
import errno
import socket
import struct
import sys

from ..errors import SchedulerError

#: Ports that are tried where one must be free at several addresses.
_TRIES = 100

#: Seconds in which the system keeps a connection on which nothing was sent to itself. Honest peers
#: send a greeting at once.
_SILENCE = 30

#: Of Linux's asm-generic/socket.h; Python has no names for them.
_ATTACH_FILTER, _DETACH_FILTER = 26, 27

#: A program for the kernel's packet filter (linux/filter.h: code, jump if true, if false, operand):
#: of what comes to the listening socket SYN alone gets through. So the peer has a connection, as
#: far as it sees, which waits in the kernel; what it sends it sends again, first after 0.2 s.
_SYN_ALONE = (
    (0x30, 0, 0, 13),  # load the byte of the TCP header that has the flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0xFFFFFFFF),  # take the whole packet
    (0x06, 0, 0, 0),  # take nothing of it
)


class Listeners:
    """Listens at one port of some addresses.

    Args:
        addresses: IP addresses of this host; none for all that it has.
        ports: The first and the last of the ports that may be taken; None for any.
        backlog: Connections that the system makes while nobody accepts them.

    Attributes:
        sockets: One for each address. They do not block.
        port: Where they listen.

    Raises:
        SchedulerError: There is no such port, or it cannot be listened at one of the addresses.
    """

    def __init__(self, addresses: list[str], ports: tuple[int, int] | None, backlog: int) -> None:
        first, last = ports or (0, 0)
        for port in range(first, last + 1) if ports else [0] * _TRIES:
            self.sockets = _listen_at_all(addresses or [""], port, backlog)
            if self.sockets:
                self.port: int = self.sockets[0].getsockname()[1]
                return
        raise SchedulerError(
            f"every port from {first} to {last} is in use: give more of them "
            "(GRIDENGINE_PORTS, or ports=)"
            if ports
            else f"no port is free at all of {', '.join(addresses)}"
        )

    def hold_back(self) -> None:
        """Has newcomers wait in the kernel, where it can do that (Linux)."""
        if sys.platform == "linux":
            program = array.array("B", b"".join(struct.pack("HBBI", *s) for s in _SYN_ALONE))
            address, _ = program.buffer_info()
            self._set(_ATTACH_FILTER, struct.pack("HP", len(_SYN_ALONE), address))

    def let_in(self) -> None:
        """Undoes `hold_back`."""
        if sys.platform == "linux":
            self._set(_DETACH_FILTER, 0)

    def _set(self, option: int, value: int | bytes) -> None:
        for each in self.sockets:
            # What stands in for a kernel in a sandbox may not have it.
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, option, value)

    def turn_away(self) -> None:
        """Hangs up on those who wait to be accepted; takes a descriptor for a moment."""
        for each in self.sockets:
            # None is there any more, or no descriptor.
            with contextlib.suppress(OSError):
                while True:
                    each.accept()[0].close()

    def close(self) -> None:
        """Gives up the port, as far as this end holds it."""
        for each in self.sockets:
            each.close()


def _listen_at_all(addresses: list[str], port: int, backlog: int) -> list[socket.socket]:
    """Returns sockets that listen at the same port of all addresses, none if one is in use."""
    made: list[socket.socket] = []
    for address in addresses:
        try:
            made.append(_listen_at(address, port, backlog))
        except OSError as error:
            for each in made:
                each.close()
            if error.errno != errno.EADDRINUSE:
                raise SchedulerError(f"cannot listen at {address or '*'}:{port}: {error}") from None
            return []
        # The others get the one that the system has given to the first.
        port = made[0].getsockname()[1]
    return made


def _listen_at(address: str, port: int, backlog: int) -> socket.socket:
    everywhere = not address and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if everywhere or ":" in address else socket.AF_INET
    made = socket.create_server(
        (address, port), family=family, backlog=backlog, dualstack_ipv6=everywhere
    )
    made.setblocking(False)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _SILENCE)
    return made
