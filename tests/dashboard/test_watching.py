"""The programs that the dashboard has found, and what it knows of each."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

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
