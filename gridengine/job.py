"""Names of the first gridengine: ``gridengine.job.Job``.

For programs that were written for it; see ``docs/migrate/first-gridengine.md``.
"""

from __future__ import annotations

from .client.job import Job

__all__ = ["Job"]
