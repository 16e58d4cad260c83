"""The batch system, with commands that print what a Slurm 22.05 has printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridengine.errors import SchedulerUnavailable
from gridengine.schedulers import ProcessScheduler, SlurmScheduler, best_available, choice
from gridengine.schedulers.queue_session.process.batch_system import (
    Denied,
    Limited,
    TooLarge,
    Unreachable,
    WaitQuestion,
)
from gridengine.schedulers.slurm import presence
from gridengine.schedulers.slurm.batch_system import script, slurm_commands
from gridengine.schedulers.slurm.batch_system.slurm_system import SlurmSystem

from .fake_slurm import CONFIG, FakeSlurm, order


def test_an_array_is_submitted_by_one_command(system: SlurmSystem, fake: FakeSlurm) -> None:
    assert system.submit(order("--mem=100M --wckey='my own'"), 3) == ["12.1", "12.2", "12.3"]
    (called,) = fake.calls("sbatch")
    # What is said last counts, and must hold.
    assert called[:3] == ["--parsable", "--mem=100M", "--wckey=my own"]
    assert called[3:5] == ["--array=1-3", "--job-name=square"]
    assert "--output=/logs/%A.%a.log" in called
    assert "--no-requeue" in called
    text = (fake.folder / "script").read_text()
    assert text.startswith("#!/bin/sh\n")
    assert text.endswith("exec /bin/echo 'a b' '$HOME'\n")


def test_a_users_defaults_change_nothing_but_what_a_job_needs(
    system: SlurmSystem, fake: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SBATCH_WAIT", "SBATCH_EXPORT", "SLURM_JOB_ID", "SQUEUE_FORMAT", "MY_SECRET"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SBATCH_ACCOUNT", "physics")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/slurm/lib")
    monkeypatch.setenv("SLURM_CONF_SERVER", "controller")
    system.submit(order(), 1)
    system.states(frozenset())
    submitted = (fake.folder / "sbatch.env").read_text()
    assert "SBATCH_ACCOUNT=physics" in submitted
    assert "LD_LIBRARY_PATH=/opt/slurm/lib" in submitted
    assert "SLURM_CONF_SERVER=controller" in submitted
    for name in ("SBATCH_WAIT", "SBATCH_EXPORT", "SLURM_JOB_ID", "MY_SECRET"):
        assert f"{name}=" not in submitted
    assert "SQUEUE_FORMAT=" not in (fake.folder / "squeue.env").read_text()


def test_an_array_is_never_larger_than_the_site_allows(system: SlurmSystem) -> None:
    with pytest.raises(TooLarge) as told:
        system.submit(order(), 11)
    assert told.value.size == 10


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            (
                "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
                "(connect failure)"
            ),
            Unreachable,
            "Unable to contact slurm controller",
        ),
        (
            (
                "sbatch: error: If munged is up, restart with --num-threads=10\n"
                "sbatch: error: Munge encode failed: Failed to access socket"
            ),
            Unreachable,
            r"\AMunge encode failed",
        ),
        (
            (
                "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission "
                "failed: Job violates accounting/QOS policy (job submit limit, user's size and/or "
                "time limits)"
            ),
            Limited,
            "QOSMaxSubmitJobPerUserLimit",
        ),
        (
            (
                "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy "
                "(job submit limit, user's size and/or time limits)"
            ),
            Limited,
            "job submit limit",
        ),
        (
            (
                "sbatch: error: QOSMaxCpuPerJobLimit\nsbatch: error: Batch job submission failed: "
                "Job violates accounting/QOS policy (job submit limit, user's size and/or time "
                "limits)"
            ),
            Denied,
            "QOSMaxCpuPerJobLimit",
        ),
        (
            (
                "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job "
                "submission failed: Invalid partition name specified"
            ),
            Denied,
            "invalid partition specified: x; Invalid partition name specified",
        ),
    ],
)
def test_why_an_array_was_not_taken_is_told_apart(
    system: SlurmSystem, fake: FakeSlurm, error: str, kind: type[Exception], said: str
) -> None:
    fake.says("sbatch", error=error, status=1)
    with pytest.raises(kind, match=said):
        system.submit(order(), 1)


def test_of_what_may_be_in_the_queue_a_half_is_tried(system: SlurmSystem, fake: FakeSlurm) -> None:
    fake.says("sbatch", error="sbatch: error: AssocMaxSubmitJobLimit", status=1)
    with pytest.raises(TooLarge) as told:
        system.submit(order(), 8)
    assert told.value.size == 4


def test_sbatch_is_not_left_to_wait_for_room_in_the_queue(
    system: SlurmSystem, fake: FakeSlurm
) -> None:
    error = "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n"
    fake.says("sbatch", error=error)
    (fake.folder / "sbatch.hangs").touch()
    with pytest.raises(Limited, match="temporarily unable to accept job"):
        system.submit(order(), 1)


def test_hosts_to_avoid_are_excluded_by_the_names_that_slurm_has_for_them(
    system: SlurmSystem, fake: FakeSlurm
) -> None:
    system.submit(order("--avoid-hosts=node2.domain,elsewhere"), 1)
    system.submit(order("--only-hosts=node[1-2]"), 1)
    first, second = fake.calls("sbatch")
    assert "--exclude=node2" in first
    assert "--exclude=node3" in second


@pytest.mark.parametrize("own", ["--exclude=node1", "--exclude node1", "-x node1", "-xnode1"])
def test_hosts_that_a_user_excludes_are_excluded_beside_them(
    system: SlurmSystem, fake: FakeSlurm, own: str
) -> None:
    system.submit(order(f"{own} --avoid-hosts=node2 --mem=1G"), 1)
    (called,) = fake.calls("sbatch")
    assert [each for each in called if "node" in each] == ["--exclude=node1,node2"]
    assert "--mem=1G" in called


def test_numbers_of_hosts_have_their_zeros() -> None:
    assert script.expanded("n[08-10,3]x") == ["n08x", "n09x", "n10x", "n3x"]


_LISTED = """\
12|1|RUNNING|0|0:03|10:00|node1|main|0|None|
12|2|FAILED|9|0:03|10:00|node1|main|0|JobLaunchFailure|
12|3|PENDING|0|0:00|10:00||main|0|DependencyNeverSatisfied|
12|4|PENDING|0|0:00|10:00||main|0|JobHeldUser|
12|5|SUSPENDED|0|0:03|10:00|node1|main|0|None|
12|6|PENDING|0|0:00|10:00||main|1|BeginTime|
99|1|RUNNING|0|0:03|10:00|node1|main|0|None|
"""
_ALL = frozenset(f"12.{task}" for task in range(1, 8))


def test_one_look_tells_how_all_stand(system: SlurmSystem, fake: FakeSlurm) -> None:
    fake.says("squeue", _LISTED)
    states = system.states(_ALL)
    assert len(fake.calls("squeue")) == 1
    assert sorted(states) == ["12.1", "12.3", "12.4", "12.5"]
    assert states["12.1"].running
    assert states["12.3"].in_error
    assert states["12.4"].held
    assert "SUSPENDED" in states["12.5"].suspended
    assert "never start" in system.error_reasons(frozenset(["12.3"]))["12.3"]
    (why,) = system.wait_reasons([WaitQuestion("", True, "12.4")])
    assert "scontrol release 12_4" in why.reason


def test_one_that_is_put_back_is_over_and_is_cancelled(
    system: SlurmSystem, fake: FakeSlurm
) -> None:
    fake.says("squeue", _LISTED)
    system.states(_ALL)
    assert fake.calls("scancel") == [["12_6"]]
    assert system.accounts("12", {"12.6": None})["12.6"]["JobState"] == "REQUEUED"


def test_why_one_was_killed_is_looked_for_in_its_output(
    system: SlurmSystem, fake: FakeSlurm, tmp_path: Path
) -> None:
    fake.says("squeue", _LISTED)
    system.states(_ALL)
    log = tmp_path / "a folder" / "12.2.log"
    log.parent.mkdir()
    log.write_text("StepId=12_2.batch exceeded memory limit (2000 > 1000), being killed\n")
    fake.says(
        "scontrol", f"JobId=14 ArrayJobId=12 ArrayTaskId=2 JobState=FAILED StdOut={log} Power=\n"
    )
    found = system.accounts("12", {"12.1": None, "12.2": None, "12.7": None})
    assert list(found) == ["12.2"]
    assert found["12.2"]["UsedMemory"] == "2000"


def test_of_one_that_squeue_has_forgotten_sacct_knows_where_there_is_slurmdbd(
    fake: FakeSlurm,
) -> None:
    fake.says("scontrol", CONFIG.replace("storage/none", "storage/slurmdbd"))
    fake.says("sacct", "12_7|CANCELLED by 0|0:0|7||node1|None\n12_8|RUNNING|0:0|7||node1|None\n")
    system = SlurmSystem()
    system.open("")
    assert system.account_delay() > 0
    found = system.accounts("12", {"12.7": None, "12.8": None})
    assert list(found) == ["12.7"]
    assert found["12.7"]["CancelledBy"] == "0"


def test_queue_jobs_are_cancelled_by_one_command_those_that_have_ended_too(
    system: SlurmSystem, fake: FakeSlurm
) -> None:
    fake.says("scancel", error="scancel: error: Kill job error on job id 12_1: Invalid job id")
    (fake.folder / "scancel.status").write_text("1")
    system.delete(["12.1", "12.2"])
    assert fake.calls("scancel") == [["12_1", "12_2"]]
    fake.says("scancel", error="scancel: error: Unable to contact slurm controller", status=1)
    with pytest.raises(Unreachable):
        system.delete(["12.1"])


def test_a_controller_that_does_not_answer_is_unreachable(fake: FakeSlurm) -> None:
    error = "slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)"
    fake.says("scontrol", error=error, status=1)
    with pytest.raises(Unreachable, match="Unable to contact slurm controller"):
        SlurmSystem().open("")


def test_a_session_is_not_taken_over_on_another_cluster(system: SlurmSystem) -> None:
    with pytest.raises(Denied, match="belongs to cluster tests now, and not to other"):
        system.open("other")


def test_a_slow_command_is_no_answer(fake: FakeSlurm) -> None:
    (fake.folder / "squeue.hangs").touch()
    with pytest.raises(Unreachable, match=r"has not answered within 0\.2 s"):
        slurm_commands.asked("squeue", seconds=0.2)


# ---------------------------------------------------------------------- which scheduler is meant


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """No scheduler is set or chosen, and no Grid Engine is here."""
    monkeypatch.delenv("GRIDENGINE_SCHEDULER", raising=False)
    monkeypatch.setattr(choice, "_best", None)
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")


@pytest.mark.usefixtures("fake", "undecided")
def test_a_slurm_that_answers_is_taken(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "gridengine.schedulers")
    said = json.dumps({"slurm": {"cpus": 2, "time": "1h"}})
    monkeypatch.setenv("GRIDENGINE_ARGUMENTS", said)
    best = best_available()
    assert isinstance(best, SlurmScheduler)
    assert best.slots == 2
    assert "workers are queue jobs of Slurm 22.05.8 (cluster tests)" in caplog.text


@pytest.mark.usefixtures("undecided")
def test_one_that_does_not_answer_is_not_and_a_warning_says_so(
    fake: FakeSlurm, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = "slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)"
    fake.says("scontrol", error=error, status=1)
    assert isinstance(best_available(), ProcessScheduler)
    assert "there are signs of a cluster" in caplog.text
    assert "Unable to contact slurm controller" in caplog.text
    monkeypatch.setattr(choice, "_best", None)
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "slurm")
    with pytest.raises(SchedulerUnavailable, match="GRIDENGINE_SCHEDULER=slurm allows nothing"):
        best_available()


def test_without_its_commands_there_is_no_slurm() -> None:
    assert presence.missing({"PATH": "/nowhere"}) == "sbatch"
    with pytest.raises(SchedulerUnavailable, match="there is no sbatch in the PATH"):
        presence.require({"PATH": "/nowhere"})
    assert presence.signs({"PATH": "/nowhere", "SLURM_JOB_ID": "7"}) == ["SLURM_JOB_ID=7"]
