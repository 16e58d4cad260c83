"""The programs that the dashboard has found, and what it knows of each."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.dashboard import watching
from gridengine.dashboard.watching import Watcher

from ..programs_to_watch import running
from ..waiting import wait_until


def test_a_stopped_program_does_not_keep_the_others_from_being_watched(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    code = "gridengine.map(hold, range(4))"
    with running(tmp_path, code) as stopped, running(tmp_path, code) as other:
        wait_until(lambda: len(list(run_dir.glob("programs/*.socket"))) == 2, what="both are there")
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            with contextlib.closing(Watcher(str(run_dir))) as watcher:
                found = wait_until(
                    lambda: [
                        each for each in watcher.programs.values() if each.view.state is not None
                    ],
                    what="the other one is watched",
                )
                assert [each.facts.pid for each in found] == [other.pid]
                (tmp_path / "go").touch()
                wait_until(lambda: found[0].ended, what="it is seen to end")
                assert found[0].view.done == 4
        finally:
            os.kill(stopped.pid, signal.SIGCONT)


def test_a_program_that_is_found_after_the_end_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, ended, let_go = threading.Event(), threading.Event(), threading.Event()

    class Found:
        close = staticmethod(let_go.set)

    class LateSearch:
        def __init__(self, run_dir: str) -> None:
            """Is asked as a `Search` is."""

        def new(self, known: list[str]) -> Iterator[tuple[str, Found]]:
            looks.set()
            assert ended.wait(30)
            yield "program", Found()

    monkeypatch.setattr(watching, "Search", LateSearch)
    watcher = Watcher(str(tmp_path))
    assert looks.wait(30)
    watcher.close()
    ended.set()
    assert let_go.wait(30)
