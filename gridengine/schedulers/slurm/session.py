"""One session with Slurm: what it has for itself of a session with a batch system."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

from ..events import End
from ..queue_session.process import messages
from ..queue_session.session import PATIENCE, QueueSession
from . import exit_status, presence, refusals
from .request import SlurmRequest, job_name


class SlurmSession(QueueSession):
    """A session with a Slurm.

    Args:
        request: What queue jobs ask for, if they do not ask for something else.
        patience: Seconds until which the controller must have answered for the first time.
        trial: Whether to find out if this host may submit, before any queue job is asked for.
        made_by: What has taken the request's options beside arguments of its own, for hints.

    Raises:
        SchedulerUnavailable: There is no Slurm here.
    """

    system_name = "Slurm"
    batch_system = f"{__package__}.batch_system.slurm_system:SlurmSystem"

    def __init__(
        self,
        request: SlurmRequest,
        patience: float = PATIENCE,
        *,
        trial: bool = False,
        made_by: Callable[..., object] = SlurmRequest.of,
    ) -> None:
        self._made_by = made_by
        super().__init__(request, patience, trial=trial)

    def environment(self) -> Mapping[str, str]:
        presence.require()
        return os.environ

    def order(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        request: SlurmRequest,
        logs: str,
        avoid: Sequence[str],
    ) -> messages.Submit:
        for argument in command:
            if "\0" in argument:
                raise ValueError(f"no command takes an argument with a NUL in it: {argument!r}")
        # sbatch puts the queue job's name in the place of some signs.
        if bad := re.search(r"[%\\\n]", logs):
            raise ValueError(f"Slurm takes no output path with {bad[0]!r} in it: {logs!r}")
        return messages.Submit(
            batch, tuple(command), count, job_name(name), request.arguments(avoid), logs
        )

    def doubt(self) -> None:
        self._send(messages.Ask(()))

    def judge(self, over: messages.QueueJobEnd, request: SlurmRequest) -> End:
        return exit_status.judge(over, request)

    def refusal(self, reason: str, request: SlurmRequest) -> str:
        return refusals.refusal(reason, request, self._made_by)
