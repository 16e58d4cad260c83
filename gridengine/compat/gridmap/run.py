"""Jobs on workers: submitted, watched, and ended when one of them has failed."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from ...client.call_options import CallOptions, call_options
from ...client.results import error_of, value_in
from ...dispatcher.dispatcher import Dispatcher
from ...dispatcher.registry import dispatcher_for
from ...dispatcher.waiting import wait, when_over
from ...errors import JobCancelled, UnpackingError
from ...ledger.events import JobRetried, JobsStarted, QueueJobDeleted, WorkersSampled
from ...ledger.task import Task
from ...ledger.task_output import OutputPolicy, TaskOutput
from ...logs import Log
from ...schedulers.base import Scheduler
from ...serialization.functions import pack_function
from ...serialization.serializer import pack_arguments
from ...states import DeathCause, JobState, Mode
from . import conf, mails
from .cluster import Variants, look_interval
from .endings import record_death, record_end
from .grid_job import Job
from .happenings import Happening, Happenings, JobsOfWorkers, fields_of
from .job_environment import own_variables
from .log_files import JobFiles, id_of, make_folder
from .prelude import prepared
from .requests import requests_of

log = Log("gridmap.job")


class SubmittedJob(NamedTuple):
    """A job with the dispatcher.

    Attributes:
        job: It.
        task: What the dispatcher knows of it.
        dispatcher: It.
        files: Those of what it prints, None for none.
    """

    job: Job
    task: Task
    dispatcher: Dispatcher
    files: JobFiles | None


class _FilesOfTask:
    """What the output of a job goes to."""

    def __init__(self, files: JobFiles, task: Task) -> None:
        self._files = files
        self._task = task

    def write(self, data: bytes, stream: int) -> None:
        self._files.write(self._task, data, stream)


class JobsRun:
    """Some jobs that run together.

    Args:
        base: Where.
        temp_dir: The folder for what they print; None for no files: it is shown here.
        quiet: Whether it is not said on stderr that a job has begun.
        here: Whether they are to have this program's directory and variables, and no requests.
    """

    def __init__(
        self, base: Scheduler, temp_dir: str | None, *, quiet: bool = True, here: bool = False
    ) -> None:
        self._base = base
        self._variants = Variants(base)
        self._temp_dir = temp_dir
        self._quiet = quiet
        self._here = here
        self._happenings = Happenings()
        self._places = JobsOfWorkers()
        self._submitted: dict[int, SubmittedJob] = {}
        self._observed: dict[Dispatcher, Callable[[], object]] = {}
        self._left = 0
        self._errors: dict[int, BaseException] = {}
        # Why the jobs of queue jobs that somebody has deleted are over; and the jobs that were in
        # queue jobs that were killed.
        self._deleted: dict[str, str] = {}
        self._were_killed: dict[str, list[SubmittedJob]] = {}
        self._given_up: dict[int, str] = {}

    # ------------------------------------------------------------------ to the workers

    def start(self, jobs: Iterable[Job]) -> None:
        """Submits jobs.

        Raises:
            PackingError: One of them cannot travel (also a TypeError).
            ValueError, TypeError: The cluster cannot be asked for what one of them asks for.
            SchedulerError: The scheduler cannot be used.
        """
        if self._temp_dir is not None:
            make_folder(self._temp_dir)
        here = os.getcwd()
        for job in jobs:
            self._submit(job, here)

    def _submit(self, job: Job, here: str) -> None:
        scheduler = self._base if self._here else self._variants.of(job)
        dispatcher = self._dispatcher_of(scheduler)
        own = {} if self._here else own_variables(job.environment, job.copy_env)
        options = self._options(job, scheduler, own, here)
        arguments = tuple(job.args), job.kwlist
        function = pack_function(prepared(job.function, own))
        payload, frames = pack_arguments(arguments)
        files = None
        if self._temp_dir is not None:
            files = JobFiles(self._temp_dir, job.name, remote=dispatcher.remote)
        task = Task(
            options.placed(function, *dispatcher.surroundings),
            Mode.CALL,
            payload,
            dispatcher.sharing.frames(frames) if frames else frames,
            name=job.name,
            lost_retries=options.lost_retries,
            error_retries=options.error_retries,
            timeout_retries=options.timeout_retries,
            output=_policy(files),
        )
        if options.asked is not None:
            dispatcher.set_requests(task, options.asked)
        task.arguments = arguments
        self._submitted[task.id] = SubmittedJob(job, task, dispatcher, files)
        self._left += 1
        when_over(task, functools.partial(self._happenings.over, task))
        dispatcher.submit(task)

    def _dispatcher_of(self, scheduler: Scheduler) -> Dispatcher:
        dispatcher = dispatcher_for(scheduler)
        if dispatcher not in self._observed:
            self._observed[dispatcher] = dispatcher.observe(self._happenings.observe)
        return dispatcher

    def _options(
        self, job: Job, scheduler: Scheduler, own: dict[str, str | None], here: str
    ) -> CallOptions:
        asked = {} if self._here else requests_of(job, scheduler)
        elsewhere = not self._here and job.working_dir != here
        return call_options(
            retries=max(0, conf.NUM_RESUBMITS),
            # What a job raises it would raise again.
            retry_on=(),
            cwd=job.working_dir if elsewhere else None,
            env=own or None,
            resources=asked or None,
        )

    # ------------------------------------------------------------------ what happens

    @functools.cached_property
    def _interval(self) -> float:
        """Seconds between two looks at what jobs use."""
        return look_interval(self._base)

    @property
    def is_over(self) -> bool:
        """Whether all jobs have come to their end."""
        return not self._left

    def wait(self, *, reraise: bool) -> None:
        """Waits until all are over.

        Args:
            reraise: Whether the first one that fails ends that.

        Raises:
            BaseException: What a job has raised.
            JobException: A job was lost for good.
            SchedulerError: The scheduler cannot be used any more.
        """
        while self._left:
            happening = self._happenings.next(wait=True)
            if happening is not None:
                self._take(happening, reraise)

    def error_of(self, job: Job) -> BaseException | None:
        """Returns what there is to raise for a job that is over, None for nothing."""
        return self._errors.get(id(job))

    def look(self) -> None:
        """Takes in what has happened so far.

        Raises:
            BaseException: As `wait`.
        """
        while (happening := self._happenings.next(wait=False)) is not None:
            self._take(happening, True)

    def _take(self, happening: Happening, reraise: bool) -> None:
        if isinstance(happening, Task):
            self._left -= 1
            submitted = self._submitted[happening.id]
            error = self._over(submitted)
            if error is not None:
                self._errors[id(submitted.job)] = error
                if reraise:
                    raise error
        elif isinstance(happening, JobsStarted):
            self._started(happening)
        elif isinstance(happening, WorkersSampled):
            self._sampled(happening)
        elif isinstance(happening, JobRetried):
            if happening.task in self._submitted:
                self._retried(self._submitted[happening.task], happening)
        elif isinstance(happening, QueueJobDeleted):
            why = f"its queue job was deleted: {happening.detail}"
            self._deleted[happening.queue_job] = why
            for each in self._were_killed.pop(happening.queue_job, ()):
                self._give_up(each, why)

    def _started(self, event: JobsStarted) -> None:
        ours = [self._submitted[job.task] for job in event.jobs if job.task in self._submitted]
        self._places.started(event.host, event.pid, [each.task for each in ours])
        for job, task, dispatcher, files in ours:
            first = job.id == -1
            job.id = id_of(task, remote=dispatcher.remote)
            job.host_name, job.timestamp = event.host, datetime.now()
            if files is not None:
                job.log_stdout_fn, job.log_stderr_fn = files.of_latest(task)
            if first and not self._quiet:
                sys.stderr.write(f"Your job {job.name} has been submitted with id {job.id}\n")

    def _sampled(self, event: WorkersSampled) -> None:
        for sample in event.samples:
            task = self._places.running(sample)
            if task is None:
                continue
            job = self._submitted[task.id].job
            output = task.output
            text = output.text if isinstance(output, TaskOutput) else ""
            beat = fields_of(sample, text)
            job.timestamp, job.heart_beat = datetime.now(), beat
            job.track_mem.append(beat["memory"])
            job.track_cpu.append(beat["cpu_load"])

    def _retried(self, submitted: SubmittedJob, event: JobRetried) -> None:
        job, task, *_ = submitted
        self._places.taken_back(task)
        if event.losses <= job.num_resubmits:
            return  # It had not begun.
        job.cause_of_death = "stalled" if DeathCause.STALLED.value in event.reason else "unknown"
        mails.send_error_mail(job, interval=self._interval)
        number = str(job.id)
        if DeathCause.KILLED.value in event.reason:
            if number in self._deleted:
                self._give_up(submitted, self._deleted[number])
                return
            self._were_killed.setdefault(number, []).append(submitted)
        if event.losses > max(0, conf.NUM_RESUBMITS):
            # For what no job is to blame for, the dispatcher would try it more often.
            self._give_up(submitted, event.reason)
            return
        log.warning("job %s (%s) is tried again: %s", job.name, job.id, event.reason)
        job.num_resubmits = event.losses
        job.cause_of_death, job.heart_beat = "", None
        job.track_mem, job.track_cpu = [], []

    def _give_up(self, submitted: SubmittedJob, why: str) -> None:
        """Has a job not be tried again."""
        task = submitted.task
        if not task.over:
            self._given_up[task.id] = why
            submitted.dispatcher.cancel([task])

    # ------------------------------------------------------------------ the end

    def _over(self, submitted: SubmittedJob) -> BaseException | None:
        """Notes on a job how it has ended; returns what to raise for it."""
        job, task, dispatcher, files = submitted
        wait(task)
        if task.place is not None:
            job.id, job.host_name = id_of(task, remote=dispatcher.remote), task.place.host
        job.timestamp = datetime.now()
        value, error = _outcome(task)
        if task.id in self._given_up and isinstance(error, JobCancelled):
            why = self._given_up[task.id]
            error = record_death(job, why, error, job.cause_of_death or "unknown")
        else:
            error = record_end(job, value, error)
        if job.cause_of_death:
            mails.send_error_mail(job, interval=self._interval)
        if files is not None and task.place is not None:
            job.log_stdout_fn, job.log_stderr_fn = files.of_latest(task)
            if job.traceback is None and job.cleanup:
                files.remove(task)
            else:
                files.keep(task, job.traceback or "")
        # What a worker keeps of a large result, and the arguments, are of no more use.
        task.outcomes, task.arguments = [], None
        return error

    def close(self) -> None:
        """Ends what is not over, and hears no more. Idempotent."""
        left: dict[Dispatcher, list[Task]] = {}
        for _, task, dispatcher, _ in self._submitted.values():
            if not task.over:
                left.setdefault(dispatcher, []).append(task)
        for dispatcher, tasks in left.items():
            dispatcher.cancel(tasks)
        for stop in self._observed.values():
            stop()
        self._observed.clear()
        self._variants.close()


def _policy(files: JobFiles | None) -> OutputPolicy | None:
    # Where there are no files it is shown here, as that of processes of this host is.
    if files is None:
        return None
    return OutputPolicy("collect", open_log=functools.partial(_FilesOfTask, files))


def _outcome(task: Task) -> tuple[Any, BaseException | None]:
    """Returns what a job has returned, and what it has raised or was ended by."""
    if task.state is not JobState.FINISHED:
        error = error_of(task, 0)
        if error is not None:
            return None, error
    try:
        return value_in(task, task.outcomes[-1]), None
    except UnpackingError as error:
        return None, error
