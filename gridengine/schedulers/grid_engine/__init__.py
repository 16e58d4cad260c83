"""Workers as queue jobs of a Grid Engine, by way of DRMAA or of its commands."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    if name == "GridEngineScheduler":
        # On first use: to clear up what was left behind needs little of it.
        from .scheduler import GridEngineScheduler

        return GridEngineScheduler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
