"""Maps in asyncio: in threads, while the loop goes on.

On: cores, cluster

$ python asyncio_to_thread.py
[1, 4, 9] [1, 8, 27]
the loop went on: True
"""

import asyncio

import gridengine


def square(x):
    return x**2


async def main():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    squares, cubes = await asyncio.gather(
        asyncio.to_thread(gridengine.map, square, [1, 2, 3]),
        asyncio.to_thread(gridengine.map, lambda x: x**3, [1, 2, 3]),
    )
    ticking.cancel()
    print(squares, cubes)
    print("the loop went on:", ticks > 10)


asyncio.run(main())
