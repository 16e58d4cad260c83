"""GridMap's interface (that of 0.15), on gridengine's workers.

::

    from gridengine.compat.gridmap import grid_map, process_jobs, Job

    squares = grid_map(square, [1, 2, 3], queue="all.q", name="squares")

Programs that shall not be changed run by ``python -m gridengine.compat.gridmap SCRIPT``, or after
`install`: then ``import gridmap`` finds this package, in jobs too.
"""

from __future__ import annotations

from . import conf as conf
from . import data as data
from . import job as job
from . import runner as runner
from . import version as version
from .conf import (
    CHECK_FREQUENCY,
    CREATE_PLOTS,
    DEFAULT_QUEUE,
    DEFAULT_TEMP_DIR,
    ERROR_MAIL_RECIPIENT,
    ERROR_MAIL_SENDER,
    HEARTBEAT_FREQUENCY,
    IDLE_THRESHOLD,
    MAX_IDLE_HEARTBEATS,
    MAX_TIME_BETWEEN_HEARTBEATS,
    NUM_RESUBMITS,
    SEND_ERROR_MAIL,
    SMTP_SERVER,
    USE_MEM_FREE,
)
from .errors import DRMAANotPresentException, JobException
from .grid_job import Job
from .names import install as install
from .processing import grid_map, process_jobs
from .version import VERSION as VERSION
from .version import __version__ as __version__

__all__ = [
    "CHECK_FREQUENCY",
    "CREATE_PLOTS",
    "DEFAULT_QUEUE",
    "DEFAULT_TEMP_DIR",
    "DRMAANotPresentException",
    "ERROR_MAIL_RECIPIENT",
    "ERROR_MAIL_SENDER",
    "HEARTBEAT_FREQUENCY",
    "IDLE_THRESHOLD",
    "Job",
    "JobException",
    "MAX_IDLE_HEARTBEATS",
    "MAX_TIME_BETWEEN_HEARTBEATS",
    "NUM_RESUBMITS",
    "SEND_ERROR_MAIL",
    "SMTP_SERVER",
    "USE_MEM_FREE",
    "grid_map",
    "process_jobs",
]
