"""DRMAA as the program needs it: the few calls, and its many errors sorted by what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...queue_session.process.batch_system import (
    ENDS_ARE_TOLD,
    Denied,
    Ending,
    Limited,
    Unreachable,
)
from ...queue_session.process.messages import Submit
from .answers import is_about_this_host, sorted_answer
from .grid_engine import GridEngineSystem

_OTHERS = re.compile(r"slurm|pbs|torque|condor|lsf|loadleveler", re.IGNORECASE)


class DrmaaSystem(GridEngineSystem):
    """The DRMAA session of this process.

    Raises:
        Denied: The library cannot be loaded.
    """

    pauses = ENDS_ARE_TOLD

    def __init__(self) -> None:
        super().__init__()
        # Set for the library; else the jobs get it, at a site that passes the environment on.
        os.environ.pop("LD_PRELOAD", None)
        try:
            import drmaa
        except Exception as error:
            raise Denied(f"the DRMAA library cannot be loaded: {error}") from error
        self._drmaa: Any = drmaa
        self._session: Any = drmaa.Session()

    def open(self, contact: str) -> tuple[str, str]:
        try:
            self._session.initialize(contact or None)
            system = str(self._session.drmsInfo)
        except Exception as error:
            text = _text(error)
            raise (Denied if is_about_this_host(text) else Unreachable)(text) from error
        if _OTHERS.search(system):
            raise Denied(f"the DRMAA library is that of {system}, not of a Grid Engine")
        return system, str(self._session.contact)

    def check_host(self) -> None:
        try:
            template = self._session.createJobTemplate()
            template.remoteCommand = "/bin/true"
            # To be verified, and not to be run (qsub(1)).
            template.nativeSpecification = "-w v"
            self._session.runJob(template)
        except Exception as error:
            found = self._sorted(error)
            if isinstance(found, Unreachable) or is_about_this_host(str(found)):
                raise found from error

    def submit(self, order: Submit, count: int) -> list[str]:
        try:
            template = self._template(order)
            try:
                return list(self._session.runBulkJobs(template, 1, count, 1))
            finally:
                self._session.deleteJobTemplate(template)
        except Exception as error:
            raise self._sorted(error) from error

    def endings(self, live: Iterable[str]) -> Iterator[Ending]:
        errors = self._drmaa.errors
        unnamed = 0
        while True:
            try:
                yield _ending(self._wait(self._drmaa.Session.JOB_IDS_SESSION_ANY))
            except (errors.ExitTimeoutException, errors.InvalidJobException):
                break
            except errors.DrmaaException as error:
                raise Unreachable(_text(error)) from error
            except Exception:  # the binding raises no other for this
                # "No usage information": a queue job was deleted before it ran, and the binding
                # does not say which.
                unnamed += 1
        if unnamed:
            yield from self._recount(list(live), aborted=True)

    def recount(self, queue_jobs: Sequence[str]) -> Iterator[Ending]:
        # DRMAA has not kept what ended when nobody was there.
        yield from self._recount(queue_jobs, aborted=False)

    def _recount(self, queue_jobs: Sequence[str], *, aborted: bool) -> Iterator[Ending]:
        """Yields those that have ended, and those of which DRMAA has no record.

        Args:
            queue_jobs: Their names.
            aborted: Whether the lack of a record means that it was deleted.
        """
        for queue_job in queue_jobs:
            try:
                yield _ending(self._wait(queue_job))
            except self._drmaa.errors.ExitTimeoutException:
                continue
            except Exception:  # see `endings`
                yield Ending(queue_job, aborted=aborted)

    def _wait(self, queue_job: str) -> Any:
        return self._session.wait(queue_job, self._drmaa.Session.TIMEOUT_NO_WAIT)

    def delete(self, queue_jobs: Sequence[str]) -> None:
        for queue_job in queue_jobs:
            try:
                self._session.control(queue_job, self._drmaa.JobControlAction.TERMINATE)
            except Exception as error:
                if isinstance(sorted_error := self._sorted(error), (Unreachable, Limited)):
                    raise Unreachable(str(sorted_error)) from error

    def close(self) -> None:
        self._session.exit()

    def _template(self, order: Submit) -> Any:
        template = self._session.createJobTemplate()
        template.remoteCommand = order.command[0]
        template.args = list(order.command[1:])
        template.jobName = order.name
        template.nativeSpecification = order.options
        # A folder that every node has; the worker goes to the user's by itself.
        template.workingDirectory = "/"
        nowhere = order.logs == os.devnull
        template.outputPath = f":{order.logs}" + "/$JOB_ID.$TASK_ID.log" * (not nowhere)
        template.joinFiles = True
        return template

    def _sorted(self, error: Exception) -> Exception:
        errors = self._drmaa.errors
        return sorted_answer(
            _text(error),
            unreachable=isinstance(error, errors.DrmCommunicationException),
            # Which the master that answers "try later" has understood: its site allows no more now.
            limited=isinstance(error, errors.TryLaterException),
        )


def _ending(info: Any) -> Ending:
    return Ending(
        queue_job=info.jobId,
        exited=info.hasExited,
        status=info.exitStatus,
        signal=info.terminatedSignal if info.hasSignal else "",
        aborted=info.wasAborted,
        usage=dict(info.resourceUsage),
    )


def _text(error: Exception) -> str:
    text = re.sub(r"^code \d+: ", "", str(error)).strip()
    return " ".join(text.split()) or type(error).__name__
