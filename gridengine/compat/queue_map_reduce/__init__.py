"""Programs that were written for queue_map_reduce.

::

    from gridengine.compat import queue_map_reduce as qmr

``qmr.Pool(...)`` takes what it took there, and its maps leave the same files in their ``work_dir``.
What differs: failures are raised (``on_error="none"`` for the old None in the list), any function
will do, what was killed is tried again, and a map whose folder was kept can be resumed.
"""

from . import debug, network_file_system, pool, queue, utils
from .pool import Pool

__all__ = ["Pool", "debug", "network_file_system", "pool", "queue", "utils"]
