"""What a user's type checker refuses: each line that says so, and no other."""

from __future__ import annotations

import gridengine
from gridengine.schedulers import ProcessScheduler


def length(text: str) -> int:
    return len(text)


gridengine.map(length, ["a"], scheduler=5)  # refused
gridengine.map(length, ["a"], scheduler=object())  # refused
gridengine.map(length, 5)  # refused
gridengine.map(length, [1])  # refused
gridengine.map(length, ["a"], ["b"])  # refused
gridengine.map(length, ["a"], timeout="soon")  # refused
gridengine.map(length, ["a"], buffersize=5)  # refused
gridengine.map(length, ["a"], retry_on=OSError())  # refused
gridengine.imap(length, ["a"], chunk=5)  # refused
lengths: list[int] = gridengine.map(length, ["a"], reraise=False)  # refused
gridengine.Executor().submit(length, 5)  # refused
gridengine.Executor().submit(length)  # refused
gridengine.Pool(2).map(length, 5)  # refused
gridengine.Pool("2")  # refused
ProcessScheduler("2")  # refused
gridengine.Job(target=length, args=("a",), resources="4G")  # refused
gridengine.Job(target=5)  # refused
gridengine.JobDispatcher(ProcessScheduler()).dispatch([abs])  # refused
text: str = gridengine.Job(target=length, args=("a",)).result  # refused


def of(death: gridengine.JobDied) -> int:
    return death.host  # refused


with ProcessScheduler() as cores:
    cores.max_queue  # refused
