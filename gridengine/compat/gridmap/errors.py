"""What GridMap's functions raise beside what jobs raise."""

from __future__ import annotations

from ...errors import JobError


class JobException(JobError):
    """A job was lost for good; its death certificate is the ``__cause__``."""


class DRMAANotPresentException(ImportError):
    """``require_cluster=True``, and there is no cluster; the message says why."""
