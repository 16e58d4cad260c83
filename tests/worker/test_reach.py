"""Reaching the program from another host, or telling why it is not reached."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from gridengine.transport.launch_file import Launch
from gridengine.transport.unreached import Unreached, UnreachedError
from gridengine.transport.zeromq import ZeroMQConnections
from gridengine.worker.reach import answering_endpoint


def launch_for(connections: ZeroMQConnections, *endpoints: str, **options: float) -> Launch:
    keys = connections.keys
    limits = {"connect_timeout": 1.0, "patience": 2.0, **options}
    return Launch(
        [*endpoints],
        keys.server_public,
        keys.public,
        keys.secret,
        **limits,  # type: ignore[arg-type]
    )


@pytest.fixture
def program() -> ZeroMQConnections:
    with_address = ZeroMQConnections("127.0.0.1")
    yield with_address  # type: ignore[misc]
    with_address.close()


def test_each_address_is_named_with_what_it_said(program: ZeroMQConnections) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    launch = launch_for(program, refused, "tcp://[::1]:1")
    began = time.monotonic()
    with pytest.raises(UnreachedError, match=f"{refused}: Connection refused; tcp://.::1.:1: "):
        answering_endpoint(launch, b"s")
    assert time.monotonic() - began < 1.9


def test_a_silent_one_is_waited_for_and_told_from_one_that_is_not_there(
    program: ZeroMQConnections,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        endpoint = f"tcp://127.0.0.1:{stranger.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(UnreachedError, match=f"{endpoint}: connected, but nothing"):
            answering_endpoint(launch_for(program, endpoint), b"s")
    assert time.monotonic() - began > 1.9


def test_the_note_is_read_where_it_was_left(tmp_path: Path) -> None:
    note = Unreached("node7", "node7 has not reached this program")
    note.write(str(tmp_path), "5.1")
    assert Unreached.read(str(tmp_path), "5.1") == note
    assert Unreached.read(str(tmp_path), "5.11") is None
    (tmp_path / "unreached-5.2").write_text("[]")
    assert Unreached.read(str(tmp_path), "5.2") is None
    note.write(str(tmp_path / "nowhere"), "5.1")
