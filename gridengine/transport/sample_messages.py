"""The message about what workers use; `gridengine.transport.messages` has the drawing."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from .numbers import Count, Seconds

Share = Annotated[float, Meta(ge=0, le=1e6)]
"""A number of processors."""


class WorkerSample(Struct, array_like=True, frozen=True):
    """What worker number ``worker`` and all processes that it has started use at one moment.

    Attributes:
        worker: Its number under its supervisor.
        position: The call that it is at, or was at last.
        width: How many calls from there it may be at, 0 if it has begun none.
        cpu: Seconds of processor time that they have had so far, together.
        rss: Their resident memory in bytes; pages that they share count for each.
        peak: The largest `rss` of any sample of this worker.
        processes: How many they are.
        idle: Seconds that they have had less than 1 % of a processor, while it was at this call.
        gpu_memory: Bytes that they have on graphics processors, 0 if that is not known.
        gpu_use: How busy they keep those, 1 for one of them all the time.
        cpu_use: How many processors they have kept busy since the last look, 0 if not known.
    """

    worker: Count
    position: Count
    width: Count
    cpu: Seconds
    rss: Count
    peak: Count
    processes: Count = 1
    idle: Seconds = 0.0
    gpu_memory: Count = 0
    gpu_use: Share = 0.0
    cpu_use: Share = 0.0


class Sampled(Struct, tag="sampled", array_like=True, frozen=True):
    """What a supervisor's workers use."""

    samples: Annotated[list[WorkerSample], Meta(max_length=65536)]
