"""Calls that need different amounts of memory, and ask for more when they had too little.

On a cluster the large ones are tried again by workers with more; on a laptop all have what there
is.

    python examples/enough_memory.py
"""

from __future__ import annotations

import gridengine


def total(megabytes: int) -> int:
    """Takes as much memory, and returns how many bytes that were."""
    block = bytearray(megabytes * 2**20)
    return len(block)


def main() -> None:
    sizes = [1, 5, 1200, 2, 3]
    with gridengine.schedulers.best_available():
        totals = gridengine.map(total, sizes, escalate={"h_vmem": ["1G", "2G", "4G"]})
    for megabytes, nbytes in zip(sizes, totals, strict=True):
        print(f"{megabytes} MB: {nbytes} bytes")


if __name__ == "__main__":
    main()
