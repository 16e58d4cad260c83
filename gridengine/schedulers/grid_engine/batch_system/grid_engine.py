"""The Grid Engine, however queue jobs are submitted: what its commands tell of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from ...queue_session.process.batch_system import (
    BatchSystem,
    QueueState,
    Record,
    WaitQuestion,
    WaitReason,
)
from . import qacct, qstat
from .identity import identity


class GridEngineSystem(BatchSystem):
    """What both ways to submit have in common."""

    master = "the Grid Engine's master"

    def __init__(self) -> None:
        self._flush: float | None = None

    def identity(self) -> Mapping[str, str]:
        return identity(os.environ)

    def states(self, queue_jobs: frozenset[str]) -> dict[str, QueueState]:
        return qstat.states(queue_jobs)

    def error_reasons(self, queue_jobs: frozenset[str]) -> dict[str, str]:
        return qstat.errors(queue_jobs)

    def wait_reasons(self, questions: Sequence[WaitQuestion]) -> Iterator[WaitReason]:
        return qstat.wait_reasons(questions)

    def accounts(self, job: str, queue_jobs: Mapping[str, float | None]) -> dict[str, Record]:
        return qacct.accounts(job, queue_jobs)

    def account_delay(self) -> float:
        if self._flush is None:
            self._flush = qacct.configured_delay()
        return qacct.FLUSH if self._flush is None else self._flush

    def unaccounted(self, queue_job: str, submitted: float | None) -> Record:
        return qacct.deletion(queue_job, submitted)
