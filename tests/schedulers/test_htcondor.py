"""HTCondor: what is asked of it, and, where there is a pool (`scripts/htcondor`), the contract."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gridengine.schedulers import Scheduler
from gridengine.schedulers.command_scheduler import Phase, Submission
from gridengine.schedulers.commands import run
from gridengine.schedulers.htcondor import HTCondorScheduler, _read
from gridengine.states import DeathCause
from gridengine.testing import SchedulerContract
from gridengine.testing.talk import BEAT, Talk
from gridengine.testing.waiting import wait_until

if shutil.which("condor_submit"):

    class TestContract(SchedulerContract):
        def make_scheduler(self) -> Scheduler:
            return HTCondorScheduler(max_workers=3)

    def test_a_queue_job_over_its_time_ends_and_is_removed(tmp_path: Path) -> None:
        talk = Talk(HTCondorScheduler(walltime=3), tmp_path)
        try:
            [name] = talk.submitted(talk.start(1, BEAT, str(tmp_path / "beats")), 1)
            assert talk.ended([name])[name].cause is DeathCause.OVER_TIME
            wait_until(
                lambda: not run(["condor_q", name, "-af", "ProcId"]).strip(),
                what="it is removed", timeout=60,
            )  # fmt: skip
        finally:
            talk.session.close()


def described(folder: Path, scheduler: HTCondorScheduler, **resources: object) -> list[str]:
    own = scheduler.resources_of(resources)
    asked, slots = scheduler.all_resources(own), scheduler.slots_of(own)
    submission = Submission(
        "#!/bin/sh\n", 3, "name", asked, slots, ("node1", "a || b"), str(folder)
    )
    return scheduler._description(submission).splitlines()


def test_requests_stand_in_the_description(tmp_path: Path) -> None:
    scheduler = HTCondorScheduler(slots=2, mem_per_slot="2gb", walltime="00:10:00", gpus=1)
    lines = described(tmp_path, scheduler)
    assert "request_cpus = 2" in lines
    assert "request_memory = 4096" in lines
    assert "allowed_execute_duration = 600" in lines
    assert "request_gpus = 1" in lines
    assert lines[-1] == "queue 3"
    assert scheduler.time_limit({}) == 600
    assert scheduler.memory_of({}) == 2 * 1024**3


def test_a_job_may_ask_for_other_slots_and_other_memory(tmp_path: Path) -> None:
    scheduler = HTCondorScheduler(slots=2, mem="3gb")
    lines = described(tmp_path, scheduler, slots=4, mem_per_slot="2gb")
    assert "request_cpus = 4" in lines
    assert "request_memory = 8192" in lines
    assert not any(line.startswith("request_slots") for line in lines)


def test_hosts_are_left_out_by_name_and_no_expression_is_made_of_one(tmp_path: Path) -> None:
    lines = described(tmp_path, HTCondorScheduler(requirements="HasThat"))
    [line] = [line for line in lines if line.startswith("requirements")]
    assert line.startswith("requirements = (HasThat) && ")
    assert line.endswith(' && (Machine =!= "node1")')


def test_what_would_be_lines_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot stand in a submit description"):
        HTCondorScheduler(gpus="1\nexecutable = /bin/rm")


def test_the_end_of_a_job_is_read() -> None:
    jobs = [
        {"ClusterId": 7, "ProcId": 0, "JobStatus": 4, "ExitBySignal": False, "ExitCode": 3},
        {"ClusterId": 7, "ProcId": 1, "JobStatus": 4, "ExitBySignal": True, "ExitSignal": 9},
        {"ClusterId": 7, "ProcId": 2, "JobStatus": 3, "RemoveReason": "via condor_rm"},
        {"ClusterId": 7, "ProcId": 3, "JobStatus": 5, "HoldReason": "no such file"},
    ]
    found = _read(json.dumps(jobs))
    assert found["7.0"].end[:2] == (3, DeathCause.EXITED)
    assert found["7.1"].end[:2] == (-9, DeathCause.KILLED)
    assert found["7.2"].end[:2] == (None, DeathCause.KILLED)
    assert "via condor_rm" in found["7.2"].end.detail
    assert (found["7.3"].phase, found["7.3"].reason) == (Phase.STUCK, "no such file")
    assert _read("") == {}


@pytest.mark.parametrize(
    ("code", "cause"),
    [(34, DeathCause.OUT_OF_MEMORY), (46, DeathCause.OVER_TIME), (47, DeathCause.OVER_TIME)],
)
def test_a_job_that_is_held_for_a_limit_is_over(code: int, cause: DeathCause) -> None:
    held = {"JobStatus": 5, "HoldReasonCode": code, "HoldReason": "too much"}
    removed = {"JobStatus": 3, "LastHoldReasonCode": code, "LastHoldReason": "too much"}
    for told in (held, removed):
        found = _read(json.dumps([{"ClusterId": 7, "ProcId": 0, **told}]))["7.0"]
        assert found.phase is Phase.OVER
        assert found.end[:2] == (None, cause)
        assert found.end.detail == "HTCondor says: too much"
    # By its owner, and before it has started, as far as is known.
    other = {"ClusterId": 7, "ProcId": 0, "JobStatus": 5, "HoldReasonCode": 1}
    assert _read(json.dumps([other]))["7.0"].phase is Phase.STUCK
