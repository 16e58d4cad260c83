"""Single jobs whose values are kept."""

from __future__ import annotations

import functools
import pickle
from typing import TYPE_CHECKING, Any

from ...errors import GridEngineError
from ...ledger.task import Task
from ...logs import Log
from ...serialization import digests
from ...states import Mode
from . import journal
from .writer import KeptChunk, Scope

if TYPE_CHECKING:
    from ..call_options import CallOptions
    from ..job import Job
    from .journal import Journal

log = Log(__name__)


def answered(job: Job[Any], task: Task, options: CallOptions) -> bool:
    """Has a task over if its value is in the journal, and kept when it comes if not.

    Raises:
        GridEngineError: The journal cannot be used, or the call not be known again.
    """
    assert options.journal is not None
    scope = _scope(job, options)
    used = journal.use(options.journal.path)
    outcome = used.value(scope.digest)
    if outcome is not None:
        journal.leave(used)
        task.finish(outcome)
        return True
    chunk = KeptChunk(scope, Mode.CALL, 0, pickle.dumps([scope.digest], 5), plain=False)
    task.waiters = [functools.partial(_over, used, chunk, task)]
    return False


def _over(used: Journal, chunk: KeptChunk, task: Task) -> None:
    if task.error is None and task.outcomes:
        used.put(chunk, task.outcomes[-1])
    journal.leave(used)


def _scope(job: Job[Any], options: CallOptions) -> Scope:
    assert options.journal is not None
    function = job._target if type(job).run is _plain_run(job) else type(job).run
    scope = options.journal.scope(function or type(job).run, Mode.CALL, options)
    key = options.journal.key
    try:
        if key is None:
            own = None if function is job._target else job.__getstate__()
            key = job._args, job._kwargs, type(job), own
        made_of = digests.Digests().of(key)
    except Exception as error:
        raise GridEngineError(
            f"job {job.name!r} cannot be known again in another run ({error}): give it a key="
        ) from error
    return Scope(digests.joined((scope.digest, made_of)), scope.name)


def _plain_run(job: Job[Any]) -> Any:
    """Returns the `run` of a job whose class does not override it."""
    from ..job import Job

    return Job.run
