"""Which queue jobs run, wait, or are in error; each is a dict with the names of ``qstat -xml``."""

from __future__ import annotations

from collections.abc import Collection, Iterable

_Job = dict[str, str]


def filter_jobs_by_JB_name(  # noqa: N802  # its name there
    jobs: Iterable[_Job],
    JB_names_set: Collection[str],  # noqa: N803
) -> list[_Job]:
    """Returns those of certain names."""
    return [job for job in jobs if job["JB_name"] in JB_names_set]


def extract_error_from_running_pending(
    jobs_running: Iterable[_Job], jobs_pending: Iterable[_Job], error_state_indicator: str
) -> tuple[list[_Job], list[_Job], list[_Job]]:
    """Returns those that run, that wait, and that have the letters of an error in their state."""
    lists: tuple[list[_Job], list[_Job], list[_Job]] = ([], [], [])
    for place, jobs in enumerate((jobs_running, jobs_pending)):
        for job in jobs:
            lists[2 if error_state_indicator in job["state"] else place].append(job)
    return lists


def get_jobs_running_pending_error(
    JB_names_set: Collection[str],  # noqa: N803  # its name there
    error_state_indicator: str,
    all_jobs_running: Iterable[_Job],
    all_jobs_pending: Iterable[_Job],
) -> tuple[list[_Job], list[_Job], list[_Job]]:
    """Returns the same for those of certain names."""
    return extract_error_from_running_pending(
        filter_jobs_by_JB_name(all_jobs_running, JB_names_set),
        filter_jobs_by_JB_name(all_jobs_pending, JB_names_set),
        error_state_indicator,
    )
