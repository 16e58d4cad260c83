"""The near end of the pipe to a session process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...errors import SchedulerUnavailable
from ...transport.interpreter import isolation
from .process.messages import LogEntry, Malformed, Message, decode, encode

# With an empty lobby in the place of the package's, which has no use for this process; and found
# by its path, whatever else is called so where modules are found.
_START = (
    "import sys, types; sys.path = [*filter(None, sys.path)]; "
    "package = sys.modules['gridengine'] = types.ModuleType('gridengine'); "
    "package.__path__ = [sys.argv[1]]; "
    "from gridengine.schedulers.queue_session.process.main import main; main()"
)
_PACKAGE = Path(__file__).parents[2]


class SessionProcess:
    """A session process that has just been started.

    Args:
        name: What it is called in messages.
        environ: Its environment.

    Raises:
        SchedulerUnavailable: It cannot be started.
    """

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._name = name
        if not sys.executable:
            raise SchedulerUnavailable(f"no {name} here: sys.executable names no Python")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `last_words`
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            # -S: it finds packages where this process does.
            [sys.executable, *isolation(), "-S", "-c", _START, str(_PACKAGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environ,
            cwd="/",
            # Ctrl-C in a terminal is for the program alone.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Has the process do something. If it has died, `messages` tells of it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(encode(message))
            self._process.stdin.flush()

    def messages(self) -> Iterator[Message]:
        """Yields what the process says, until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                yield decode(line)
            except Malformed as error:
                yield LogEntry(f"the session process of {self._name} said {error}")

    def last_words(self) -> str:
        """Waits for the end of the process, and says how it ended; of use once."""
        code = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]  # both are pipes
        with self._errors as errors:
            errors.seek(0)
            said = " ".join(errors.read()[-2000:].decode(errors="replace").split())
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return f"the session process of {self._name} has ended ({how}){': ' if said else ''}{said}"

    def kill(self) -> None:
        """Ends the process at once, with no regard to its queue jobs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
