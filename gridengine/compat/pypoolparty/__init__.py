"""Programs that were written for pypoolparty: ``from gridengine.compat import pypoolparty``.

``pypoolparty.sun_grid_engine.Pool``, ``.slurm.Pool`` and ``.slurm.array.Pool`` take what they took
there. What differs: failures are raised (``on_error="none"`` for the old None in the list), any
function will do, what was killed is tried again, and a map whose folder was kept can be resumed.
"""

from . import chunking, debugging, slurm, sun_grid_engine

__all__ = ["chunking", "debugging", "slurm", "sun_grid_engine"]
