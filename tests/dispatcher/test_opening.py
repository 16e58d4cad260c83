"""What a dispatcher opens for workers of other hosts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from gridengine.dispatcher.opening import open_network
from gridengine.schedulers.base import Session
from gridengine.settings import Settings
from gridengine.transport import messages
from gridengine.transport.launch_file import Launch
from gridengine.transport.run_folders import RunFolder

from ..system import peers
from ..system.peers import OverTcp
from ..waiting import wait_until


class Doubted(OverTcp):
    """Workers over TCP, whose session counts how often it is told that one may be gone."""

    doubts = 0

    def open(self) -> Session:
        session: Any = super().open()
        session.doubt = self._count
        return session  # type: ignore[no-any-return]

    def _count(self) -> None:
        self.doubts += 1


@pytest.mark.parametrize("channel", ["auto", "tcp"])
def test_the_session_is_told_that_a_connection_has_ended(tmp_path: Path, channel: str) -> None:
    scheduler = Doubted(1)
    heard: list[Any] = []
    with contextlib.ExitStack() as undo:
        folder = RunFolder.make(str(tmp_path / "run"))
        undo.callback(folder.remove)
        settings = Settings(channel=channel)
        connections, _ = open_network(undo, scheduler, settings, "127.0.0.1", "", folder)

        def look() -> int:
            connections.wait(0.05)
            heard.extend(connections.receive())
            return len(heard)

        keys = connections.keys
        assert keys is not None
        launch = Launch(connections.endpoints, keys.server_public, keys.public, keys.secret)
        with peers.worker(peers.Port(launch), b"one") as peer:
            peer.send(messages.encode(messages.Beat()))
            wait_until(look, what="it is heard")
            assert not scheduler.doubts
        wait_until(lambda: look() and scheduler.doubts, what="its end is told")
