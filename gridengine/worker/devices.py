"""Which devices of a node the workers of one queue job may use, each its own."""

from __future__ import annotations

import heapq
import itertools
import math
import re
from collections.abc import Mapping, Sequence

VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
)
"""What says to a program which of a host's devices are its own."""

#: A device of CUDA in a resource map: its number, with what sites put before it, or its name.
_CUDA = re.compile(r"(?:/dev/)?(?:gpu|cuda|nvidia)?:?(\d+)|((?:GPU|MIG)-[\w-]+)", re.IGNORECASE)

#: They count the devices that ROCR_VISIBLE_DEVICES leaves, from 0
#: (https://rocm.docs.amd.com/en/latest/conceptual/gpu-isolation.html).
_WITHIN_ROCR = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL")


def granted(own: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that say which devices a queue job was granted.

    Args:
        own: Its environment, as the batch system has made it.
    """
    return {**_by_resource_map(own), **{name: own[name] for name in VARIABLES if name in own}}


def _by_resource_map(own: Mapping[str, str]) -> dict[str, str]:
    """Returns which devices the Grid Engine has granted by a resource map (complex(5))."""
    for name, value in own.items():
        if re.match(r"SGE_HGR_.*(gpu|cuda)", name, re.IGNORECASE):
            found = [_CUDA.fullmatch(each) for each in value.replace(",", " ").split()]
            if found and all(found):
                devices = [each[1] or each[2] for each in found if each]
                return {"CUDA_VISIBLE_DEVICES": ",".join(devices)}
    return {}


def divided(variables: Mapping[str, str], places: int) -> list[dict[str, str]]:
    """Returns for each place of a worker the variables with its part of the devices.

    Where there are fewer devices than places, several share one.

    Args:
        variables: Those of all places together.
        places: How many there are.
    """
    if places < 2:
        return []
    shares = [dict(variables) for _ in range(places)]
    name = "ROCR_VISIBLE_DEVICES"
    if name in variables:
        for share, devices in zip(shares, _parts(variables[name], places), strict=True):
            share[name] = ",".join(devices)
            numbers = ",".join(map(str, range(len(devices))))
            share.update({each: numbers for each in _WITHIN_ROCR if each in variables})
        return shares
    for name, value in variables.items():
        for share, devices in zip(shares, _parts(value, places), strict=True):
            share[name] = ",".join(devices)
    return shares


def _parts(value: str, places: int) -> list[list[str]]:
    devices = [each.strip() for each in value.split(",")]
    ends = [place * len(devices) // places for place in range(places + 1)]
    return [devices[lo : max(lo + 1, hi)] for lo, hi in itertools.pairwise(ends)]


class Places:
    """The places of a supervisor's workers: who takes that of a dead one has its devices.

    Args:
        shares: The variables of each place; without any, all places are alike.

    Attributes:
        most: How many there are.
    """

    def __init__(self, shares: Sequence[Mapping[str, str]]) -> None:
        self.most = len(shares) or math.inf
        self._free = list(range(len(shares)))
        self._counted = bool(shares)

    def take(self) -> int:
        """Returns the first one that is free."""
        return heapq.heappop(self._free) if self._counted else 0

    def free(self, place: int) -> None:
        """Notes that whoever had one is no more."""
        if self._counted:
            heapq.heappush(self._free, place)
