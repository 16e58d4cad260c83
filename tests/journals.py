"""What tests of journals have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridengine.client.journal import journal as journals
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from .conftest import warm
from .waiting import wait_until


def wait_until_closed() -> None:
    """Waits until the journals are in their files, and those closed."""
    wait_until(lambda: not journals._open.journals, what="the journals to be closed")


class Counted:
    """A function whose calls are counted, in a folder; what it has of that is not its meaning."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    def note(self, item: object) -> None:
        with open(self.folder / str(os.getpid()), "ab") as file:
            file.write(f"{item}\n".encode())

    @property
    def calls(self) -> int:
        return sum(len(path.read_text().splitlines()) for path in self.folder.iterdir())


@pytest.fixture(
    scope="module",
    params=["process", pytest.param("gridengine", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, its workers shared by the tests of this file."""
    made: Scheduler = ProcessScheduler(2)
    if request.param == "gridengine":
        request.getfixturevalue("cluster")
        made = GridEngineScheduler(max_workers=2)
    with made:
        warm(made, 2)
        yield made


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    """Where calls are counted."""
    return Counted(tmp_path / "calls")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Where a journal may be; it is closed in the end."""
    yield tmp_path / "run.journal"
    wait_until_closed()


def squares(counted: Counted) -> Any:
    """Returns a function whose calls are counted."""
    folder = str(counted.folder)

    def square(x: Any) -> Any:
        Counted.note(At(folder), x)  # type: ignore[arg-type]
        return x * x

    return square


class At:
    """What stands for a `Counted` in a worker: its folder."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
