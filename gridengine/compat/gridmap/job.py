"""What GridMap has in its module of this name."""

from __future__ import annotations

from .errors import DRMAANotPresentException, JobException
from .grid_job import Job
from .mails import send_completion_mail, send_error_mail
from .monitor import JobMonitor
from .processing import grid_map, process_jobs

__all__ = [
    "DRMAANotPresentException",
    "Job",
    "JobException",
    "JobMonitor",
    "grid_map",
    "process_jobs",
    "send_completion_mail",
    "send_error_mail",
]
