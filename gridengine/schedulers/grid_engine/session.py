"""One session with a Grid Engine: what it has for itself of a session with a batch system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..events import End
from ..queue_session.process import messages
from ..queue_session.session import PATIENCE, QueueSession
from . import exit_status, refusals, way
from .request import Request, job_name
from .submission import folder_for_logs, whole_command

_SYSTEMS = {
    "drmaa": f"{__package__}.batch_system.drmaa_system:DrmaaSystem",
    "commands": f"{__package__}.batch_system.command_system:CommandSystem",
}


class GridEngineSession(QueueSession):
    """A session with a Grid Engine.

    Args:
        request: What queue jobs ask for, if they do not ask for something else.
        patience: Seconds until which the master must have answered for the first time.
        trial: Whether to find out if this host may submit, before any queue job is asked for.
        made_by: What has taken the request's resources beside arguments of its own, for hints.
        through: ``"drmaa"`` or ``"commands"``, or ``"auto"`` for what is there.

    Raises:
        SchedulerUnavailable: There is no Grid Engine here.

    Attributes:
        way: By what it is used, ``"drmaa"`` or ``"commands"``.
    """

    system_name = "Grid Engine"

    def __init__(
        self,
        request: Request,
        patience: float = PATIENCE,
        *,
        trial: bool = False,
        made_by: Callable[..., object] = Request.of,
        through: str = "auto",
    ) -> None:
        self._made_by = made_by
        self.way = way.chosen(through)
        self.batch_system = _SYSTEMS[self.way]
        super().__init__(request, patience, trial=trial)

    def environment(self) -> Mapping[str, str]:
        return way.environment(self.way)

    def order(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        request: Request,
        logs: str,
        avoid: Sequence[str],
    ) -> messages.Submit:
        return messages.Submit(
            batch,
            whole_command(command),
            count,
            job_name(name),
            request.options(avoid),
            folder_for_logs(logs),
        )

    def judge(self, over: messages.QueueJobEnd, request: Request) -> End:
        told_by = "DRMAA" if self.way == "drmaa" else "queue job"
        return exit_status.judge(over, request, told_by)

    def refusal(self, reason: str, request: Request) -> str:
        return refusals.refusal(reason, request, self._made_by)
