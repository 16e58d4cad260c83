"""A real kernel in a process of its own, driven as a notebook drives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")
ensure_event_loop = pytest.importorskip("jupyter_core.utils").ensure_event_loop

#: Seconds for one cell, under load.
_LIMIT = 60.0

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Outputs(NamedTuple):
    """What a cell has written.

    Attributes:
        text: What it has printed, and its value.
        html: What stands for its value where HTML can be shown.
        error: The name of the exception that has ended it, empty if none has.
        traceback: As it is shown, without colours.
        kinds: In which ways its values can be shown.
    """

    text: str
    html: str
    error: str
    traceback: str
    kinds: frozenset[str]


class Kernel:
    """A kernel that runs.

    Args:
        folder: Where it runs, and has its files.
        environment: Variables beside this process's own.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._manager: Any = jupyter_client.KernelManager(connection_file=str(folder / "k.json"))
        self._manager.start_kernel(
            cwd=str(folder),
            env={**os.environ, "IPYTHONDIR": str(folder / "ipython"), **environment},
            stderr=subprocess.DEVNULL,
        )
        self._client: Any = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=_LIMIT)
        self.folder = folder

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._manager.provisioner.pid)

    def begin(self, code: str) -> str:
        """Has it run a cell; returns the number of the request at once."""
        # Else it refuses for a moment after an error what it is asked.
        return str(self._client.execute(code, stop_on_error=False))

    def end(self, request: str) -> Outputs:
        """Returns what a cell that was begun has written, when it has ended."""
        end = time.monotonic() + _LIMIT
        texts: list[str] = []
        html = error = traceback = ""
        kinds: set[str] = set()
        while True:
            message = self._client.get_iopub_msg(timeout=max(0.1, end - time.monotonic()))
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return Outputs("".join(texts), html, error, traceback, frozenset(kinds))
            if kind == "stream":
                texts.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                texts.append(content["data"].get("text/plain", ""))
                kinds.update(content["data"])
                html += content["data"].get("text/html", "")
            elif kind == "error":
                error = content["ename"]
                traceback = _COLOURS.sub("", "\n".join(content["traceback"]))

    def run(self, code: str) -> Outputs:
        """Runs a cell."""
        return self.end(self.begin(code))

    def value(self, code: str) -> str:
        """Runs a cell that must not fail; returns what it has written."""
        outputs = self.run(code)
        assert not outputs.error, outputs.traceback
        return outputs.text

    def interrupt(self) -> None:
        """Does what the stop button does."""
        self._manager.interrupt_kernel()

    def kill(self) -> None:
        """Ends it as the kernel's memory killer would."""
        os.kill(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Shuts it down, as when the notebook is closed."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=False)
        self._client.context.destroy(linger=0)
        close_loop()


def close_loop() -> None:
    """Closes the event loop that jupyter_client has made for this thread, and leaves open."""
    ensure_event_loop().close()
    asyncio.set_event_loop(None)


@contextlib.contextmanager
def started(folder: Path, environment: Mapping[str, str]) -> Iterator[Kernel]:
    """A kernel that is shut down in the end."""
    kernel = Kernel(folder, environment)
    try:
        yield kernel
    finally:
        kernel.close()
