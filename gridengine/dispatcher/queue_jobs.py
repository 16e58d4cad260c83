"""Queue jobs by way of a scheduler's session: what they are told, and what they have printed.

Called from the dispatcher's thread alone, but for `kind_of` and `started_early`.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence

from .. import nesting
from ..errors import SchedulerError, reason_of
from ..logs import Log
from ..schedulers.base import Scheduler, Session
from ..schedulers.limits import slots_here, workers_of
from ..settings import Settings, sample_interval
from ..transport.launch_file import (
    Keys,
    Launch,
    current_umask,
    import_path,
    thread_limits,
    thread_limits_within,
)
from ..transport.private_files import NotPrivate, new_folder, open_folder, write_file
from ..transport.unreached import Unreached
from ..transport.versions import python
from .early_start import command, command_here
from .start_script import script_in, start_command, start_script

# The orders need msgspec, which takes long to import: it is so when the first workers are on their
# way.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ledger.orders import RequestQueueJobs

log = Log(__name__)

#: Refusals that are kept for a queue job's name: who makes up names shall not fill the memory.
_REFUSED = 100

#: The end of a queue job's log that goes into a death certificate.
_LOG_BYTES = 4096

#: Without following a link, and without waiting for the other end of a pipe.
_LOG = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def launch_for(
    scheduler: Scheduler,
    settings: Settings,
    endpoints: Sequence[str],
    keys: Keys | None,
    *,
    share: bool,
) -> Launch:
    """Returns what every supervisor of a scheduler is told.

    Args:
        scheduler: The scheduler.
        settings: The numbers.
        endpoints: Where the dispatcher can be reached.
        keys: The keys of its peers, None on one host.
        share: Whether large buffers go through shared memory.
    """
    remote = scheduler.remote
    threads = _threads_in_job(scheduler)
    return Launch(
        endpoints=endpoints,
        server_key=keys.server_public if keys else "",
        public_key=keys.public if keys else "",
        secret_key=keys.secret if keys else "",
        persistent=not remote,
        fresh=scheduler.fresh,
        share=share,
        heartbeat=settings.heartbeat,
        patience=settings.patience,
        sample_interval=sample_interval(settings),
        connect_timeout=settings.connect_timeout,
        grace=settings.grace,
        slots=scheduler.slots,
        threads=threads,
        parent=0 if remote else os.getpid(),
        queue_job=scheduler.queue_job_template,
        cwd=os.getcwd(),
        sys_path=import_path(),
        environ=_environment(scheduler, settings, threads),
        most=scheduler.workers_per_queue_job,
        devices=scheduler.devices,
        # A child of this process has it anyway.
        umask=current_umask() if remote else None,
        python=python(),
        core_files=settings.core_files,
        channel=settings.channel,
    )


def _threads_in_job(scheduler: Scheduler) -> int:
    """Returns what each worker of a job has of the cores that it was granted, 0 elsewhere."""
    if scheduler.remote or not nesting.in_job():
        return 0
    # The job's own threads are for all of them.
    each = nesting.granted_cores() // scheduler.workers_per_queue_job
    return max(scheduler.slots, each)


def _environment(scheduler: Scheduler, settings: Settings, threads: int) -> dict[str, str]:
    if scheduler.remote:
        from ..transport.environment import environment_for_nodes

        return environment_for_nodes(os.environ, settings.environment)
    return _limits(threads, scheduler.slots)


def _limits(threads: int, slots: int) -> dict[str, str]:
    """Returns the variables that hold numeric libraries to the slots, or threads, of a worker."""
    if threads:
        return thread_limits_within(os.environ, threads)
    return thread_limits(os.environ, slots)


class QueueJobs:
    """Asks a session for queue jobs.

    Args:
        session: Starts them.
        scheduler: Says what they look like.
        launch: What every supervisor is told; its ``kind`` and ``workers`` are filled in here.
        folder: A private folder for launch files, and for what queue jobs print; empty if they are
            children of this process, which need neither.
    """

    def __init__(self, session: Session, scheduler: Scheduler, launch: Launch, folder: str) -> None:
        self.session = session
        self._scheduler = scheduler
        self._launch = launch._replace(when_silent=session.when_silent())
        self._folder = folder
        self._logs = os.path.join(folder, "logs")
        self._has_script = False
        self._lock = threading.Lock()
        # Kind 0 asks for nothing of its own.
        self._kinds: list[Mapping[str, object]] = [{}]
        self._slots = [scheduler.slots]
        self._refused: dict[str, Unreached] = {}
        if folder:
            new_folder(self._logs)

    def kind_of(self, resources: Mapping[str, object]) -> int:
        """Returns the kind of workers that have these resources. May be called by any thread.

        Raises:
            ValueError, TypeError: The scheduler cannot take one of them.
        """
        wanted = self._scheduler.resources_of(resources)
        with self._lock:
            if wanted not in self._kinds:
                self._slots.append(self._scheduler.slots_of(wanted))
                self._kinds.append(wanted)
            return self._kinds.index(wanted)

    def is_kind(self, kind: int) -> bool:
        """Tells whether there is such a kind."""
        return kind < len(self._kinds)

    def slots_of(self, kind: int) -> int:
        """Returns the cores that each worker of a kind is granted. May be called by any thread."""
        return self._slots[kind]

    def most_workers(self, kind: int) -> int:
        """Returns how many workers of a kind may be at work on this host at one time."""
        scheduler = self._scheduler
        return max(1, min(workers_of(scheduler), slots_here(scheduler) // self._slots[kind]))

    def started_early(self, workers: int) -> None:
        """Tells a supervisor what it waits for, which was started before all else."""
        self._tell(self._told(0, workers))

    def request(self, order: RequestQueueJobs, label: str) -> None:
        """Asks for more queue jobs.

        Args:
            order: How many, and of which kind.
            label: What the first job is called that waits for them.

        Raises:
            SchedulerError: What they need to start cannot be written.
        """
        told = self._told(order.kind, order.workers)
        self.session.start(
            order.batch,
            self._command(self._written(told)) if self._folder else command_here(),
            order.count,
            name=self._scheduler.queue_job_name or label or "gridengine",
            resources=self._kinds[order.kind],
            logs=self._logs,
            avoid=order.avoid,
        )
        if not self._folder:
            self._tell(told)

    def _tell(self, launch: Launch) -> None:
        self.session.controls.tell(launch.as_json().encode())

    def _command(self, path: str) -> Sequence[str]:
        script = script_in(self._folder)
        # Once: what is there later need not be this program's.
        if not self._has_script:
            # What the interpreter itself shall not read it need not have.
            isolated = bool(sys.flags.ignore_environment)
            started = command(path)[:-1]
            own = {n: v for n, v in (self._scheduler.env or {}).items() if v is not None}
            environ = {**os.environ, **own}
            with _writing(script):
                write_file(script, start_script(started, environ, isolated=isolated))
            self._has_script = True
        return start_command(script, path)

    def _told(self, kind: int, workers: int) -> Launch:
        launch, slots = self._launch, self._slots[kind]
        if slots != launch.slots:
            launch = launch._replace(slots=slots)
            if launch.parent:
                threads = launch.threads * slots // self._scheduler.slots
                launch = launch._replace(threads=threads, environ=_limits(threads, slots))
        limit = self._scheduler.time_limit(self._kinds[kind])
        return launch._replace(kind=kind, workers=workers, time_limit=limit)

    def _written(self, launch: Launch) -> str:
        path = os.path.join(self._folder, f"launch-{launch.kind}-{launch.workers}")
        # If it is not the one that was written, the supervisor that reads it will say so.
        if not os.path.exists(path):
            with _writing(path):
                launch.write(path)
        return path

    def note_refusal(self, queue_job: str, why: Unreached) -> None:
        """Keeps why a supervisor was refused whose queue job the scheduler has not named yet."""
        if len(self._refused) < _REFUSED:
            self._refused[queue_job] = why

    def unreached(self, queue_job: str) -> Unreached | None:
        """Returns why a supervisor could not work for this program, None if it did not say."""
        if (refused := self._refused.pop(queue_job, None)) is not None:
            return refused
        return Unreached.read(self._folder, queue_job) if self._folder else None

    def output_of(self, queue_job: str) -> str:
        """Returns the last lines that a queue job has printed, as far as they are to be had."""
        if not self._folder:
            # Where this program prints.
            return ""
        try:
            with open(self._open_log(f"{queue_job}.log"), "rb", buffering=0) as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_BYTES))
                said = file.read(_LOG_BYTES) or b""
                return said.decode("utf-8", errors="replace").strip()
        except (OSError, ValueError) as error:
            # Printed elsewhere, or never begun.
            if not (isinstance(error, FileNotFoundError) and os.path.isdir(self._logs)):
                log.warning("what queue job %s has printed cannot be read: %s", queue_job, error)
            # Its folder is not what it was, of which the queue job may have died.
            return f"gridengine: {error}" if isinstance(error, NotPrivate) else ""

    def _open_log(self, name: str) -> int:
        """Returns a descriptor of a log, which is what a queue job can have written.

        Its mode is as the batch system makes it: the folder keeps others out.
        """
        place = open_folder(self._logs)
        try:
            descriptor = os.open(name, _LOG, dir_fd=place)
        finally:
            os.close(place)
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
            return descriptor
        os.close(descriptor)
        raise NotPrivate(f"{self._logs}/{name} is not a file of this user's")


@contextlib.contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SchedulerError(
            f"cannot write {path}: {reason_of(error)}; make room there, or name another folder "
            "(GRIDENGINE_RUN_DIR, on a cluster one that all nodes see)"
        ) from None
