"""What the tests of gridmap's interface have run; workers import it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

called: list[Any] = []


def give(value: Any = None, *more: Any, **named: Any) -> Any:
    return (value, more, named) if more or named else value


def note(value: Any) -> int:
    called.append(value)
    return os.getpid()


def fail_at(x: int, bad: int) -> int:
    if x == bad:
        raise ZeroDivisionError(f"at {x}")
    return x


def fail_when(marker: str) -> None:
    while not Path(marker).exists():
        time.sleep(0.01)
    raise KeyError(marker)


def touch(path: str) -> str:
    Path(path).touch()
    return path


def block(marker: str) -> None:
    Path(marker).write_text(str(os.getpid()))
    while True:
        time.sleep(60)


def die(folder: str, times: int) -> int:
    """Is killed so many times, and then returns how often it has run."""
    tries = len(os.listdir(folder)) + 1
    Path(folder, str(tries)).touch()
    if tries <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return tries


def end_supervisor(folder: str) -> None:
    """Has whoever watches its worker be killed, as if its node had failed."""
    tries = len(os.listdir(folder)) + 1
    Path(folder, str(tries)).touch()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def speak(text: str, fail: bool = False) -> None:
    print(f"out {text}")
    print(f"err {text}", file=sys.stderr)
    if fail:
        raise ValueError(text)


def surroundings(*names: str) -> tuple[str, dict[str, str | None]]:
    return os.getcwd(), {name: os.environ.get(name) for name in names}


def use(seconds: float, size: int) -> int:
    """Keeps memory and a processor busy, for so long as it is given one."""
    kept = bytearray(os.urandom(1) * size)
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return len(kept)


def use_and_die(seconds: float, size: int) -> None:
    use(seconds, size)
    print("last words", flush=True)
    raise MemoryError("no more")


def with_a_pool(n: int) -> list[int]:
    with multiprocessing.Pool(2) as pool:
        return pool.map(abs, range(-n, 0))


def started_with() -> bytes:
    """Returns the library path that this process's interpreter was started with."""
    with open(f"/proc/{os.getppid()}/environ", "rb") as file:
        found = [each for each in file.read().split(b"\0") if each.startswith(b"LD_LIBRARY_PATH=")]
    return found[0] if found else b""
