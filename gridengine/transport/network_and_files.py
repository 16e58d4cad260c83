"""Connections to nodes by the network, and through files to those that do not reach this host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from . import messages
from .base import Connections
from .files import FileConnections


class NetworkAndFiles(Connections):
    """Two `Connections` as one: a peer is answered the way that it has come.

    Args:
        network: Those by the network, which wait for both.
        files: Those through files.
    """

    def __init__(self, network: Connections, files: FileConnections) -> None:
        super().__init__()
        self._network, self._files = network, files
        self.endpoints, self.keys = network.endpoints, network.keys
        self._said = False
        network.when_lost = lambda: self.when_lost()
        network.watch(files.descriptor)

    def watch(self, descriptor: int) -> None:
        """See `Connections`."""
        self._network.watch(descriptor)

    def wait(self, seconds: float) -> Iterable[int]:
        """See `Connections`."""
        ready = set(self._network.wait(seconds))
        self._said = self._files.descriptor in ready
        ready.discard(self._files.descriptor)
        return ready

    def _messages(self) -> Iterator[tuple[bytes, list[Any]]]:
        yield from self._network._messages()
        self.more = self._network.more
        if self._said:
            yield from self._files._messages()
            self.more |= self._files.more

    def _put(self, address: bytes, message: messages.ToNode, frames: list[Any]) -> bool:
        way = self._files if self._files.knows(address) else self._network
        return way._put(address, message, frames)

    def hung_up(self) -> list[bytes]:
        """See `Connections`."""
        return [*self._network.hung_up(), *self._files.hung_up()]

    def alive(self) -> list[bytes]:
        """See `Connections`."""
        return self._files.alive()

    def cut_off(self) -> list[tuple[bytes, str]]:
        """See `Connections`."""
        return self._files.cut_off()

    def patience_of(self, address: bytes) -> float:
        """See `Connections`."""
        return self._files.patience if self._files.knows(address) else 0.0

    def forget(self, address: bytes) -> None:
        """See `Connections`."""
        self._network.forget(address)
        self._files.forget(address)

    def shut_out(self) -> str:
        """See `Connections`."""
        # What is amiss with a folder that nobody speaks through ends nothing.
        return self._network.shut_out() or (self._files.shut_out() if self._files.used else "")

    def news(self) -> list[str]:
        """See `Connections`."""
        self.round_trip = self._files.round_trip
        return self._files.news()

    def close(self) -> None:
        """See `Connections`."""
        try:
            self._files.close()
        finally:
            self._network.close()
