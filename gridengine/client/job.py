"""The user's handle: a `Job` has `threading.Thread`'s interface and runs anywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic

from ..dispatcher.dispatcher import Dispatcher
from ..dispatcher.registry import dispatcher_for
from ..dispatcher.waiting import wait
from ..errors import UnpackingError
from ..ledger.task import Task
from ..schedulers.choice import check, current, scheduler_for
from ..serialization.functions import pack_function
from ..serialization.serializer import pack, pack_arguments
from ..states import FINAL, JobState, Mode
from .call_options import PLAIN, call_options
from .job_arguments import check_target, default_name, do_nothing
from .job_ending import JobEnding
from .job_kept import is_kept
from .job_object import Returned, run_job, state_in
from .replay import replay
from .results import T, error_of, exitcode_of, value_in
from .unretrieved import Unretrieved, tell

if TYPE_CHECKING:
    from ..schedulers.choice import SchedulerLike
    from .call_options import Directory, Escalation, RetryOn

_UNKNOWN = object()
_CALL, _FINISHED = Mode.CALL, JobState.FINISHED


class Job(JobEnding, Generic[T]):
    """A call that runs in another process: on this host, or wherever the scheduler has workers.

    There are two ways to say what it does, as with a thread: pass a callable as ``target``, or
    override `run` in a subclass. Unlike a thread it has a `result`.

    Example:
        >>> import gridengine
        >>> with gridengine.schedulers.ProcessScheduler(1):
        ...     job = gridengine.Job(target=pow, args=(2, 10))
        ...     job.start()
        ...     job.result
        1024

    Args:
        group: Must be None, as with a thread.
        target: What `run` calls.
        name: What people call it; by default ``Job-N (target)``.
        args: Positional arguments for the target.
        kwargs: Keyword arguments for the target.
        daemon: Whether the program may end without it. One that is not a daemon is waited
            for when the program ends.
        mutable: Whether the attributes that `run` sets on ``self`` come back: they are set on
            this object by `join`, and by `result`.
        scheduler: Where it runs: ``"process"``, ``"grid_engine"``, ``"slurm"``, ``"inline"``,
            one of `gridengine.schedulers`, or a class or function that makes one. By default
            what `gridengine.schedulers.current` is when it is started.
        resources: Requests to the batch system for this job, which add to and override those
            of the scheduler: ``{"h_vmem": "4G"}``. Without a meaning on one host.
        memory: How much memory it needs, ``"4G"`` or bytes, whatever the batch system calls that;
            ``"auto"`` for what jobs of the same function have used so far, and some more. One that
            dies for want of memory is tried again with twice as much.
        escalate: What is asked for at first, and after each death for want of it, at no expense of
            ``retries``: ``{"h_vmem": ["2G", "4G", "8G"], "h_rt": [600, 3600]}``.
        slots: Cores that it may keep busy: numeric libraries start so many threads. On one host it
            takes the room of so many jobs of one; on a cluster a parallel environment grants them.
            By default those of the scheduler's workers.
        timeout: Seconds that an attempt may take; after that its process is killed and the job,
            if it is not to be tried again, fails with `JobTimeout`.
        retries: Further attempts after one that failed: so many if its worker is lost, and, counted
            apart, so many if the target raises or takes longer than ``timeout``. By default one
            after a loss, none after the others.
        retry_on: The exceptions, a class or some, after which there are further attempts (one, if
            ``retries`` does not say how many); others fail at once. ``()`` has losses tried again
            alone; `JobTimeout`, or the builtin TimeoutError, stands for the ``timeout``.
        cwd: The directory in which it runs, seen from the program's at that time; by default the
            scheduler's, or the program's own at the start. Where it cannot be entered the job fails
            with an OSError.
        env: Variables that are set for it, and for nothing after it in the same worker, beside the
            scheduler's; None takes one away.
        output: What becomes of what it prints: see `ProcessScheduler`; by default the scheduler's.
            The end of it is `output`.
        logs: A folder in which all that it prints is written to a file of its own.
        keep_logs: Whether that file stays when the job has succeeded.
        journal: A file in which its value is kept: a job of the same call, in another run of the
            program say, has it at once. See ``docs/howto/journal.md``.
        key: What it is known by there, beside the target's name, in place of the arguments and the
            target's code.

    Raises:
        TypeError: ``target`` cannot be called or is a coroutine function, or an argument is of a
            wrong type.
        ValueError: An argument has an impossible value.
    """

    # What few jobs are given, or have, they alone set; and a copy, in a worker say, has no part in
    # the task of the job that it is a copy of.
    _task: Task | None = None
    _value: Any = _UNKNOWN
    _mutable = False
    _scheduler: SchedulerLike | None = None
    _options = PLAIN
    _error: BaseException | None = None

    def __init__(
        self,
        group: None = None,
        target: Callable[..., T] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
        mutable: bool = False,
        scheduler: SchedulerLike | None = None,
        resources: Mapping[str, object] | None = None,
        memory: str | int | None = None,
        escalate: Escalation | None = None,
        slots: int | None = None,
        timeout: float | None = None,
        retries: int | None = None,
        retry_on: RetryOn | None = None,
        cwd: Directory | None = None,
        env: Mapping[str, str | None] | None = None,
        output: str | None = None,
        logs: Directory | None = None,
        keep_logs: bool = True,
        journal: Directory | None = None,
        key: object = None,
    ) -> None:
        if group is not None:
            raise ValueError(
                f"group is {group!r}; it must be None: what to run is given by name, as in "
                "Job(target=f, args=(x,))"
            )
        check_target(target)
        self._target = target
        # What all jobs have in the end is there from the start: an attribute that comes when many
        # jobs have been made has each of them make a dictionary, which takes as long as `start`.
        self._task = None
        self._dispatcher = None
        self._value = _UNKNOWN
        self._args = tuple(args)
        self._kwargs = dict(kwargs) if kwargs else {}
        self._name = str(name) if name is not None else default_name(target)
        if scheduler is not None:
            check(scheduler)
            self._scheduler = scheduler
        if daemon:
            self._daemon = True
        if mutable:
            self._mutable = True
        few = timeout is None and retries is None and retry_on is None
        few = few and resources is None and memory is None and escalate is None and slots is None
        few = few and journal is None and key is None and cwd is None and env is None
        if not (few and output is None and logs is None):
            self._options = call_options(
                timeout=timeout, retries=retries, retry_on=retry_on, cwd=cwd, env=env,
                output=output, logs=logs, keep_logs=keep_logs, resources=resources, memory=memory,
                escalate=escalate, slots=slots, journal=journal, key=key,
            )  # fmt: skip

    # ------------------------------------------------------------------ Thread's interface

    def run(self) -> T:
        """Does the job's work, in a worker; what it returns is the result."""
        if self._target is not None:
            return self._target(*self._args, **self._kwargs)
        return None  # type: ignore[return-value]  # of a job of nothing

    def start(self) -> None:
        """Has the job run. Returns at once.

        Raises:
            RuntimeError: It was started before, or its class has an ``__init__`` that does not call
                that of `Job`.
            PackingError: The target or an argument cannot travel (also a TypeError).
            SchedulerError: The scheduler cannot be used.
            ValueError: It was closed, or the scheduler cannot take its resources.
        """
        given = self._scheduler
        self.start_on(dispatcher_for(current() if given is None else scheduler_for(given)))

    def start_on(self, dispatcher: Dispatcher) -> Task:
        """As `start`, through a certain dispatcher; for interfaces such as `JobDispatcher`.

        Returns:
            The dispatcher's record of the job.
        """
        if self._closed or self._task is not None:
            self._check_closed()
            raise RuntimeError("jobs can only be started once")
        # Kept for a death certificate to name.
        try:
            arguments = self._args, self._kwargs
        except AttributeError:
            name = type(self).__name__
            raise RuntimeError(f"{name}.__init__() has not called super().__init__()") from None
        if type(self).run is Job.run and not self._mutable:
            called: Callable[..., Any] = do_nothing if self._target is None else self._target
            payload, frames = pack_arguments(arguments)
        else:
            called = run_job
            payload, frames = pack(((self,), {}), "the job")
        options = self._options
        if options is not PLAIN:
            called = options.attached_to(called, many=False)
        task = Task(
            options.placed(pack_function(called), *dispatcher.surroundings),
            _CALL,
            payload,
            dispatcher.sharing.frames(frames) if frames else frames,
            name=self._name,
            timeout=options.timeout,
            lost_retries=options.lost_retries,
            error_retries=options.error_retries,
            timeout_retries=options.timeout_retries,
            daemon=self._daemon,
            on_failure=Unretrieved,
            output=options.output,
        )
        if options.asked is not None:
            dispatcher.set_requests(task, options.asked)
        task.arguments = arguments
        if options.journal is None or not is_kept(self, task, options):
            dispatcher.submit(task)
        self._dispatcher = dispatcher
        self._task = task
        return task

    def join(self, timeout: float | None = None) -> None:
        """Waits until the job is over, or ``timeout`` seconds have passed.

        It does not raise what the job raised, nor say whether it is over: see `is_alive`. If the
        job has failed, and nobody has asked for its `exception` or `result` yet, the traceback is
        printed, once, as a thread's is: see `gridengine.excepthook`.

        Raises:
            RuntimeError: The job has not been started, or not by this process, but before its fork.
        """
        __tracebackhide__ = True  # as in `gridengine.client.map.map`
        task = self._started("join")
        if not wait(task, timeout):
            return
        if self._mutable:
            self._collect(task)
        if task.failure is not None and task.failure.take():
            self._collect(task)
            tell(task, self._error, self)

    def is_alive(self) -> bool:
        """Returns True from the moment that `start` returns until the job is over."""
        self._check_closed()
        return self._task is not None and not self._started("look after").over

    # ------------------------------------------------------------------ Process's interface

    @property
    def exitcode(self) -> int | None:
        """None while the job is not over; then 0, 1 for an exception, -N for signal N.

        A job that called ``sys.exit`` has the status that it gave.
        """
        self._check_closed()
        task = self._task
        if task is None or not task.over:
            return None
        if task.state is _FINISHED:
            return 0
        self._collect(task)
        return exitcode_of(task, self._error)

    def close(self) -> None:
        """Lets go of the result and all else that the job holds.

        Raises:
            ValueError: The job is not over.
        """
        if self._closed:
            return
        if self.is_alive():
            raise ValueError("cannot close a job that is not over; terminate() or join() it first")
        self._closed = True
        self._task = self._dispatcher = self._target = self._error = None
        self._args, self._kwargs = (), {}
        self._value = _UNKNOWN

    # ------------------------------------------------------------------ what a thread has not

    @property
    def result(self) -> T:
        """What the job returned; waits for it.

        Raises:
            BaseException: What the job raised, with the remote traceback as its ``__cause__``.
            JobError: It ended in another way; see `gridengine.errors`.
            RuntimeError: The job has not been started.
            ValueError: It was closed.
        """
        if self._value is _UNKNOWN:
            __tracebackhide__ = True
            self._wait_to("get the result of")
            if self._error is not None:
                raise self._error
        return self._value  # type: ignore[no-any-return]  # a T by now

    @property
    def exception(self) -> BaseException | None:
        """What `result` would raise, None if it returns; waits for the end of the job.

        Raises:
            RuntimeError: The job has not been started.
            ValueError: It was closed.
        """
        self._wait_to("get the exception of")
        return self._error

    def __await__(self) -> Generator[Any, None, T]:
        """Waits, in an event loop, for `result`; a cancelled task cancels the job that it awaits.

        Raises:
            BaseException: As `result`.
            RuntimeError: The job has not been started, or no event loop runs.
            ValueError: It was closed.
        """
        from .asynchronous.awaiting import result_of

        end = functools.partial(self._end, "cancel", None)
        return result_of(self, self._started("await"), end).__await__()

    def replay(self) -> T:
        """Runs it again, in this process, with the arguments that it had; waits for its end before.

        See `gridengine.replay`.

        Raises:
            BaseException: What it raises.
            ValueError: It did not fail, or it was cancelled, or closed.
            RuntimeError: The job has not been started.
        """
        error = self.exception
        if error is None:
            raise ValueError(f"{self!r} has not failed: there is nothing to run again")
        return replay(error)  # type: ignore[no-any-return]  # of this job

    def __getstate__(self) -> dict[str, Any]:
        # A worker runs it; what belongs to this program stays here.
        return {
            name: value
            for name, value in vars(self).items()
            if name not in ("_task", "_dispatcher", "_scheduler", "_value", "_error")
        }

    # ------------------------------------------------------------------ inside

    def _wait_to(self, what: str) -> None:
        """Waits for the end of the job, and has its value or its error there."""
        __tracebackhide__ = True
        task = self._started(what)
        unknown = self._value is _UNKNOWN and self._error is None
        if task.state not in FINAL or (unknown and task.told is not None):
            wait(task)
        if unknown:
            self._collect(task)
        if self._error is not None and task.failure is not None:
            task.failure.take()

    def _collect(self, task: Task) -> None:
        """Unpacks the answer, once, in the thread that asks for it."""
        # Taken before the look at the value: another thread lets go of it when that is there.
        outcome = task.outcomes[-1] if task.outcomes else None
        if self._value is not _UNKNOWN or self._error is not None:
            return
        if task.state is not _FINISHED:
            error = error_of(task, 0)
            if error is not None:
                self._adopt(state_in(error))
                self._error = error
                return
        assert outcome is not None
        try:
            value = value_in(task, outcome)
        except UnpackingError as error:
            self._error = error.with_traceback(None)
            return
        if type(value) is Returned:
            self._adopt(value.state)
            value = value.value
        self._value = value
        if outcome.frames or type(outcome.payload) is not bytes:
            # A large result shall not be there twice.
            task.outcomes[-1] = outcome._replace(payload=b"", frames=())

    def _adopt(self, state: Mapping[str, Any] | None) -> None:
        if self._mutable and state is not None:
            vars(self).update(state)
