"""How a program ends a job that it does not want any more."""

from __future__ import annotations

import signal

from .job_facts import JobFacts


class JobEnding(JobFacts):
    """The part of a `gridengine.client.job.Job` that ends it, as a process is ended."""

    def terminate(self) -> None:
        """Ends the job with SIGTERM; one that does not run yet is taken back.

        Raises:
            RuntimeError: The job has not been started.
        """
        self._end("terminate", signal.SIGTERM)

    def kill(self) -> None:
        """As `terminate`, with SIGKILL.

        Raises:
            RuntimeError: The job has not been started.
        """
        self._end("kill", signal.SIGKILL)

    def _end(self, what: str, signum: int | None) -> None:
        task = self._started(what)
        if not task.over and self._dispatcher is not None:
            self._dispatcher.cancel([task], signum)
