"""Names of the first gridengine: ``gridengine.dispatch.JobDispatcher``.

For programs that were written for it; see ``docs/migrate/first-gridengine.md``.
"""

from __future__ import annotations

from .client.job_dispatcher import JobDispatcher

__all__ = ["JobDispatcher"]
