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
from ..job_facts import JobFacts
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
    try:
        outcome = used.value(scope.digest)
    except BaseException:
        journal.leave(used)
        raise
    if outcome is not None:
        journal.leave(used)
        task.finish(outcome)
        return True
    chunk = KeptChunk(scope, Mode.CALL, 0, pickle.dumps([scope.digest], 5), plain=False)
    task.waiters = [functools.partial(_over, used, chunk, task)]
    return False


def _over(used: Journal, chunk: KeptChunk, task: Task) -> None:
    try:
        if task.error is None and task.outcomes:
            used.put(chunk, task.outcomes[-1])
    finally:
        journal.leave(used)


def _scope(job: Job[Any], options: CallOptions) -> Scope:
    assert options.journal is not None
    function, own = _called(job)
    scope = options.journal.scope(function, Mode.CALL, options)
    key = options.journal.key
    try:
        if key is None:
            key = job._args, job._kwargs, type(job), job._mutable, own
        made_of = digests.Digests().of(key)
    except Exception as error:
        raise GridEngineError(
            f"job {job.name!r} cannot be known again in another run ({error}): give it a key="
        ) from error
    return Scope(digests.joined((scope.digest, made_of)), scope.name)


def _called(job: Job[Any]) -> tuple[Any, Any]:
    """Returns what a job calls, and what that finds in the job beside the arguments."""
    from ..job import Job

    run = type(job).run
    if run is Job.run:
        return job._target or run, None
    state = job.__getstate__()
    if isinstance(state, dict):
        # Neither the number in its name, nor what is asked for its run, such as retries.
        of_all = vars(Job()).keys() | vars(Job).keys() | vars(JobFacts).keys()
        state = {name: value for name, value in state.items() if name not in of_all}
    return run, (job._target, state)
