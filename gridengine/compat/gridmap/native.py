"""What a job asks for, as options of ``qsub``, as GridMap writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import conf

if TYPE_CHECKING:
    from .grid_job import Job


def native_specification(job: Job) -> str:
    """Returns it, in GridMap's order."""
    options = ["-shell yes"]
    if job.interpreting_shell:
        options.append(f"-S {job.interpreting_shell}")
    options.append("-b yes")
    if job.mem_free and conf.USE_MEM_FREE:
        options.append(f"-l mem_free={job.mem_free}")
    if job.num_slots > 1:
        options.append(f"-pe {job.par_env} {job.num_slots}")
    if job.white_list:
        options.append(f"-l h={'|'.join(job.white_list)}")
    words = (("-q", job.queue), ("-P", job.project), ("-w", job.validation_level))
    options += [f"{option} {value}" for option, value in words if value]
    options += [f"-l {name}={value}" for name, value in _limits(job) if value]
    options += [f"-l {entry}" for entry in job.resources or ()]
    return " ".join(options)


def _limits(job: Job) -> list[tuple[str, object]]:
    return [
        ("os_distribution", job.os_distribution),
        ("os_minor", job.os_minor),
        ("gpu", max(job.gpu or 0, 0)),
        ("h_vmem", job.h_vmem),
        ("h_rt", job.h_rt),
    ]
