"""Pools of a Slurm."""

from . import array
from .pool import Pool, filter_stderr

__all__ = ["Pool", "array", "filter_stderr"]
