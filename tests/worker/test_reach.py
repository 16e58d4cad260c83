"""Reaching the program from another host, or telling why it is not reached."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gridengine
from gridengine.transport import versions
from gridengine.transport.launch_file import Launch, import_path
from gridengine.transport.private_files import make_folder
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


FEW = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv.pop(1)),) * 2)
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def test_a_node_with_too_few_descriptors_leaves_a_note_of_that(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    make_folder(str(folder))
    path = f"{folder}/launch-0-1"
    launch = Launch(["tcp://127.0.0.1:1"], queue_job="{JOB_ID}.1", python=versions.python())
    launch._replace(sys_path=import_path()).write(path)
    worker = Path(gridengine.__file__).parent / "worker"
    # The path of a folder is run as its `__main__`, with it in front of `sys.path`.
    done = subprocess.run(
        [sys.executable, "-c", FEW, "30", worker, path],
        env={"JOB_ID": "7"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    note = Unreached.read(str(folder), "7.1")
    assert note is not None, done.stderr
    assert "ulimit -n" in note.reason
