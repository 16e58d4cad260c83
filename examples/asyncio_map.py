"""Jobs and maps in an event loop, which goes on meanwhile.

Run it: ``python examples/asyncio_map.py``; it takes the best scheduler that there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gridengine


def digits(n: int) -> int:
    """Returns how many digits n! has."""
    product = 1
    for factor in range(2, n + 1):
        product *= factor
    return len(f"{product:x}")


async def requests() -> AsyncIterator[int]:
    """Yields numbers as they would come from a network."""
    for n in (200, 400, 600):
        await asyncio.sleep(0.01)
        yield n


async def main() -> None:
    """Waits for a job, for a map, and for results as they come."""
    job = gridengine.Job(target=digits, args=(500,))
    job.start()
    print(await job)
    print(await gridengine.aio.map(digits, [100, 300]))
    async for answer in gridengine.aio.imap(digits, requests()):
        print(answer)


if __name__ == "__main__":
    asyncio.run(main())
