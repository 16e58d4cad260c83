"""What is known of a job from its task, without waiting for anything."""

from __future__ import annotations

from typing import Any

from ..dispatcher.dispatcher import Dispatcher
from ..dispatcher.stack_text import stack_of
from ..ledger.task import Task, Usage
from ..states import JobState
from .job_arguments import another_process
from .job_output import output_of
from .state_reason import state_reason


class _Given:
    """What a job was given; an attribute of the name that a program sets takes its place.

    Args:
        name: Of the attribute that has it.
        doc: What it is.
    """

    def __init__(self, name: str, doc: str) -> None:
        self._name = name
        self.__doc__ = doc

    def __get__(self, job: object, owner: type | None = None) -> Any:
        return self if job is None else getattr(job, self._name)


class JobFacts:
    """The part of a `gridengine.client.job.Job` that only looks."""

    target: Any = _Given("_target", "What `run` calls; None for nothing, and once it was closed.")
    args: Any = _Given("_args", "The positional arguments for the target.")
    kwargs: Any = _Given("_kwargs", "The keyword arguments for the target.")

    _task: Task | None = None
    _dispatcher: Dispatcher | None = None
    _closed = False
    _daemon = False
    _name: str

    @property
    def name(self) -> str:
        """What people call the job. It has no meaning; several jobs may have the same."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = str(name)
        if self._task is not None:
            self._task.name = self._name

    @property
    def daemon(self) -> bool:
        """Whether the program may end without the job. To be set before the start.

        Raises:
            RuntimeError: Set after the start.
        """
        return self._daemon

    @daemon.setter
    def daemon(self, daemon: bool) -> None:
        if self._task is not None:
            raise RuntimeError("cannot set daemon status of a job that was started")
        self._daemon = bool(daemon)

    @property
    def ident(self) -> int | None:
        """A number that no other job of this program has; None before the start."""
        return None if self._task is None else self._task.id

    @property
    def pid(self) -> int | None:
        """Process id of the worker that the latest attempt was given to, on `host`."""
        place = self._task and self._task.place
        return place.pid if place else None

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        return JobState.INITIAL if self._task is None else self._task.state

    @property
    def state_reason(self) -> str:
        """Why the job is in its state, in words; empty if there is nothing to explain.

        Of one that waits: what for, with the batch system's reason; of one that runs: that it is
        suspended, say, or tried again, and why; of one that has failed, died or was cancelled:
        the first line of the error. It is looked up when it is asked for, and nothing is waited
        for. See ``docs/howto/why-does-it-wait.md``.
        """
        return "" if self._task is None else state_reason(self._task, self._dispatcher)

    @property
    def host(self) -> str | None:
        """Name of the host on which the latest attempt runs, or ran."""
        place = self._task and self._task.place
        return place.host if place else None

    @property
    def attempts(self) -> int:
        """How often the job has been given to a worker."""
        return 0 if self._task is None else self._task.attempts

    @property
    def usage(self) -> Usage | None:
        """What the job used in its latest attempt, None while it is not over.

        It is there if it has died, too, as far as that is known; of a job that was cancelled
        nothing is.
        """
        return None if self._task is None else self._task.usage

    @property
    def output(self) -> str:
        """The end of what the latest attempt has printed so far, on both streams.

        That is 64 KiB, or what ``GRIDENGINE_OUTPUT_KEPT`` says. All of it is there when the job is
        over. It is empty where it is discarded, or printed by the program itself: by an
        `InlineScheduler`.
        """
        return "" if self._task is None else output_of(self._task)

    def stack(self, timeout: float = 10.0) -> str:
        """Returns where the running job is now: a text with the Python stacks of its process.

        The job has no part in it: it may be in C code, wait for a lock, a child or a file, or run
        in circles. Its thread stands first, the innermost frame on top; the command lines of the
        children of its process follow. See ``docs/where-is-it-now.md``.

        Args:
            timeout: Seconds to wait for the answer of its node.

        Raises:
            RuntimeError: The job does not run: it was not started, waits for a worker, or is over.
            TimeoutError: Its node or its process does not answer: it is stopped, say. What is known
                of it is said.
            TypeError: ``timeout`` is no number.
            ValueError: ``timeout`` is not above 0, or the job was closed.
        """
        return stack_of(self._started("look at the stack of"), self._dispatcher, timeout)

    def __repr__(self) -> str:
        state = "closed" if self._closed else self.state.value
        where = f" on {self.host}" if self.host else ""
        return f"<{type(self).__name__}({self._name}, {state}{where})>"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows of it; waits for nothing."""
        from .job_html import job_html

        return job_html(self, self._closed)

    def _started(self, what: str) -> Task:
        self._check_closed()
        if self._task is None:
            raise RuntimeError(f"cannot {what} a job before it is started")
        if self._dispatcher is not None and self._dispatcher.forsaken and not self._task.over:
            raise another_process(what, self._name)
        return self._task

    def _check_closed(self) -> None:
        if self._closed:
            raise ValueError("the job was closed")
