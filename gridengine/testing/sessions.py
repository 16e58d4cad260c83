"""What the dispatcher needs of a scheduler and its session: see `gridengine.schedulers.base`."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gridengine

from .. import extras
from ..schedulers.base import Scheduler
from ..schedulers.events import Ended
from . import targets
from .talk import ARGUMENTS, BEAT, NAME, PRINT, Talk, beats
from .waiting import wait_until

with extras.needed("testing", "gridengine.testing"):
    import pytest

#: A program that is killed while its job runs; its scheduler comes by standard input.
_PROGRAM = """
import pickle, sys
sys.path[:0] = pickle.load(sys.stdin.buffer)
import gridengine
from gridengine.testing import targets
with pickle.load(sys.stdin.buffer) as scheduler:
    job = gridengine.Job(target=targets.beat, args=(sys.argv[1],), scheduler=scheduler)
    job.start()
    job.join()
"""

#: Seconds of silence after which a supervisor takes that program for gone.
_PATIENCE = 3.0


class SessionContract:
    """What the dispatcher needs of a scheduler and its session."""

    @pytest.fixture(scope="class")
    @staticmethod
    def talk(scheduler: Scheduler, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
        """A session that no dispatcher has."""
        if not scheduler.remote:
            pytest.skip("its queue jobs are children of the program, which has to speak to them")
        talk = Talk(scheduler, tmp_path_factory.mktemp("session"))
        try:
            # What a session has from its first queue job on is of no single test.
            talk.ended(talk.submitted(talk.start(1, PRINT), 1))
            yield talk
        finally:
            talk.session.close()

    def test_a_queue_job_finds_its_name_in_its_environment(self, talk: Talk) -> None:
        batch = talk.start(2, NAME)
        names = talk.submitted(batch, 2)
        assert len(set(names)) == 2
        ends = talk.ended(names)
        assert {ends[name].exitcode for name in names} <= {0, None}
        found = {path.read_text() for path in talk.folder.glob("name-*")}
        assert found == set(names), (
            "queue_job_template, filled in from the environment of a queue job, has to give the "
            "name that Submitted has for it"
        )

    def test_each_queue_job_ends_once(self, talk: Talk) -> None:
        names = talk.submitted(talk.start(2, PRINT), 2)
        talk.ended(names)
        # What comes after the end of another one is all that is said of these.
        talk.ended(talk.submitted(talk.start(1, PRINT), 1))
        said = [event for event in talk.heard if isinstance(event, Ended)]
        assert sorted(names) == sorted(e.queue_job for e in said if e.queue_job in names)

    def test_arguments_arrive_as_they_are(self, talk: Talk) -> None:
        given = ["two words", "$HOME", "'single'", '"double"', "a\\b", "*", ";", "&", "{x}", "%i"]
        [name] = talk.submitted(talk.start(1, ARGUMENTS, *given), 1)
        talk.ended([name])
        assert (talk.folder / "arguments").read_text() == repr(given)

    def test_what_a_queue_job_prints_is_in_the_file_of_its_name(self, talk: Talk) -> None:
        [name] = talk.submitted(talk.start(1, PRINT), 1)
        talk.ended([name])
        log = talk.folder / f"{name}.log"
        wait_until(log.exists, what=f"{log} is there")
        wait_until(lambda: "to stderr" in log.read_text(), what="what was printed is there")
        assert "to stdout" in log.read_text()

    def test_a_queue_job_that_fails_has_ended(self, talk: Talk) -> None:
        [name] = talk.submitted(talk.start(1, "raise SystemExit(3)"), 1)
        assert talk.ended([name])[name].exitcode in (3, None)

    def test_queue_jobs_that_run_can_be_stopped(self, talk: Talk) -> None:
        path = talk.folder / "stopped"
        [name] = talk.submitted(talk.start(1, BEAT, str(path)), 1)
        wait_until(path.exists, what="the queue job runs", timeout=60)
        talk.session.stop([name])
        talk.ended([name])
        wait_until(lambda: not beats(path), what="nothing of it runs", timeout=60)
        talk.session.stop([name, "nobody's"])

    def test_all_queue_jobs_have_ended_when_the_session_is_closed(
        self, talk: Talk, scheduler: Scheduler, tmp_path: Path
    ) -> None:
        own = Talk(scheduler, tmp_path)
        try:
            own.start(1, BEAT, str(tmp_path / "beats"))
            wait_until((tmp_path / "beats").exists, what="the queue job runs", timeout=60)
        finally:
            own.session.close()
        own.session.close()
        wait_until(lambda: not beats(tmp_path / "beats"), what="nothing of it runs", timeout=60)

    def test_a_scheduler_is_a_description_that_can_be_copied(self, scheduler: Scheduler) -> None:
        for other in (copy.copy(scheduler), pickle.loads(pickle.dumps(scheduler))):
            assert repr(other) == repr(scheduler)
            assert other.max_queue_jobs == scheduler.max_queue_jobs

    def test_a_scheduler_may_be_used_again_when_it_was_closed(self, scheduler: Scheduler) -> None:
        own = copy.copy(scheduler)
        for _ in range(2):
            with own:
                assert gridengine.map(targets.square, [3]) == [9]

    def test_a_supervisor_that_is_killed_costs_its_job_no_attempt(
        self, scheduler: Scheduler, tmp_path: Path
    ) -> None:
        with copy.copy(scheduler) as own:
            job = gridengine.Job(
                target=targets.kill_the_supervisor_once,
                args=(str(tmp_path / "killed"),),
                scheduler=own,
                retries=0,
            )
            job.start()
            assert job.result == "done"

    def test_nothing_outlives_a_program_that_was_killed(
        self, scheduler: Scheduler, tmp_path: Path
    ) -> None:
        own = copy.copy(scheduler)
        own.settings = {**(own.settings or {}), "patience": _PATIENCE, "heartbeat": 0.5}
        beat = tmp_path / "beats"
        environ = {**os.environ, "GRIDENGINE_RUN_DIR": str(tmp_path / "run")}
        program = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(beat)],
            stdin=subprocess.PIPE, env=environ,
        )  # fmt: skip
        try:
            assert program.stdin is not None
            with program.stdin:
                program.stdin.write(pickle.dumps(sys.path) + pickle.dumps(own))
            wait_until(
                lambda: beat.exists() or program.poll() is not None, what="its job runs", timeout=60
            )
            assert program.poll() is None
        finally:
            program.send_signal(signal.SIGKILL)
            program.wait()
        wait_until(lambda: not beats(beat), what="nothing of it runs", timeout=60)
