"""How a dispatcher speaks with its supervisors and workers, whatever carries the messages."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..logs import Log
from . import messages
from .launch_file import Keys
from .rate_limited_log import RateLimitedLog

log = Log(__name__)

BACKLOG = 4096
"""Connections that may wait to be accepted; the system allows fewer (somaxconn, listen(2))."""

LINGER = 1.0
"""Seconds that messages on their way get when all is closed."""


class Connections(abc.ABC):
    """All connections of a dispatcher. Made by any thread, then used by the dispatcher's alone.

    Attributes:
        endpoints: Where it can be reached; any one will do. None where its peers inherit the way.
        keys: The keys of its peers, None on one host.
        more: Whether the last `receive` may have left something that was there.
        round_trip: Seconds that a message and its answer take, as a rule; 0 where that is nothing.
        when_lost: Is called when connections over the network have ended; by whom is not known.
    """

    endpoints: Sequence[str] = ()
    keys: Keys | None = None
    more = False
    round_trip = 0.0

    def __init__(self) -> None:
        self.when_lost: Callable[[], object] = lambda: None
        self._log = RateLimitedLog(log)

    @abc.abstractmethod
    def watch(self, descriptor: int) -> None:
        """Has `wait` return when there is something to read from a descriptor, too."""

    @abc.abstractmethod
    def wait(self, seconds: float) -> Iterable[int]:
        """Returns when a message may be there, or one of the watched descriptors is ready.

        Args:
            seconds: For how long at most.

        Returns:
            The watched descriptors that are ready.
        """

    def receive(self) -> Iterator[tuple[bytes, messages.ToHost, list[Any]]]:
        """Yields messages that are there, if not all of many: sender, message, frames."""
        for address, (header, *frames) in self._messages():
            try:
                message = messages.decode_to_host(header)
            except messages.ProtocolError as error:
                self.complain(address, f"dropped rubbish: {error}")
            else:
                yield address, message, frames

    def send(self, address: bytes, message: messages.ToNode, frames: Sequence[Any] = ()) -> bool:
        """Sends a message; False if that peer is known not to be connected."""
        return self._put(address, message, [messages.encode(message), *frames])

    def shut_out(self) -> str:
        """Returns why none of those who come has been let in for a while; empty if they are."""
        return ""

    def hung_up(self) -> list[bytes]:
        """Returns those of whom no more can come, since the last call; where that can be seen."""
        return []

    def alive(self) -> list[bytes]:
        """Returns those of whom a part of a message has come, since the last call."""
        return []

    def cut_off(self) -> list[tuple[bytes, str]]:
        """Returns those with whom there is no way any more, since the last call, and why."""
        return []

    def patience_of(self, address: bytes) -> float:
        """Returns the seconds that a peer may be silent, at least, whatever the settings say."""
        return 0.0

    def news(self) -> list[str]:
        """Returns what people should know of the way that messages go, since the last call."""
        return []

    def forget(self, address: bytes) -> None:  # noqa: B027  # where there is nothing to forget
        """Notes that a peer is dead."""

    def complain(self, peer: bytes, text: str) -> None:
        """Says in the log what is wrong with a peer; once in a while, however often it is called.

        What a peer does is held against its message, never against its name: names are chosen
        by the peers, and a liar may have chosen that of an honest worker.
        """
        self._log.about(peer, text)

    @abc.abstractmethod
    def close(self) -> None:
        """Ends all connections; messages on their way get `LINGER` seconds."""

    @abc.abstractmethod
    def _messages(self) -> Iterator[tuple[bytes, list[Any]]]:
        """Yields the frames of messages that are there, at least one each, and who sent them."""

    @abc.abstractmethod
    def _put(self, address: bytes, message: messages.ToNode, frames: list[Any]) -> bool:
        """Sends a message, encoded as these frames, without waiting; False as of `send`."""
