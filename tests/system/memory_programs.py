"""Programs whose memory is measured, each in a process of its own: `run` starts one.

What a process has used at most can only be told once in its life.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gridengine
from gridengine.schedulers import ProcessScheduler

from .. import targets
from ..waiting import wait_until

_MEGA = 1_000_000


def run(name: str, *args: int, wrapper: Sequence[str] = (), timeout: float = 60.0) -> Any:
    """Runs one of the programs below in a process of its own; returns what it returns."""
    command = [*wrapper, sys.executable, "-m", __name__, name, *map(str, args)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        timeout=timeout,
        check=True,
    )
    return json.loads(done.stdout)


def resident() -> int:
    """Returns the bytes that this process has had resident at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def shared() -> int:
    """Returns the bytes of the memory that this process shares with its workers."""
    blocks = {}
    for name in os.listdir("/proc/self/fd"):
        # Another thread may have closed it, as the listing its own.
        with contextlib.suppress(OSError):
            if "memfd:gridengine" in os.readlink(f"/proc/self/fd/{name}"):
                status = os.stat(f"/proc/self/fd/{name}")
                blocks[status.st_ino] = status.st_blocks
    return 512 * sum(blocks.values())


# -- what the workers do ----------------------------------------------------------------------


def ends_of(data: Any) -> tuple[int, int, int]:
    return len(data), int(data[0]), int(data[-1])


def make_bytes(size: int) -> bytes:
    return b"".join((b"\1", bytes(size - 2), b"\2"))


def make_array(size: int) -> Any:
    import numpy as np

    array = np.zeros(size, np.uint8)
    array[0], array[-1] = 1, 2
    return array


def make_result(number: int, size: int, last: int, flag: str) -> bytes:
    if number == 0:
        # The first that is to be read comes after all others.
        wait_until(lambda: os.path.exists(flag), what="the last call")
    if number == last:
        os.close(os.open(flag, os.O_CREAT))
    end = time.perf_counter() + 1e-4
    while time.perf_counter() < end:
        pass
    return number.to_bytes(8, "little") * (size // 8)


def stop_if_told(data: bytes) -> None:
    if data[0]:
        os.kill(os.getpid(), signal.SIGSTOP)


def take_memory(size: int) -> int:
    return len(bytearray(b"x") * size)


# -- the programs -----------------------------------------------------------------------------


def travel(size: int, array: int) -> dict[str, Any]:
    """One argument and one result of ``size`` bytes; how long they took."""
    make = make_array if array else make_bytes
    with ProcessScheduler(1) as scheduler:
        gridengine.map(ends_of, [b"ab"], scheduler=scheduler)
        data = make(size)
        begin = time.perf_counter()
        (seen,) = gridengine.map(ends_of, [data], scheduler=scheduler)
        there = time.perf_counter() - begin
        del data
        begin = time.perf_counter()
        (result,) = gridengine.map(make, [size], scheduler=scheduler)
        back = time.perf_counter() - begin
        return {"argument": seen, "result": ends_of(result), "there": there, "back": back}


def many_results(count: int, size: int) -> dict[str, Any]:
    """How much memory ``count`` results take of which the first comes last."""
    with ProcessScheduler(2) as scheduler, tempfile.TemporaryDirectory() as folder:
        f = functools.partial(make_result, size=size, last=count - 1, flag=f"{folder}/flag")
        gridengine.map(f, range(1, 100), scheduler=scheduler)
        before = resident()
        results = gridengine.map(f, range(count), scheduler=scheduler, chunksize=100)
        right = all(result[:8] == n.to_bytes(8, "little") for n, result in enumerate(results))
        return {"right": right, "resident": resident() - before, "shared": shared()}


def stopped_workers(size: int, chunksize: int) -> dict[str, Any]:
    """How much a map hands out, and needs, while no worker reads."""
    drawn = 0

    def items() -> Iterator[bytes]:
        nonlocal drawn
        for _ in range(2_000 * _MEGA // size):
            drawn += 1
            yield b"\1" * size

    with ProcessScheduler(2) as scheduler:
        # So that it is known to be fast: of a fast function more is handed out.
        gridengine.map(stop_if_told, [b"\0"] * 1000, scheduler=scheduler)
        before = resident()
        try:
            # All that will be handed out is, before the map looks at the clock.
            gridengine.map(
                stop_if_told, items(), scheduler=scheduler, timeout=0.1, chunksize=chunksize or None
            )
        except gridengine.TimeoutError:
            return {"drawn": drawn * size, "resident": resident() - before, "shared": shared()}
    raise AssertionError("a stopped worker has answered")


def out_of_memory(size: int) -> dict[str, Any]:
    """What becomes of a job that takes more memory than there is, and of those after it."""
    with ProcessScheduler(1) as scheduler:
        job = gridengine.Job(target=take_memory, args=(size,), scheduler=scheduler, retries=0)
        job.start()
        error = job.exception
        assert isinstance(error, gridengine.JobDied), repr(error)
        after = gridengine.map(targets.square, range(3), scheduler=scheduler)
        return {
            "cause": error.death.cause.value,
            "signal": error.death.signal,
            "message": str(error),
            "after": after,
        }


if __name__ == "__main__":
    _, _name, *_args = sys.argv
    print(json.dumps(globals()[_name](*map(int, _args))))
