"""A session that is spoken to by a test, in the place of the dispatcher."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..schedulers.base import Scheduler
from ..schedulers.events import End, Ended, Event, Refused, Submitted

NAME = """
import os, sys
open(f"{sys.argv[1]}/name-{os.getpid()}", "w").write(sys.argv[2].format(**os.environ))
"""
"""Writes down what the queue job takes for its name."""

ARGUMENTS = "import sys; open(f'{sys.argv[1]}/arguments', 'w').write(repr(sys.argv[3:]))"
"""Writes down what arguments have arrived."""

PRINT = "import sys; print('to stdout'); print('to stderr', file=sys.stderr)"
"""Prints."""

BEAT = """
import itertools, sys, time
for number in itertools.count():
    open(sys.argv[3], "w").write(str(number))
    time.sleep(0.1)
"""
"""Writes into a file for as long as it runs."""

_STARTS = 80.0  # seconds in which a queue job has to start and to end
_PAUSE = 1.0  # seconds without a beat of one that writes ten a second


class Talk:
    """A session, and what it has said.

    Args:
        scheduler: Opens it.
        folder: For what queue jobs print and write; each sees it.

    Attributes:
        session: It.
        folder: The same.
        heard: All events until now, oldest first.
    """

    def __init__(self, scheduler: Scheduler, folder: Path) -> None:
        self.session = scheduler.open()
        self.folder = folder
        self.heard: list[Event] = []
        self._scheduler = scheduler
        self._batches = 0

    def start(self, count: int, code: str, *arguments: str) -> int:
        """Asks for queue jobs that run Python code; returns the number of the request.

        Each finds the folder, the template of its name, and the arguments behind these.
        """
        self._batches += 1
        began = time.monotonic()
        self.session.start(
            self._batches,
            [
                sys.executable, self._written(code), str(self.folder),
                self._scheduler.queue_job_template, *arguments,
            ],
            count,
            name="contract",
            resources=self._scheduler.resources_of({}),
            logs=str(self.folder),
        )  # fmt: skip
        took = time.monotonic() - began
        assert took < 2.0, f"start took {took:.1f} s of the dispatcher's one thread"
        return self._batches

    def _written(self, code: str) -> str:
        # Not every batch system passes on lines.
        path = self.folder / f"code-{self._batches}.py"
        path.write_text(code, encoding="utf-8")
        return str(path)

    def submitted(self, batch: int, count: int) -> list[str]:
        """Waits until the batch system has taken all queue jobs of a request."""
        end = time.monotonic() + _STARTS
        while True:
            names: list[str] = []
            for event in self.heard:
                if isinstance(event, Submitted) and event.batch == batch:
                    names += event.queue_jobs
                assert not (isinstance(event, Refused) and event.batch == batch), event.reason
            if len(names) >= count:
                assert len(names) == count
                return names
            self._listen(end, f"no Submitted for {count} queue jobs")

    def ended(self, names: Sequence[str]) -> dict[str, End]:
        """Waits for the ends of queue jobs."""
        end = time.monotonic() + _STARTS
        while True:
            ends = {event.queue_job: event.end for event in self.heard if isinstance(event, Ended)}
            missing = [name for name in names if name not in ends]
            if not missing:
                return ends
            self._listen(end, f"no Ended for {', '.join(missing)}")

    def _listen(self, end: float, otherwise: str) -> None:
        left = end - time.monotonic()
        ready = left > 0 and select.select([self.session.fileno()], [], [], left)[0]
        assert ready, f"{otherwise} within {_STARTS:g} s; heard: {self.heard}"
        self.heard += self.session.events()


def beats(path: Path) -> bool:
    """Tells whether somebody still writes into a file, as `BEAT` does."""
    before = path.read_bytes()
    time.sleep(_PAUSE)
    return path.read_bytes() != before
