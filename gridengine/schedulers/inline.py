"""Jobs in the program itself, for debuggers, coverage and profilers."""

from __future__ import annotations

from typing import NoReturn

from .base import Scheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class InlineScheduler(Scheduler):
    """Runs each job at once, in the process and the thread that start it.

    ``start`` returns when the job is over. Arguments and results are packed and unpacked as
    elsewhere: they are copies, and what cannot travel fails. But breakpoints, coverage, profilers
    and ``print`` see the job as they see the rest of the program, whose modules it shares. Maps and
    jobs that it starts, and that name no scheduler, run so too.

    An exception arrives as elsewhere, and has its own frames too, for ``pdb.post_mortem``. Ctrl-C,
    and leaving a debugger, reach the program. A ``timeout`` of a job is not kept: nobody is there
    to end it.
    """

    remote = False
    inline = True

    def __init__(self) -> None:
        # Its arguments are looked at, where they may come from a file.
        pass

    def __repr__(self) -> str:
        return "InlineScheduler()"

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        """Returns nothing: requests are for a batch system."""
        return {}

    def open(self) -> NoReturn:
        """Has no session: see `gridengine.dispatcher.inline`."""
        raise NotImplementedError("an InlineScheduler starts no workers")
