"""A job whose value is kept: the lookup before it is submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..ledger.task import Task
    from .call_options import CallOptions
    from .job import Job


def is_kept(job: Job[Any], task: Task, options: CallOptions) -> bool:
    """Tells whether the value is in the job's journal, and has its task over then.

    Otherwise the value will be kept when it is there.

    Raises:
        GridEngineError: The journal cannot be used, or the call not be known again.
    """
    # What other jobs do without.
    from .journal.jobs import answered

    return answered(job, task, options)
