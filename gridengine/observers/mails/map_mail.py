"""The mail at the end of a map: what ``notify=`` asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from typing import Any

from ...ledger.events import DispatcherEvent
from ...ledger.task import Task
from ...settings import Settings
from ..map_counts import clock
from . import report_text
from .mail_thread import mail_thread
from .tally import Tally
from .usage_plot import usage_plot


class MapMail:
    """Sends it.

    Args:
        settings: Say how it goes.
        recipients: To whom; by default as the settings say.
        name: What the map is called.
        observe: Has an observer hear what the dispatcher tells, and returns what ends that.
    """

    def __init__(
        self,
        settings: Settings,
        recipients: tuple[str, ...],
        name: str,
        observe: Callable[[Callable[[DispatcherEvent], object]], Callable[[], object]],
    ) -> None:
        self._settings = settings
        self._recipients = recipients
        self._name = name
        self._observe = observe
        self._tally = Tally(only_expected=True)

    def expect(self, tasks: Iterable[Task]) -> None:
        """Has tasks counted; to be called before they are submitted."""
        self._tally.expect(tasks)

    def around(self, runs: Generator[list[Any], None, None]) -> Generator[list[Any], None, None]:
        """Yields what a map yields, and has the mail sent after the last."""
        stop = self._observe(self._tally)
        ending = "is over"
        try:
            yield from runs
        except GeneratorExit:
            ending = "was ended early"
            raise
        except BaseException as error:
            ending = f"has ended by {type(error).__name__}"
            raise
        finally:
            # All that was told by now is counted.
            stop()
            mail_thread().after(0, lambda: self._send(ending))

    # ------------------------------------------------------------------ the mails' thread

    def _send(self, ending: str) -> None:
        # Here, where nobody waits for the import.
        from .letterbox import Letterbox

        tally = self._tally
        with tally.lock:
            calls = report_text.number_of_calls(tally.done)
            failed = f", {tally.failed:,} failed" if tally.failed else ""
            subject = f"{self._name} {ending} after {clock(tally.took)}: {calls}{failed}"
            text = f"{report_text.summary(tally)}\n{report_text.failures(tally.kinds.values())}"
            points = list(tally.usage.points)
        host = os.uname().nodename
        program = f"{report_text.program_name()}, process {os.getpid()} on {host}"
        where = f"Map       {self._name}, of {program}\n"
        letterbox = Letterbox(self._settings, self._recipients)
        letterbox.send(f"{subject} ({host})", where + text, usage_plot(points))
