"""The mails about a program: when calls fail for good, and at its end."""

from __future__ import annotations

import math
import os
import sys
import threading
from typing import TYPE_CHECKING

from ...logs import Log, printable
from ...settings import Settings
from ..map_counts import clock
from . import report_text
from .mail_thread import mail_thread
from .tally import Tally
from .usage_plot import usage_plot

# Its libraries take longer to import than the first worker to start.
if TYPE_CHECKING:
    from .letterbox import Letterbox

log = Log(__name__)

#: Seconds for which failures are gathered before the first mail about them.
GATHERED = 30.0

#: Seconds between that and the next one; each further one takes twice as long, up to the longest.
_PAUSE, _LONGEST_PAUSE = 600.0, 24 * 3600.0

#: Seconds for which the end of a program waits until its last mail is sent.
_PATIENCE = 10.0


class ProgramMails:
    """What is told of this process.

    Args:
        settings: Say to whom, how, and of what.

    Attributes:
        tally: The observer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._letterbox: Letterbox | None = None
        self._of_failures = settings.mail_on in ("all", "failure")
        self._of_end = settings.mail_on in ("all", "end")
        self._pid = os.getpid()
        self._is_scheduled = self._is_closed = False
        self._gathered, self._pause = GATHERED, _PAUSE
        self.tally = Tally(on_failure=self._failed if self._of_failures else None)
        # From Python 3.12 on no thread can be started when a program ends.
        mail_thread().after(math.inf, self._keep_thread)

    def close(self) -> None:
        """Has the last mail sent. Idempotent."""
        if self._is_closed or os.getpid() != self._pid:
            return
        self._is_closed = True
        thread = mail_thread()
        thread.cancel(self._mail_failures)
        if self._of_end:
            thread.after(0, self._mail_end)
        elif self._is_scheduled:
            thread.after(0, self._mail_failures)
        thread.cancel(self._keep_thread)

    def _failed(self) -> None:
        # In a dispatcher's thread, with the tally's lock.
        if not self._is_scheduled and not self._is_closed:
            self._is_scheduled = True
            mail_thread().after(self._gathered, self._mail_failures)

    # ------------------------------------------------------------------ the mails' thread

    def _keep_thread(self) -> None:
        """Is never called; as long as it is to be, there is a thread."""

    def _mail_failures(self) -> None:
        with self.tally.lock:
            self._is_scheduled = False
            self._gathered = self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            kinds = self.tally.kinds.values()
            new = sum(kind.count - kind.told for kind in kinds)
            text = f"{report_text.failures(kinds)}\n{report_text.summary(self.tally)}"
        have = "has" if new == 1 else "have"
        self._send(f"{report_text.number_of_calls(new)} {have} failed", text)

    def _mail_end(self) -> None:
        with self.tally.lock:
            kinds = self.tally.kinds.values()
            text = f"{report_text.summary(self.tally)}\n{report_text.failures(kinds)}"
            done, failed = self.tally.done, self.tally.failed
            took = clock(self.tally.took)
            points = list(self.tally.usage.points)
        failures = f", {failed:,} failed" if failed else ""
        subject = f"{_ending()} after {took}: {report_text.number_of_calls(done)}{failures}"
        self._send(subject, text, usage_plot(points))

    def _send(self, subject: str, text: str, plot: bytes = b"") -> None:
        host = os.uname().nodename
        name = report_text.program_name()
        where = printable(f"Program   {name}, process {self._pid} on {host}\n")
        if self._letterbox is None:
            # Here, where nobody waits for the import.
            from .letterbox import Letterbox

            self._letterbox = Letterbox(self._settings)
        if not self._letterbox.send(f"{name} on {host}: {subject}", where + text, plot):
            self._told_nobody()

    def _told_nobody(self) -> None:
        with self.tally.lock:
            for kind in self.tally.kinds.values():
                kind.told = 0


def _ending() -> str:
    """Returns how this program ends, as far as that can be known."""
    error = getattr(sys, "last_value", None)
    # At a prompt that was any one before.
    if error is None or hasattr(sys, "ps1") or "IPython" in sys.modules:
        return "is over"
    if isinstance(error, KeyboardInterrupt):
        return "was interrupted"
    return f"has ended by {type(error).__name__}"


_programs: dict[tuple[object, ...], ProgramMails] = {}
_lock = threading.Lock()


def program_mails(settings: Settings) -> ProgramMails:
    """Returns the mails of this process for some settings; schedulers with the same share them."""
    key = os.getpid(), settings.mail_to, settings.mail_from, settings.smtp, settings.mail_on
    with _lock:
        found = _programs.get(key)
        if found is None:
            found = _programs[key] = ProgramMails(settings)
        return found


def close_all() -> None:
    """Sends the last mails of this process, and waits for that, but not for long."""
    with _lock:
        programs = list(_programs.values())
        _programs.clear()
    for program in programs:
        program.close()
    if not mail_thread().finish(_PATIENCE):
        log.warning("the last mail is not sent: that would take over %g seconds", _PATIENCE)


def _start_anew() -> None:
    """In a fork of this program, where somebody may have had the lock."""
    global _lock
    _lock = threading.Lock()
    _programs.clear()


os.register_at_fork(after_in_child=_start_anew)
