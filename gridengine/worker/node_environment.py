"""The program's environment on a node: of threads and GPUs the batch system says more there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .. import nesting
from ..transport.launch_file import THREADS, Launch, thread_limits_within

#: What says to a program which of a host's devices are its own.
_DEVICES = (
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
)

#: A device of CUDA: its number or its name.
_CUDA = re.compile(r"\d+|(GPU|MIG)-[\w-]+")


class NodeEnvironment:
    """What the program's variables are in the workers of one supervisor.

    Args:
        launch: What the supervisor was told.
        own: The environment with which it was started.

    Attributes:
        slots: Cores that each worker is granted.
    """

    def __init__(self, launch: Launch, own: Mapping[str, str]) -> None:
        self._remote = not launch.parent
        self._launched = launch.environ
        self._own: Mapping[str, str] = {}
        self._threads = launch.threads
        self.slots = launch.slots
        if self._remote:
            self._own = {**_devices(own), **{n: own[n] for n in (*THREADS, *_DEVICES) if n in own}}
            # What the node says counts, but not what a queue job has started of its own accord.
            slots = nesting.slots_of_queue_job(own)
            self.slots = max(1, slots // max(1, launch.workers)) if slots else launch.slots

    def at_start(self) -> dict[str, str]:
        """Returns the variables to set before the first worker is started."""
        if not self._remote:
            return dict(self._launched)
        asked = {**dict.fromkeys(THREADS), **self._launched}
        every = {name: self._here(name, value) for name, value in asked.items()}
        return {**{name: value for name, value in every.items() if value is not None}, **self._own}

    def changed(self, changes: Mapping[str, str | None]) -> dict[str, str | None]:
        """Returns what changes here when the program changes variables; None takes one away."""
        if not self._remote:
            # Without a value of the program's, a limit of threads is what it was.
            given = {n: self._launched.get(n) if v is None else v for n, v in changes.items()}
            if not self._threads:
                return given
            limits = thread_limits_within({n: v or "" for n, v in given.items()}, self._threads)
            return {name: limits.get(name, value) for name, value in given.items()}
        return {name: self._here(name, value) for name, value in changes.items()}

    def _here(self, name: str, value: str | None) -> str | None:
        if name in self._own:
            return self._own[name]
        if name not in THREADS:
            return value
        if value is None or not value.strip().isdecimal():
            return str(self.slots) if value is None else value
        return str(min(int(value), self.slots))


def _devices(own: Mapping[str, str]) -> dict[str, str]:
    """Returns which devices the Grid Engine has granted by a resource map (complex(5))."""
    for name, value in own.items():
        if re.match(r"SGE_HGR_.*(gpu|cuda)", name, re.IGNORECASE):
            devices = value.replace(",", " ").split()
            if devices and all(map(_CUDA.fullmatch, devices)):
                return {"CUDA_VISIBLE_DEVICES": ",".join(devices)}
    return {}
