"""A batch system whose queue is a folder of files, for its session process."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gridengine.schedulers.queue_session.process.batch_system import (
    BatchSystem,
    Limited,
    Pauses,
    QueueState,
    Record,
    TooLarge,
    WaitQuestion,
    WaitReason,
)
from gridengine.schedulers.queue_session.process.messages import Submit

VARIABLE = "QUEUE_IN_A_FOLDER"


class QueueInAFolder(BatchSystem):
    """Tells of no ends: they are seen."""

    master = "the folder"
    pauses = Pauses(first=0.1, longest=0.1, running=0.1, misses=1)

    def __init__(self) -> None:
        self._folder = Path(os.environ[VARIABLE])

    def open(self, contact: str) -> tuple[str, str]:
        return "a folder", "it"

    def check_host(self) -> None:
        pass

    def submit(self, order: Submit, count: int) -> list[str]:
        names = [f"{order.batch}.{task}" for task in range(1, count + 1)]
        for name in names:
            (self._folder / name).touch()
        return names

    def delete(self, queue_jobs: Sequence[str]) -> None:
        for name in queue_jobs:
            (self._folder / name).unlink(missing_ok=True)

    def identity(self) -> Mapping[str, str]:
        return {"system": "a folder", "driver": ""}

    def states(self, queue_jobs: frozenset[str]) -> dict[str, QueueState]:
        with (self._folder / "looks").open("a") as file:
            file.write("x")
        there = () if (self._folder / "hidden").exists() else os.listdir(self._folder)
        return dict.fromkeys(queue_jobs.intersection(there), QueueState(running=True))

    def error_reasons(self, queue_jobs: frozenset[str]) -> dict[str, str]:
        return {}

    def wait_reasons(self, questions: Sequence[WaitQuestion]) -> Iterator[WaitReason]:
        yield from ()

    def accounts(self, job: str, queue_jobs: Mapping[str, float | None]) -> dict[str, Record]:
        if (self._folder / "broken").exists():
            (self._folder / "broken").unlink()
            raise RuntimeError("not what was expected")
        there = [name for name in queue_jobs if (self._folder / f"{name}.record").exists()]
        return {name: json.loads((self._folder / f"{name}.record").read_text()) for name in there}

    def account_delay(self) -> float:
        return 0.0

    def unaccounted(self, queue_job: str, submitted: float | None) -> Record:
        (self._folder / f"{queue_job}.unknown").touch()
        return {}


class FullQueue(QueueInAFolder):
    """One of a site that limits arrays (file ``largest``) and what may be in the queue (``room``).

    It notes in ``asked`` of how many an array was asked for, and takes some time for each.
    """

    def submit(self, order: Submit, count: int) -> list[str]:
        with (self._folder / "asked").open("a") as file:
            file.write(f"{count} ")
        time.sleep(0.02)
        room = self._number("room")
        if count > min(room, self._number("largest")):
            raise TooLarge(count // 2) if count > 1 else Limited("the folder is full")
        (self._folder / "room").write_text(str(room - count))
        array = len((self._folder / "asked").read_text().split())
        return super().submit(dataclasses.replace(order, batch=array), count)

    def _number(self, name: str) -> int:
        return int((self._folder / name).read_text())
