"""Run on a node, by a supervisor that has heard nothing of its program for too long.

A batch system that ends the queue job in which a program runs ends its session process, too:
nobody is left to delete the program's queue jobs. They would run one after the other, each until
its patience is over. That the program's own queue job is over the batch system knows, so that this
is no guess; without that word nothing is deleted, for the network may be to blame.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ...errors import SchedulerError
from ...transport.run_folders import RunFolder
from . import leftovers
from .leftovers import SessionFile


def main(session_file: str, folder: str) -> None:
    """Deletes all queue jobs of a program that ran in a queue job which is over.

    Args:
        session_file: Where the program's session has noted its queue jobs.
        folder: The program's folder, with its keys and logs; removed, too.
    """
    try:
        _clear_up(SessionFile.read(Path(session_file)), folder)
    except FileNotFoundError:
        return  # Somebody else was quicker, or the session has come to its own end.
    except (SchedulerError, OSError, ValueError) as error:
        sys.stderr.write(f"gridengine: what the program has left cannot be deleted: {error}\n")


def _clear_up(session: SessionFile, folder: str) -> None:
    queue = leftovers.queue_of(session)
    if not queue.program_is_over(session):
        return
    # First: what starts without it ends at once, even where nothing may be deleted.
    _remove(session, folder)
    own = queue.own_job()
    # This process ends with its own.
    arrays = sorted(queue.in_queue(session), key=lambda array: array.job == own)
    queue.delete(session, arrays)
    session.path.unlink(missing_ok=True)


def _remove(session: SessionFile, folder: str) -> None:
    """Removes the folder of a session's program; says why, where that is not possible."""
    try:
        made = RunFolder.read(folder)
        of_the_session = made.program == session.program
        left = made.remove() if of_the_session else ["it is another program's"]
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        left = [str(error)]
    if left:
        sys.stderr.write(f"gridengine: {folder} is not removed: {'; '.join(left)}\n")
