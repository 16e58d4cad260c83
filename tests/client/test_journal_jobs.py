"""Jobs whose values are kept, and how journals are opened for them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.client.journal import file, writer
from gridengine.client.journal import journal as journals
from gridengine.schedulers import Scheduler

from ..journals import At, Counted, counted, path, scheduler, squares, wait_until_closed

__all__ = ["counted", "path", "scheduler"]


def test_a_job_whose_value_is_kept_is_over_at_once(
    scheduler: Scheduler, counted: Counted, path: Path
) -> None:
    square = squares(counted)

    def run(*args: int, **options: Any) -> Any:
        job = gridengine.Job(target=square, args=args, scheduler=scheduler, journal=path, **options)
        job.start()
        job.join()
        assert (job.exitcode, job.is_alive()) == (0, False)
        return job.result

    assert [run(3), run(4)] == [9, 16]
    wait_until_closed()
    assert [run(3), run(4)] == [9, 16]
    assert counted.calls == 2
    assert run(5, key="five") == 25
    wait_until_closed()
    assert run(6, key="five") == 25


def test_a_job_is_done_once_however_soon_it_comes_again(
    scheduler: Scheduler, counted: Counted, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is written but by who asks for it.
    monkeypatch.setattr(writer, "_COLLECT_SECONDS", 60)
    square = squares(counted)
    with monkeypatch.context() as still:
        still.setattr(journals, "_close_idle", lambda: None)
        for _ in range(2):
            job = gridengine.Job(target=square, args=(3,), scheduler=scheduler, journal=path)
            job.start()
            assert job.result == 9
    journals._close_all()
    journals._start_anew()
    assert counted.calls == 1


class _Area(gridengine.Job[int]):
    def __init__(self, folder: str, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.folder = folder
        self.width = width

    def run(self) -> int:
        Counted.note(At(self.folder), self.width)  # type: ignore[arg-type]
        return self.width * (self._target() if self._target else 2)


def _three() -> int:
    return 3


def test_a_job_of_a_class_of_its_own_is_known_by_what_it_is_given(
    scheduler: Scheduler, counted: Counted, path: Path
) -> None:
    def run(width: int, **options: Any) -> int:
        job = _Area(str(counted.folder), width, scheduler=scheduler, journal=path, **options)
        job.start()
        return job.result

    assert [run(4), run(5), run(4, target=_three)] == [8, 10, 12]
    assert counted.calls == 3
    wait_until_closed()
    # Neither the number in the name, nor what is asked for the run.
    assert [run(4), run(4, name="four", retries=2), run(5, daemon=True)] == [8, 8, 10]
    assert counted.calls == 3


def test_a_journal_that_is_being_opened_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, go_on = threading.Event(), threading.Event()
    make = file.JournalFile

    def slow(path: str) -> Any:
        if path.endswith("locked"):
            opening.set()
            assert go_on.wait(60)
        return make(path)

    monkeypatch.setattr(file, "JournalFile", slow)
    used: list[Any] = []
    locked = str(tmp_path / "locked")
    threads = [threading.Thread(target=lambda: used.append(journals.use(locked))) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        assert opening.wait(60)
        other = threading.Thread(target=lambda: journals.leave(journals.use(f"{tmp_path}/other")))
        other.start()
        other.join(60)
        assert not other.is_alive()
        assert used == []
    finally:
        go_on.set()
        for thread in threads:
            thread.join()
    assert used[0] is used[1]
    for journal in used:
        journals.leave(journal)
    wait_until_closed()
