"""What the tests of slots, cores and GPUs run in workers, which import this and not pytest."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import gridengine
from gridengine import nesting
from gridengine.schedulers import ProcessScheduler
from gridengine.transport.launch_file import THREADS


def threads(*_: object) -> set[str | None]:
    return {os.environ.get(name) for name in THREADS}


def cores() -> int:
    return nesting.granted_cores()


def pids_of_a_map() -> set[int]:
    # Each in its own worker: none is done before all have begun.
    return set(gridengine.map(pid_after_a_while, range(3), chunksize=1))


def pid_after_a_while(_: int) -> int:
    time.sleep(0.3)
    return os.getpid()


def stay(folder: str, name: str) -> tuple[float, float]:
    """Says that it has begun, and stays until it is told to end."""
    begin = time.monotonic()
    Path(folder, f"{name}.begun").touch()
    while not Path(folder, f"{name}.end").exists():
        time.sleep(0.005)
    return begin, time.monotonic()


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hold(folder: str, die: bool, leave: bool) -> str:
    """Takes the device of this worker for itself, as long as the worker, or its child, lives."""
    device = os.environ["CUDA_VISIBLE_DEVICES"]
    if getattr(sys, "_held", None) is None:
        descriptor = os.open(f"{folder}/{device}", os.O_RDWR | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sys._held = descriptor, device  # type: ignore[attr-defined]
    assert sys._held[1] == device  # type: ignore[attr-defined]
    if leave:
        program = [sys.executable, "-c", "import time; time.sleep(60)"]
        held = sys._held[0]  # type: ignore[attr-defined]
        subprocess.Popen(program, pass_fds=[held], start_new_session=True)
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    return device


def device_after_a_while(_: int) -> str:
    time.sleep(0.5)
    return os.environ["CUDA_VISIBLE_DEVICES"]


def devices_in_a_job() -> list[str]:
    return [share["CUDA_VISIBLE_DEVICES"] for share in ProcessScheduler(gpus_per_worker=1).devices]


def affinity() -> set[int]:
    return os.sched_getaffinity(0)


def address_space() -> int:
    return resource.getrlimit(resource.RLIMIT_AS)[0]
