"""Where jobs run: which scheduler that is, and the copies of it that some jobs need."""

from __future__ import annotations

import copy
from typing import Any

from ... import nesting
from ...errors import GridEngineError, SchedulerUnavailable
from ...logs import Log
from ...schedulers.base import Scheduler, innermost
from ...schedulers.choice import best_available
from ...settings import LEAST_SAMPLE_INTERVAL, Settings
from . import conf
from .errors import DRMAANotPresentException
from .grid_job import Job
from .job_environment import own_variables

log = Log("gridmap.job")

#: What a process must have from its start on, to find its libraries and modules.
_AT_START = ("LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")

#: Percent of a processor below which a job is idle for gridengine.
_THRESHOLD = 1.0

#: Signs of life that must have failed to come before a node counts as lost.
_BEATS = 3

_told: list[float] = []


def scheduler_for_jobs(require_cluster: bool) -> Scheduler | None:
    """Returns the scheduler on which jobs run, None if that is this process, or some of this host.

    That is the one whose ``with`` the caller is in, or the best one that is available, if that is
    a cluster.

    Raises:
        DRMAANotPresentException: There is no cluster, and there must be one.
        SchedulerUnavailable: ``GRIDENGINE_SCHEDULER`` asks for one, and there is none.
    """
    found = innermost()
    if found is None:
        try:
            found = best_available()
        except SchedulerUnavailable as error:
            if require_cluster:
                raise _no_cluster(str(error)) from error
            raise
        if not found.remote:
            found = None
    if require_cluster and (found is None or not found.remote):
        why = "this is a job itself" if nesting.in_job() else "`gridengine doctor` says why"
        raise _no_cluster(f"{found or 'none'} is what there is; {why}")
    return found


def _no_cluster(why: str) -> DRMAANotPresentException:
    return DRMAANotPresentException(f"require_cluster=True, but no cluster can be used: {why}")


def is_there() -> bool:
    """Tells whether there is a cluster."""
    try:
        found = scheduler_for_jobs(False)
    except SchedulerUnavailable:
        return False
    return found is not None and found.remote


class Variants:
    """A scheduler, and copies of it for jobs that need something else from the start.

    Those are jobs that shall not have this program's variables, or others when their processes
    start; and all jobs where GridMap's settings say how often to look at them.

    Args:
        base: The scheduler.
    """

    def __init__(self, base: Scheduler) -> None:
        self._base = base
        self._settings = _settings_of(base)
        self._made: dict[tuple[object, ...], Scheduler] = {}

    def of(self, job: Job) -> Scheduler:
        """Returns the one on which a job is to run."""
        settings, own = self._settings, dict[str, str | None]()
        if self._base.remote:
            if not job.copy_env:
                # In the place of the program's, nothing.
                settings = {**settings, "environment": "!*"}
            changed = own_variables(job.environment, job.copy_env)
            own = {name: changed[name] for name in _AT_START if name in changed}
        if not settings and not own:
            return self._base
        key = (*settings.items(), *own.items())
        if key not in self._made:
            made = self._made[key] = copy.copy(self._base)
            made.settings = {**(made.settings or {}), **settings}
            made.env = {**(made.env or {}), **own}
        return self._made[key]

    def close(self) -> None:
        """Ends the workers of the copies. Idempotent."""
        for made in self._made.values():
            made.close()
        self._made.clear()


def _settings_of(base: Scheduler) -> dict[str, object]:
    """Returns what GridMap's variables say about gridengine's settings.

    Raises:
        GridEngineError: One of gridengine's own is wrong.
    """
    if base.inline:
        return {}
    said: dict[str, object] = {}
    if conf.is_said("HEARTBEAT_FREQUENCY") and conf.HEARTBEAT_FREQUENCY > 0:
        said["sample_interval"] = max(LEAST_SAMPLE_INTERVAL, float(conf.HEARTBEAT_FREQUENCY))
    if conf.is_said("MAX_TIME_BETWEEN_HEARTBEATS") and conf.MAX_TIME_BETWEEN_HEARTBEATS > 0:
        # Its heartbeats are looks at jobs; signs of life come as often as gridengine has them.
        beats = Settings.read(arguments=base.settings).heartbeat
        said["patience"] = max(float(conf.MAX_TIME_BETWEEN_HEARTBEATS), _BEATS * beats)
    if conf.is_said("MAX_IDLE_HEARTBEATS") or conf.is_said("IDLE_THRESHOLD"):
        said["stalled_after"] = float(conf.MAX_IDLE_HEARTBEATS * conf.HEARTBEAT_FREQUENCY)
        said["on_stall"] = "retry"
        _say_threshold()
    # What the scheduler says itself counts more.
    return {name: value for name, value in said.items() if name not in (base.settings or {})}


def _say_threshold() -> None:
    if conf.IDLE_THRESHOLD != _THRESHOLD and not _told:
        _told.append(conf.IDLE_THRESHOLD)
        log.warning(
            "IDLE_THRESHOLD is %s, but a job counts as idle below %s percent of a processor",
            conf.IDLE_THRESHOLD,
            _THRESHOLD,
        )


def look_interval(base: Scheduler) -> float:
    """Returns the seconds between two looks at what jobs use."""
    try:
        settings: Any = Settings.read(arguments={**(base.settings or {}), **_settings_of(base)})
    except GridEngineError:
        return float(conf.HEARTBEAT_FREQUENCY)
    return float(settings.sample_interval)
