"""The reaper: ends what a supervisor's jobs have started, when the supervisor cannot any more.

A batch system ends a queue job by killing its process group, and a supervisor may be killed by
anybody. What a job has started in a session of its own is in no group that is killed, so a
process that runs nobody's code stands above the supervisor and outside its group, and inherits
all that is left (Linux)::

    batch system ─▶ first process ─▶ reaper ─▶ supervisor ─▶ workers ─▶ what they start
                    └ queue job's      its       └──────── the queue job's group ──┘
                      own group        own

A batch system waits for the process that it has started, and kills that one's group: hence the
first. On the program's own host there is no such, and the reaper is what the program starts.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from typing import NoReturn

from . import os_support

_AWAITED = {signal.SIGCHLD, signal.SIGTERM}

#: Seconds that a supervisor gets to end by itself before it is killed.
_GRACE = 2


def stand_guard(of_a_batch_system: bool, end_file: str = "") -> None:
    """Leaves a reaper behind, as the parent of this process; returns in the supervisor to be.

    Args:
        of_a_batch_system: Whether this is a queue job of one.
        end_file: Where the reaper says how the supervisor has ended, if the folder is there: where
            no batch system tells it, a session makes one.
    """
    if sys.platform != "linux":
        return
    group = os.getpgrp()
    if of_a_batch_system:
        _fork_away(grace=0)
        # In the same session: from another the supervisor could not come back.
        os.setpgid(0, 0)
    os_support.adopt_orphans()
    _fork_away(grace=_GRACE, end_file=end_file)
    os.setpgid(0, group)


def _fork_away(grace: int, end_file: str = "") -> None:
    """Returns in a child, whose parent waits for its end, and then ends as it has ended."""
    parent = os.getpid()
    # Waited for, not handled: a handler could run when the child has just been reaped.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    child = os.fork()
    if child:
        _stand_by(child, grace, end_file)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    # Not SIGKILL: whoever is left shall clear up.
    os_support.die_with_parent(parent, signal.SIGTERM)


def _stand_by(child: int, grace: int, end_file: str) -> NoReturn:
    begin = time.monotonic()
    # For the supervisor, which is in the group that gets them.
    for signum in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if signal.sigwait(_AWAITED) == signal.SIGTERM:
            os.kill(child, signal.SIGTERM)
            # One that was stopped would not hear what it is asked.
            os.kill(child, signal.SIGCONT)
            if grace and not signal.sigtimedwait({signal.SIGCHLD}, grace):
                os.kill(child, signal.SIGKILL)
    os_support.kill_strays(keep=set())
    status = os.waitstatus_to_exitcode(ended[1])
    if end_file:
        with contextlib.suppress(OSError):
            _note_end(end_file, f"{status} {time.monotonic() - begin:.1f}\n")
    _end_like(status)


def _note_end(path: str, note: str) -> None:
    # Whole, or not there: by another name first.
    begun = f"{path}.begun"
    place = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(place, note.encode())
    finally:
        os.close(place)
    os.rename(begun, path)


def _end_like(status: int) -> NoReturn:
    """Ends this process as another one has ended, for whoever waits for it."""
    if status < 0:
        # One image of the same crash is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.kill(os.getpid(), -status)
    os._exit(status)
