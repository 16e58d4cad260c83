"""Which tasks come into one file, and one queue job."""

from ..queue_pools.chunks import assign_tasks_to_chunks

__all__ = ["assign_tasks_to_chunks"]
