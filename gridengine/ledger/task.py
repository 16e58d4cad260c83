"""The host's record of one job.

A task holds ``size`` calls of one function: one for a `gridengine.client.job.Job`, a run of
neighbours for a map. It is made by the thread that submits, changed by the dispatcher's thread
alone, and read by anybody; `gridengine.dispatcher.waiting` waits for its end.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import Death, JobCancelled
from ..logs import Log
from ..serialization.packed import Function
from ..states import FINAL, MOVES, JobState, Mode
from .series import CallSeries
from .task_output import OutputPolicy, TaskOutput

if TYPE_CHECKING:
    from .requests import Requests

log = Log(__name__)

_ids = itertools.count(1)


def newest() -> int:
    """Returns a number that no task made before has, nor one made from now on, but between them."""
    return next(_ids)


class Place(NamedTuple):
    """Where an attempt ran."""

    host: str
    pid: int
    queue_job: str


class Usage(NamedTuple):
    """What a job used: as its worker measured it, and as it was seen from outside meanwhile.

    The worker's process and all that it has started are looked at from time to time
    (``GRIDENGINE_SAMPLE_INTERVAL``); what is said of those looks is 0 if there was none, as of a
    job that was over before.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: Seconds of processor time of the worker's process, all threads.
        peak_memory: Largest resident memory of the worker's process so far, in bytes; an
            upper bound for the job, since a worker runs many.
        tree_cpu: Seconds of processor time of the process and of all that it has started. What
            those have had between two looks that ended in between, and for which nobody has
            waited, is not in it.
        tree_peak_memory: The largest resident memory that they had together at a look, in bytes;
            pages that processes share are counted for each of them.
        tree_mean_memory: The mean of that.
        gpu_memory: The largest memory on graphics processors that they had at a look, in bytes.
        samples: How many looks there were.
    """

    wall: float
    cpu: float
    peak_memory: int
    tree_cpu: float = 0.0
    tree_peak_memory: int = 0
    tree_mean_memory: int = 0
    gpu_memory: int = 0
    samples: int = 0

    def with_series(self, series: CallSeries) -> Usage:
        """Returns it with what samples say."""
        return self._replace(
            tree_cpu=max(self.cpu, series.cpu),
            tree_peak_memory=series.peak,
            tree_mean_memory=series.mean,
            gpu_memory=series.gpu_memory,
            samples=series.count,
        )


class Outcome(NamedTuple):
    """The answer for the calls ``lo`` to ``hi`` (not included) of a task.

    Attributes:
        payload: The packed value; for a map a packed list, with None where a call failed.
        frames: The buffers that it refers to.
        failures: What went wrong, by the number of the call: a packed exception, or a death.
        wall: As in `Usage`.
        cpu: As in `Usage`.
        peak_memory: As in `Usage`.
        place: Where they ran.
        tries: How often they have been tried, 0 if nothing failed; of a job see `Task.attempts`.
        asked: What they have been tried with, in words, if nothing more is to be had.
    """

    lo: int
    hi: int
    payload: Any
    frames: Sequence[Any]
    failures: Mapping[int, bytes | Death | BaseException]
    wall: float
    cpu: float
    peak_memory: int
    place: Place
    tries: int = 0
    asked: str = ""

    @property
    def usage(self) -> Usage:
        """What the calls used."""
        return Usage(self.wall, self.cpu, self.peak_memory)


outcome_of: Callable[[tuple[Any, ...]], Outcome] = functools.partial(tuple.__new__, Outcome)
"""Makes an `Outcome` of a tuple of its fields, in half the time: there is one for each job."""

# To look up a member of an enum takes as long as to make a small object, before Python 3.12.
_QUEUED, _FINISHED, _DIED = JobState.QUEUED, JobState.FINISHED, JobState.DIED

_FAILURES = (JobState.FAILED, _DIED)

#: Of a task that has no answer yet: a list of its own would be a tenth of a queued job's memory.
_NO_OUTCOMES: Any = ()


class Task:
    """One job on the host's side.

    Attributes:
        id: Number of the task, unique in this program.
        name: What people call the job.
        function: The packed function.
        mode: How it is applied.
        payload: The packed arguments; empty once the job is over, unless it has failed or died,
            and may be run again.
        frames: The buffers that they refer to.
        size: Number of calls.
        first: Number of its first call within the map.
        kind: Which workers may run it; the resources they must have been given.
        requests: What its calls ask for when that was too little, None for nothing else.
        timeout: Seconds that one attempt may take, 0 for no limit.
        lost_retries: Further attempts after a worker died of it.
        error_retries: Further attempts after the function raised.
        timeout_retries: Further attempts after one was over its time; both are counted together.
        arguments: The arguments themselves, for what tells of a failure to name; let go when the
            job is over without one.
        apart: Whether the arguments of each call are packed by themselves.
        fail_fast: Whether the first failure makes the other calls unwanted.
        state: Where the job stands.
        attempts: Number of the latest attempt, from 1; 0 before the first.
        place: Where the latest attempt ran.
        outcomes: The answers, in order of arrival.
        missing: Calls without an answer.
        waiting: Those of them that wait for a worker.
        error: What ended the whole task, if not its calls.
        exit_signal: The signal by which the program has asked for its end, 0 if it has not.
        daemon: Whether the program may end without it.
        waiters: What is to be called when the job is over, None if nobody has asked.
        on_start: What is asked, with the task, before any of it is handed out for the first time:
            whether it is still wanted. None for nothing; it must neither block nor raise.
        on_outcome: What is called with the task when some of its calls, of several, were answered
            for, in the dispatcher's thread; None for nothing. It must neither block nor raise.
        on_failure: What is to be called with the task when it fails or dies, None for nothing.
        failure: What that has returned.
        put_back_for: Why it, a single call, waits again; there is none before it does.
        series: What samples say of its latest attempt; there is no such attribute before the first.
        told: What its calls have logged and warned of, None for nothing.
        output: What is asked for what it prints, an `OutputPolicy`, None if nothing is; from the
            first byte on, what is known of it.
    """

    series: CallSeries

    __slots__ = (
        "apart",
        "arguments",
        "attempts",
        "daemon",
        "error",
        "error_retries",
        "exit_signal",
        "fail_fast",
        "failure",
        "first",
        "frames",
        "function",
        "id",
        "kind",
        "lost_retries",
        "missing",
        "mode",
        "name",
        "on_failure",
        "on_outcome",
        "on_start",
        "outcomes",
        "output",
        "payload",
        "place",
        "put_back_for",
        "requests",
        "series",
        "size",
        "state",
        "timeout",
        "timeout_retries",
        "told",
        "waiters",
        "waiting",
    )

    put_back_for: str

    def __init__(
        self,
        function: Function,
        mode: Mode,
        payload: bytes,
        frames: Sequence[Any] = (),
        *,
        name: str = "",
        size: int = 1,
        first: int = 0,
        kind: int = 0,
        timeout: float = 0.0,
        lost_retries: int = 1,
        error_retries: int = 0,
        timeout_retries: int | None = None,
        fail_fast: bool = False,
        daemon: bool = True,
        apart: bool = False,
        arguments: Any = None,
        on_start: Callable[[Task], bool] | None = None,
        on_failure: Callable[[Task], object] | None = None,
        output: OutputPolicy | None = None,
    ) -> None:
        self.id = next(_ids)
        self.name = name
        self.function = function
        self.mode = mode
        self.payload = payload
        self.frames = frames
        self.size = self.missing = size
        self.waiting = 0
        self.first = first
        self.kind = kind
        self.timeout = timeout
        self.lost_retries = lost_retries
        self.error_retries = error_retries
        self.timeout_retries = error_retries if timeout_retries is None else timeout_retries
        self.fail_fast = fail_fast
        self.state = _QUEUED
        self.attempts = self.exit_signal = 0
        self.place: Place | None = None
        self.outcomes: MutableSequence[Outcome] = _NO_OUTCOMES
        self.error: BaseException | None = None
        self.daemon = daemon
        self.apart = apart
        self.arguments = arguments
        # A list only when somebody waits: most tasks of a deep queue are over before that.
        self.waiters: list[Callable[[], object]] | None = None
        self.on_start = on_start
        self.on_failure = on_failure
        self.on_outcome: Callable[[Task], object] | None = None
        self.failure: Any = None
        self.told: Any = None
        self.requests: Requests | None = None
        self.output: OutputPolicy | TaskOutput | None = output

    def __repr__(self) -> str:
        return f"<Task {self.id} {self.name!r} {self.state.value}, attempt {self.attempts}>"

    @property
    def over(self) -> bool:
        """True once the job is in a final state."""
        return self.state in FINAL

    @property
    def wanted(self) -> bool:
        """False once the job is over, or the program has asked for its end."""
        return not self.exit_signal and self.state not in FINAL

    @property
    def usage(self) -> Usage | None:
        """What a job of one call used in its latest attempt, None while it is not over."""
        if not (self.over and self.outcomes):
            return None
        usage = self.outcomes[-1].usage
        # Most are over before anybody has looked: to have the attribute would cost each of them.
        series: CallSeries | None = getattr(self, "series", None)
        if series is None or series.which[1] != self.attempts:
            return usage
        return usage.with_series(series)

    @property
    def label(self) -> str:
        """What a queue job is called that is asked for on its account.

        Of a job that was given no name, that of its function: others like it run there too.
        """
        own = self.function.name
        return own if self.name.endswith(f" ({own})") else self.name

    def move(self, state: JobState) -> None:
        """Moves the job to ``state``; a final one wakes whoever waits.

        Raises:
            ValueError: The move is not legal.
        """
        if state not in MOVES[self.state]:
            raise ValueError(f"{self!r} cannot become {state.value}")
        if state not in FINAL:
            self.state = state
            return
        if state not in _FAILURES:
            self.payload, self.frames, self.arguments = b"", (), None
        if self.on_failure is not None and state in _FAILURES:
            # Before anybody can see that the job is over.
            self.failure = self.on_failure(self)
        self.state = state
        self.wake()

    def put_back(self, reason: str) -> None:
        """Notes that a call waits for a worker again, and why."""
        if self.size == 1:
            self.state = _QUEUED
            self.put_back_for = reason

    def end(self, state: JobState, error: BaseException) -> None:
        """Ends the whole task with ``error``, unless it is over."""
        if self.state not in FINAL:
            self.error = error
            self.move(state)

    def finish(self, outcome: Outcome) -> None:
        """Ends the task of one call by its value: the common end of a common job."""
        self.outcomes = [outcome]
        self.missing = 0
        self.state = _FINISHED
        self.payload, self.frames, self.arguments = b"", (), None
        if self.waiters is not None:
            self.wake()

    def record(self, outcome: Outcome) -> None:
        """Notes an answer; with the last one the job is over."""
        if self.outcomes:
            self.outcomes.append(outcome)
        else:
            self.outcomes = [outcome]
        self.missing -= outcome.hi - outcome.lo
        if not self.missing or (self.fail_fast and outcome.failures):
            self.move(self._last_state())
        if self.on_outcome is not None and self.size > 1:
            # Whoever hears of the last one may let go of all of them.
            self.on_outcome(self)

    def _last_state(self) -> JobState:
        failures = [f for outcome in self.outcomes for f in outcome.failures.values()]
        if any(isinstance(failure, Death) for failure in failures):
            return JobState.DIED
        if any(isinstance(failure, JobCancelled) for failure in failures):
            return JobState.CANCELLED
        return JobState.FAILED if failures else JobState.FINISHED

    def wake(self) -> None:
        """Calls those who wait, each once, whichever threads are at it.

        What one of them raises is said in the log: it is no fault of the answer that ends the task,
        nor of the others that wait.
        """
        waiters = self.waiters
        while waiters:
            try:
                waiter = waiters.pop(0)
            except IndexError:
                # Another thread was quicker.
                return
            try:
                waiter()
            except Exception:
                log.exception("what waits for %r has failed: %r", self, waiter)
