"""What is known of a map whose folder was kept."""

from __future__ import annotations

import fnmatch
import os

from ..queue_pools.summary import make_summary, read_pkl

__all__ = ["list_ids", "make_summary", "read_pkl"]


def list_ids(work_dir: str, wildcard: str, num_digits_jobid: int = 9) -> list[int]:
    """Returns the numbers with which those names begin that match a pattern, such as ``*.pkl``."""
    names = fnmatch.filter(os.listdir(work_dir), wildcard)
    begins = (name[:num_digits_jobid] for name in names)
    return sorted(int(begin) for begin in begins if begin.isdecimal())
