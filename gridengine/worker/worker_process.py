"""A worker's process: what its supervisor knows of it, and its life from the fork to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from . import os_support
from .output import Output
from .progress_page import ProgressPage
from .termination import RESULTS_WANTED, Terminated, end_by

#: Seconds until a worker is asked again at the earliest for what its jobs have logged.
_AGAIN = 0.2


class WorkerProcess:
    """A worker as its supervisor sees it.

    Attributes:
        number: Its number under the supervisor.
        place: Which of its places it has; its devices go with that.
        page: Where it notes what it runs.
        output: What it prints.
        pid: Its process id, 0 before the fork.
        reason: Why the supervisor has ended it, empty if it has not.
        kill_at: When it is killed because it was asked to end, on the monotonic clock; 0 for never.
        ended: The calls that it was sent a signal to end: position of the first, and behind them.
    """

    def __init__(self, number: int, place: int = 0) -> None:
        self.number = number
        self.place = place
        self.page = ProgressPage()
        self.output = Output()
        self.pid = 0
        self.reason = ""
        self.kill_at = 0.0
        self.ended = (0, 0)
        # The deadline that was put off last, and by how much.
        self._extended = (0.0, 0.0)
        # What it ran when it was looked at last, and whether it was asked for its results since.
        self._ran = (0, 0)
        self._asked = False
        # When it may be asked again for what its jobs have logged.
        self._records_next = 0.0

    def ask_for_results(self) -> bool:
        """Has it send what it has done if it is at the same calls as when it was looked at last.

        It sends results when it has many, or when a call is over: not as long as one lasts.

        Returns:
            Whether it is at others than then, and should be looked at again before long.
        """
        ran = self.page.begun
        moved = ran != self._ran
        if moved:
            self._ran, self._asked = ran, False
        elif not self._asked:
            self._asked = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, RESULTS_WANTED)
        return moved

    @property
    def records_due(self) -> float:
        """When it is to be asked for what its jobs have logged, 0 for never."""
        due = self.page.records_due
        return max(due, self._records_next) if due else 0.0

    def ask_for_records(self, now: float) -> None:
        """Has it send what its jobs have logged, if that is due.

        Less and less often if it does not: it is in C code, which is not to be interrupted so.
        """
        due = self.page.records_due
        if not due:
            self._records_next = 0.0
        elif now >= max(due, self._records_next):
            self._records_next = now + max(_AGAIN, 2 * (now - due))
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, RESULTS_WANTED)

    def is_at(self, calls: tuple[int, int]) -> bool:
        """Tells whether it runs any of these calls, or ran one of them last."""
        position, width = self.page.begun
        return position < calls[1] and calls[0] < position + width

    def signal(self, calls: tuple[int, int], signum: int) -> bool:
        """Sends it a signal, which strikes no other calls, and returns True, if it is at these.

        Also if it has done with them, and nothing else since: what it has sent may be lost.
        """
        with self.page.held():
            meant = self.is_at(calls)
            if meant:
                os_support.kill(self.pid, signum)
        return meant

    @property
    def was_ended(self) -> bool:
        """Whether it still runs what it was sent a signal to end, or ended in it.

        A job may be deaf to that, and end by itself; what comes after it is somebody else's.
        """
        return self.is_at(self.ended)

    @property
    def deadline(self) -> float:
        """When its job is over its time, on the monotonic clock; 0 for never."""
        deadline = self.page.deadline
        extended, seconds = self._extended
        return deadline + seconds if deadline and deadline == extended else deadline

    def kill_if_due(self, now: float) -> None:
        """Kills it if its job is over its time, or deaf to the signal that it was sent.

        Args:
            now: On the monotonic clock.
        """
        if self._is_late(now):
            with self.page.held():
                # That job may have ended just now, and another one have begun.
                if self._is_late(now):
                    self.reason = "timeout"
                    self.page.set_deadline(0)
                    os_support.kill(self.pid, signal.SIGKILL)
        elif self.kill_at and now >= self.kill_at:
            # It is in C code, say, or takes too long to clear up.
            self.kill_at = 0.0
            with self.page.held():
                if self.was_ended:
                    os_support.kill(self.pid, signal.SIGKILL)

    def _is_late(self, now: float) -> bool:
        deadline = self.deadline
        return bool(deadline) and now >= deadline

    def extend_deadline(self, seconds: float) -> None:
        """Gives the job that it runs the time again in which it was stopped."""
        if self.kill_at:
            self.kill_at += seconds
        # Not in the page: the worker may be about to write the next job's there.
        deadline = self.page.deadline
        extended, before = self._extended
        self._extended = (deadline, seconds + (before if deadline == extended else 0.0))

    def close(self) -> None:
        """Lets go of the memory that was shared with it."""
        self.page.close()
        self.output.close()


def become_worker(
    process: WorkerProcess, parent: int, keep: set[int], work: Callable[[], object]
) -> NoReturn:
    """Is the worker, in the process that was forked for it.

    Args:
        process: What the supervisor knows of it.
        parent: The supervisor's process id.
        keep: The descriptors that stay open.
        work: What it does.
    """
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for signum in (
            signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD
        ):  # fmt: skip
            signal.signal(signum, signal.SIG_DFL)
        os_support.die_with_parent(parent)
        os_support.close_all_but(keep)
        _quiet_stdin()
        process.output.capture()
        from ..serialization import by_value

        by_value.become_worker()
        os_support.spare_address_space()
        work()
        status = 0
    except Terminated:
        # Here, where what it has open is not yet let go of, and complained about.
        _flush_streams()
        end_by(signal.SIGTERM)
    except BaseException:
        # That it had too little memory the supervisor says.
        if not process.page.shortage:
            import traceback

            traceback.print_exc()
    finally:
        # Not sys.exit: what the supervisor has registered to be run at exit is its own.
        _flush_streams()
        os._exit(status)


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A broken pipe must not keep a dead worker alive.
        with contextlib.suppress(Exception):
            stream.flush()


def _quiet_stdin() -> None:
    # The supervisor's own is the socket by which it notices that the program is gone.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
