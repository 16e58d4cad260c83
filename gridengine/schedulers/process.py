"""Workers on this host: one supervisor with all of them."""

from __future__ import annotations

import os

from .. import nesting
from ..transport.control import Controls
from .arguments import take_common, whole_number
from .base import Scheduler, Session
from .child_process import Child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from .events import Event

#: Seconds that a supervisor gets to end its workers, and its reaper to end what is left, before
#: both are killed.
_CLOSE_PATIENCE = 5.0


class ProcessScheduler(Scheduler):
    """Runs jobs in processes of this host, which stay warm from one map to the next.

    The workers are forks of a fresh interpreter, not of your program: threads, open files and
    device contexts of yours are not in their way.

    Args:
        max_workers: Jobs that run at the same time; by default one for each core that this
            process may use: those of its affinity mask; in a job, or in a queue job of a Grid
            Engine, as many as that was granted. With more ``slots`` as many as there is room for,
            with ``gpus_per_worker`` as there are GPUs for.
        slots: Cores of each worker: so many threads numeric libraries start in it. A job may ask
            for others; all that run at a time have ``max_workers`` × ``slots`` at most.
        gpus_per_worker: GPUs of each worker, which no other one has; or which part of one, 0.5 for
            two workers on each. It is told by CUDA_VISIBLE_DEVICES which they are; or by
            HIP_VISIBLE_DEVICES or ROCR_VISIBLE_DEVICES, where this program is.
        fresh: Whether each job gets a newly forked worker, which has seen no other. That costs
            some milliseconds a job, and what jobs import is imported by each.
        initializer: What each worker calls before its first job, to load what all of them need. If
            it raises, the jobs of that worker fail with `InitializerError`.
        initargs: Its arguments.
        cwd: The directory in which jobs run that name no other; by default the program's own when
            they are started. Where it cannot be entered they fail with an OSError.
        env: Variables that are set for the jobs, whatever they are called; None takes one away.
        output: What becomes of what jobs print that ask for nothing else: ``"stream"``, the
            default, shows it in the program as it comes, line by line; with ``"collect"`` it is
            only to be had as `Job.output`; ``"discard"`` drops it.
        settings: Settings of its own, such as ``{"grace": 5}``, which count more than those of the
            environment and of files.
        max_threads: What the first gridengine called ``max_workers``; deprecated.

    Raises:
        TypeError: ``max_workers`` or ``slots`` is no whole number, or ``initializer`` cannot be
            called.
        ValueError: ``max_workers`` or ``slots`` is less than 1, ``output`` is none of these, or
            there are not so many GPUs.
        GridEngineError: Something in ``settings`` is no setting, or has an impossible value.
    """

    remote = False
    takes_resources = False
    queue_job_template = "{GRIDENGINE_QUEUE_JOB}"
    gpus_per_worker: float | None = None

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        slots: int = 1,
        gpus_per_worker: float | None = None,
        fresh: bool = False,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        output: str | None = None,
        settings: Mapping[str, object] | None = None,
        max_threads: int | None = None,
    ) -> None:
        if max_threads is not None:
            from .first_gridengine import max_workers_of

            max_workers = max_workers_of(max_threads, max_workers)
        take_common(
            self, fresh=fresh, initializer=initializer, initargs=initargs, cwd=cwd, env=env,
            output=output, settings=settings,
        )  # fmt: skip
        if slots != 1:
            self.slots = whole_number("slots", slots, 1)
        workers = None if max_workers is None else whole_number("max_workers", max_workers, 1)
        most = workers or max(1, usable_cores() // self.slots)
        if gpus_per_worker is not None:
            from . import gpus

            self.gpus_per_worker = gpus_per_worker
            self.devices = gpus.shares(gpus_per_worker, workers)[:most]
            _check_env(self.env, self.devices)
            most = len(self.devices)
        self.workers_per_queue_job = most

    @property
    def max_workers(self) -> int:
        """Jobs that run at the same time."""
        return self.workers_per_queue_job

    @property
    def max_threads(self) -> int:
        """What the first gridengine called `max_workers`."""
        return self.max_workers

    def __repr__(self) -> str:
        told = f"max_workers={self.max_workers}"
        if self.slots != 1:
            told += f", slots={self.slots}"
        if self.gpus_per_worker is not None:
            told += f", gpus_per_worker={self.gpus_per_worker:g}"
        return f"ProcessScheduler({told}{', fresh=True' if self.fresh else ''})"

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        """Returns ``slots``, if a job asks for others: all other requests are for a batch system.

        Raises:
            TypeError: They are no whole number.
            ValueError: They are more than there are.
        """
        if resources.get("slots") is None:
            return {}
        slots = whole_number("slots", resources["slots"], 1)
        if slots == self.slots:
            return {}
        room = self.max_workers * self.slots
        if slots > room:
            raise ValueError(
                f"slots={slots} is more than {self!r} has for all its jobs together: ask for "
                f"{room} at most, or run the job elsewhere"
            )
        if self.devices:
            raise ValueError(
                f"slots={slots}, but all workers of {self!r} are alike, since each has its GPUs; "
                f"make it with ProcessScheduler(slots={slots}, gpus_per_worker=...)"
            )
        return {"slots": slots}

    def slots_of(self, resources: Mapping[str, object]) -> int:
        """Returns what a job has asked for, or what each worker has."""
        asked = resources.get("slots")
        return asked if isinstance(asked, int) else self.slots

    def open(self) -> ProcessSession:
        """Starts a session, for a dispatcher."""
        return ProcessSession()


def _check_env(env: Mapping[str, str | None] | None, devices: Sequence[Mapping[str, str]]) -> None:
    for name in sorted((env or {}).keys() & devices[0].keys()):
        raise ValueError(
            f"env has {name}, by which gpus_per_worker says to each worker which GPUs it has; set "
            "it in the environment of the program to say which there are"
        )


def usable_cores() -> int:
    """Returns the number of cores that this process may use."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # Linux alone has it.
        cores = os.cpu_count() or 1
    return min(cores, nesting.granted_cores() or cores)


class ProcessSession(Session):
    """Starts supervisors as children of this process.

    Each one's standard input is a socket from here: it closes when this process ends, however
    that happens.
    """

    def __init__(self) -> None:
        self.controls: Controls = Controls()
        self._processes: dict[str, Child] = {}
        self._events: list[Event] = []
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        self._closed = False

    def start(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        resources: Mapping[str, object],
        logs: str,
        avoid: Sequence[str] = (),
    ) -> None:
        """Starts ``count`` supervisors; what they print appears where this program prints."""
        started = []
        for copy in range(count):
            queue_job = f"{batch}.{copy + 1}"
            try:
                # In a session of its own: Ctrl-C at the terminal is for the program alone, which
                # then decides.
                self._processes[queue_job] = self._child(queue_job, command)
            except (OSError, RuntimeError) as error:
                from ..errors import reason_of

                self._refuse(batch, f"no process can be started: {reason_of(error)}")
                break
            started.append(queue_job)
        from .events import Submitted

        self._say(Submitted(batch, tuple(started)))

    def _child(self, queue_job: str, command: Sequence[str]) -> Child:
        return Child(
            command,
            {**os.environ, "GRIDENGINE_QUEUE_JOB": queue_job},
            self.controls,
            lambda status: self._ended(queue_job, status),
        )

    def _refuse(self, batch: int, reason: str) -> None:
        from .events import Refused

        self._say(Refused(batch, reason))

    def _ended(self, queue_job: str, status: int) -> None:
        import signal

        from ..states import DeathCause
        from .events import End, Ended

        if status == -signal.SIGKILL:
            cause = DeathCause.KILLED
        elif status < 0:
            cause = DeathCause.CRASHED
        else:
            cause = DeathCause.EXITED
        detail = f"the supervisor ended with status {status}"
        self._say(Ended(queue_job, End(exitcode=status, cause=cause, detail=detail)))

    def _say(self, event: Event) -> None:
        self._events.append(event)
        os.write(self._write, b"\0")

    def stop(self, queue_jobs: Sequence[str]) -> None:
        """Has these supervisors end with all their workers, killed if they do not hear it."""
        import signal

        for queue_job in queue_jobs:
            process = self._processes.get(queue_job)
            if process is not None and process.hang_up():
                process.signal(signal.SIGTERM)

    def events(self) -> list[Event]:
        """Returns what happened since the last call, oldest first."""
        try:
            os.read(self._read, 4096)
        except BlockingIOError:
            return []
        from .events import Ended

        events = []
        while self._events:
            event = self._events.pop(0)
            if isinstance(event, Ended):
                self._let_go(event.queue_job)
            events.append(event)
        return events

    def _let_go(self, queue_job: str) -> None:
        process = self._processes.pop(queue_job)
        # Perhaps only the first of its processes has ended: the others are of no use.
        process.hang_up()
        # Its thread may yet be about to write: `close` does not know of it any more.
        process.wait()

    def fileno(self) -> int:
        """Returns a descriptor that is readable when `events` has something to say."""
        return self._read

    def close(self) -> None:
        """Ends all supervisors and waits until they are gone."""
        if self._closed:
            return
        self._closed = True
        import signal

        self.stop(list(self._processes))
        for process in self._processes.values():
            if not process.wait(_CLOSE_PATIENCE):
                process.signal(signal.SIGKILL)
                process.wait()
        self._processes.clear()
        # No thread of a child's is left that could still write to it.
        os.close(self._read)
        os.close(self._write)
