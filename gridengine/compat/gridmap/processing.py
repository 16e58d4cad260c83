"""`process_jobs` and `grid_map`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ... import nesting
from ...logs import Log
from ...schedulers.choice import wanted
from ...schedulers.process import ProcessScheduler
from ...serialization.by_value.explain import short_repr
from ...serialization.exceptions import RemoteTraceback
from . import conf, mails
from .cluster import scheduler_for_jobs
from .grid_job import Job

# What the dispatcher needs is not needed where jobs run.
if TYPE_CHECKING:
    from .run import JobsRun

log = Log("gridmap.job")

#: Whether it was said that there is no cluster.
_told: list[bool] = []


def process_jobs(
    jobs: Iterable[Job],
    temp_dir: str | os.PathLike[str] = conf.DEFAULT_TEMP_DIR,
    white_list: Sequence[str] | None = None,
    quiet: bool = True,
    max_processes: int = 1,
    local: bool = False,
    require_cluster: bool = False,
    *,
    reraise: bool = True,
) -> list[Any]:
    """Runs jobs, and returns what they have returned, in their order.

    They run on the cluster, if there is one, or on the scheduler whose ``with`` the caller is in.
    Otherwise, or with ``local``, they run here: one after the other in this very process, or in
    ``max_processes`` others. A job that was lost is tried again ``NUM_RESUBMITS`` times.

    Args:
        jobs: They; afterwards they have their results too.
        temp_dir: The folder for the files of what they print on the cluster.
        white_list: The hosts on which they may run there; for all of them.
        quiet: Whether it is not said on stderr that a job has begun there.
        max_processes: How many run at a time here; on the cluster it has no meaning.
        local: Whether they run here in any case.
        require_cluster: Whether they may not.
        reraise: Whether the first failure is raised, and ends all others. Otherwise what was raised
            stands in the list; `gridengine.raised` tells it from what was returned.

    Raises:
        BaseException: What the first job that failed has raised.
        JobException: A job was lost too often.
        DRMAANotPresentException: There is no cluster, and it is required.
        PackingError: A job cannot travel (also a TypeError).
        SchedulerError: The cluster cannot be used.
        ValueError, TypeError: An argument, or a job's request, is impossible.
    """
    listed = _checked(jobs, max_processes)
    base = None if local else scheduler_for_jobs(require_cluster)
    for job in listed:
        if white_list is not None:
            job.white_list = list(white_list)
    if base is None and not local:
        _say_local()
    if base is None and max_processes == 1:
        return [_executed(job, reraise) for job in listed]
    from .run import JobsRun

    if base is not None:
        return _run(JobsRun(base, os.fspath(temp_dir), quiet=quiet), listed, reraise)
    with ProcessScheduler(max_processes) as scheduler:
        return _run(JobsRun(scheduler, None, here=True), listed, reraise)


def grid_map(
    f: Callable[..., Any],
    args_list: Iterable[Any],
    cleanup: bool = True,
    mem_free: str | None = "1G",
    name: str = "gridmap_job",
    num_slots: int = 1,
    temp_dir: str | os.PathLike[str] = conf.DEFAULT_TEMP_DIR,
    white_list: Sequence[str] | None = None,
    queue: str | None = conf.DEFAULT_QUEUE,
    quiet: bool = True,
    local: bool = False,
    max_processes: int = 1,
    interpreting_shell: str | None = None,
    copy_env: bool = True,
    add_env: Mapping[str, str] | None = None,
    project: str | None = None,
    validation_level: str | None = None,
    os_distribution: str | None = None,
    os_minor: str | None = None,
    gpu: int = 0,
    h_vmem: str | None = None,
    h_rt: str | None = None,
    resources: Sequence[str] | None = None,
    completion_mail: bool = False,
    require_cluster: bool = False,
    par_env: str = conf.DEFAULT_PAR_ENV,
    *,
    reraise: bool = True,
) -> list[Any]:
    """Calls a function for each element, as jobs, and returns the results in their order.

    Args:
        f: The function.
        args_list: The elements. One that is a list is taken apart into the arguments of its call;
            any other, tuples too, is the one argument.
        cleanup: As of `Job`.
        mem_free: As of `Job`.
        name: What the jobs are called, with their numbers behind it.
        num_slots: As of `Job`.
        temp_dir: As of `process_jobs`.
        white_list: As of `process_jobs`.
        queue: As of `Job`.
        quiet: As of `process_jobs`.
        local: As of `process_jobs`.
        max_processes: As of `process_jobs`.
        interpreting_shell: As of `Job`.
        copy_env: As of `Job`.
        add_env: As of `Job`.
        project: As of `Job`.
        validation_level: As of `Job`.
        os_distribution: As of `Job`.
        os_minor: As of `Job`.
        gpu: As of `Job`.
        h_vmem: As of `Job`.
        h_rt: As of `Job`.
        resources: As of `Job`.
        completion_mail: Whether a mail is sent when all have succeeded, if ``SEND_ERROR_MAIL`` is
            set.
        require_cluster: As of `process_jobs`.
        par_env: As of `Job`.
        reraise: As of `process_jobs`.

    Raises:
        BaseException: As `process_jobs`, and `Job`.
    """
    jobs = [
        Job(
            f, args if isinstance(args, list) else [args], cleanup=cleanup, mem_free=mem_free,
            name=f"{name}{number}", num_slots=num_slots, queue=queue,
            interpreting_shell=interpreting_shell, copy_env=copy_env, add_env=add_env,
            project=project, validation_level=validation_level, os_distribution=os_distribution,
            os_minor=os_minor, par_env=par_env, gpu=gpu, h_vmem=h_vmem, h_rt=h_rt,
            resources=resources,
        )
        for number, args in enumerate(args_list)
    ]  # fmt: skip
    results = process_jobs(
        jobs, temp_dir=temp_dir, white_list=white_list, quiet=quiet, max_processes=max_processes,
        local=local, require_cluster=require_cluster, reraise=reraise,
    )  # fmt: skip
    if completion_mail:
        mails.send_completion_mail(name.replace(" ", "_"))
    return results


def _checked(jobs: Iterable[Job], max_processes: object) -> list[Job]:
    if isinstance(jobs, Job):
        raise TypeError("process_jobs() takes a list of jobs: process_jobs([job]) for one of them")
    listed = list(jobs)
    for number, job in enumerate(listed):
        if not isinstance(job, Job):
            raise TypeError(f"process_jobs() takes jobs, but number {number} is {short_repr(job)}")
    if not isinstance(max_processes, int) or max_processes < 1:
        raise ValueError(f"max_processes is {max_processes!r}; it takes a number from 1 on")
    return listed


def _run(run: JobsRun, jobs: list[Job], reraise: bool) -> list[Any]:
    try:
        run.start(jobs)
        run.wait(reraise=reraise)
    except BaseException as error:
        log.info("%s: all jobs that are not over are ended", type(error).__name__)
        raise
    finally:
        run.close()
    failures = [run.error_of(job) for job in jobs]
    return [
        job.ret if failure is None else failure for job, failure in zip(jobs, failures, strict=True)
    ]


def _executed(job: Job, reraise: bool) -> Any:
    """Runs a job in this process, where breakpoints, prints and what it changes are at home."""
    job.execute()
    if job.traceback is None:
        return job.ret
    job.cause_of_death = "exception"
    if reraise:
        raise job.ret
    # By this `gridengine.raised` knows it.
    job.ret.__cause__ = RemoteTraceback(job.traceback)
    return job.ret


def _say_local() -> None:
    # Who has asked for it knows it, and a job has nothing else.
    if not wanted()[0] and not nesting.in_job() and not _told:
        _told.append(True)
        log.warning("there is no cluster here: jobs run on this host")
