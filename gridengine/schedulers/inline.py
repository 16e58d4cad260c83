"""Jobs in the program itself, for debuggers, coverage and profilers."""

from __future__ import annotations

from typing import NoReturn

from .arguments import take_common
from .base import Scheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


class InlineScheduler(Scheduler):
    """Runs each job at once, in the process and the thread that start it.

    ``start`` returns when the job is over. Arguments and results are packed and unpacked as
    elsewhere: they are copies, and what cannot travel fails. But breakpoints, coverage, profilers
    and ``print`` see the job as they see the rest of the program, whose modules it shares. Maps and
    jobs that it starts, and that name no scheduler, run so too.

    An exception arrives as elsewhere, and has its own frames too, for ``pdb.post_mortem``. Ctrl-C,
    and leaving a debugger, reach the program. A ``timeout`` of a job, or of a call, is not kept:
    nobody is there to end it.

    Args:
        initializer: What is called before the first job.
        initargs: Its arguments.
        cwd: The directory of the whole process while a job runs; by default the program's.
        env: Variables of the process while a job runs; None takes one away.
        settings: Settings of its own, such as ``{"grace": 5}``, which count more than those of the
            environment and of files.

    Raises:
        TypeError, ValueError: An argument is impossible.
        GridEngineError: Something in ``settings`` is no setting, or has an impossible value.
    """

    remote = False
    inline = True
    takes_resources = False

    def __init__(
        self,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        take_common(
            self, initializer=initializer, initargs=initargs, cwd=cwd, env=env, settings=settings
        )

    def __repr__(self) -> str:
        return "InlineScheduler()"

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        """Returns nothing: requests are for a batch system."""
        return {}

    def open(self) -> NoReturn:
        """Has no session: see `gridengine.dispatcher.inline`."""
        raise NotImplementedError("an InlineScheduler starts no workers")
