"""A program that says what processes have of NVIDIA's devices, by ``pynvml``: see `gpu_memory`.

It prints a line for each process and device: the process's number, MiB, and per cent of its time.
"""

from __future__ import annotations

import sys
import time
from typing import Any

#: Microseconds whose use is looked at.
_LOOKED_AT = 10_000_000


def main() -> None:
    """Prints the lines."""
    import pynvml  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra

    pynvml.nvmlInit()
    for number in range(pynvml.nvmlDeviceGetCount()):
        device = pynvml.nvmlDeviceGetHandleByIndex(number)
        busy = _busy(pynvml, device)
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(device):
            # None where the driver does not say it.
            memory = (process.usedGpuMemory or 0) >> 20
            sys.stdout.write(f"{process.pid}, {memory}, {busy.get(process.pid, 0)}\n")


def _busy(pynvml: Any, device: Any) -> dict[int, int]:
    """Returns the per cent of its time that a device was lately busy with each process."""
    since = int(time.time() * 1e6) - _LOOKED_AT
    try:
        samples = pynvml.nvmlDeviceGetProcessUtilization(device, since)
    except pynvml.NVMLError:
        # Not every device counts it, and none that was idle.
        return {}
    busy: dict[int, int] = {}
    for sample in samples:
        busy[sample.pid] = max(busy.get(sample.pid, 0), int(sample.smUtil))
    return busy


if __name__ == "__main__":
    main()
