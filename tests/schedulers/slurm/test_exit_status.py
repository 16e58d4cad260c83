"""The rules that make a cause of the evidence; the evidence is what a Slurm 22.05 gave."""

from __future__ import annotations

import pytest

from gridengine.schedulers.queue_session.process.messages import QueueJobEnd
from gridengine.schedulers.slurm.exit_status import judge
from gridengine.schedulers.slurm.request import SlurmRequest
from gridengine.states import DeathCause

_ASKED = SlurmRequest.of(memory="100M", time="1m")


def _over(record: dict[str, str], *, deleted: bool = False) -> QueueJobEnd:
    return QueueJobEnd(
        "7.1",
        exited=False,
        status=0,
        signal="",
        aborted=False,
        deleted=deleted,
        usage={},
        accounting=record,
    )


@pytest.mark.parametrize(
    ("state", "reason", "code", "cause", "exitcode"),
    [
        ("COMPLETED", "None", "0:0", DeathCause.EXITED, 0),
        ("FAILED", "NonZeroExitCode", "3:0", DeathCause.EXITED, 3),
        ("FAILED", "JobLaunchFailure", "0:11", DeathCause.CRASHED, -11),
        ("FAILED", "NonZeroExitCode", "139:0", DeathCause.CRASHED, -11),
        ("FAILED", "JobLaunchFailure", "0:9", DeathCause.KILLED, -9),
        ("FAILED", "JobLaunchFailure", "0:53", DeathCause.UNKNOWN, None),
        ("TIMEOUT", "TimeLimit", "0:15", DeathCause.OVER_TIME, -15),
        ("TIMEOUT", "TimeLimit", "0:0", DeathCause.OVER_TIME, None),
        ("COMPLETING", "TimeLimit", "0:15", DeathCause.OVER_TIME, -15),
        ("DEADLINE", "None", "0:0", DeathCause.OVER_TIME, None),
        ("CANCELLED", "None", "0:15", DeathCause.KILLED, -15),
        ("CANCELLED", "Resources", "0:0", DeathCause.KILLED, None),
        ("PREEMPTED", "None", "0:15", DeathCause.KILLED, -15),
        ("OUT_OF_MEMORY", "OutOfMemory", "0:125", DeathCause.OUT_OF_MEMORY, None),
        ("NODE_FAIL", "NodeDown", "0:1", DeathCause.NODE_LOST, -1),
        ("REQUEUED", "BeginTime", "0:0", DeathCause.NODE_LOST, None),
    ],
)
def test_a_state_is_the_cause(
    state: str, reason: str, code: str, cause: DeathCause, exitcode: int | None
) -> None:
    record = {"JobState": state, "Reason": reason, "ExitCode": code, "RunTime": "0:05"}
    end = judge(_over(record), _ASKED)
    assert (end.cause, end.exitcode) == (cause, exitcode)
    assert state in end.detail
    assert end.wall_time == 5.0


def test_one_that_was_killed_for_its_memory_is_told_from_others_by_its_output() -> None:
    record = {
        "JobState": "FAILED",
        "ExitCode": "0:9",
        "Reason": "JobLaunchFailure",
        "RunTime": "0:01",
        "UsedMemory": "425783296",
        "AllowedMemory": "104857600",
    }
    end = judge(_over(record), _ASKED)
    assert end.cause is DeathCause.OUT_OF_MEMORY
    assert end.peak_memory == 425783296
    assert end.requested_memory == 100 * 1024**2
    assert end.advice.startswith("memory: peak 406")
    assert "exceeded its memory limit" in end.detail


def test_what_a_site_gave_counts_where_nothing_was_asked_for() -> None:
    record = {
        "JobState": "FAILED", "ExitCode": "0:9", "UsedMemory": "9", "AllowedMemory": "8",
    }  # fmt: skip
    assert judge(_over(record), SlurmRequest.of()).requested_memory == 8


@pytest.mark.parametrize("state", ["CANCELLED", "PREEMPTED", "NODE_FAIL", "FAILED"])
def test_one_that_somebody_has_cancelled_is_told_from_others(state: str) -> None:
    record = {"JobState": state, "ExitCode": "0:9"}
    assert judge(_over(record), _ASKED).by_others is (state == "CANCELLED")


def test_who_was_deleted_by_the_session_was_killed_whatever_slurm_says() -> None:
    end = judge(_over({"JobState": "CANCELLED", "ExitCode": "0:0"}, deleted=True), _ASKED)
    assert end.cause is DeathCause.KILLED
    assert not end.by_others
    assert judge(_over({}, deleted=True), _ASKED).detail == "Slurm: deleted"


def test_of_what_slurm_has_forgotten_nothing_is_claimed() -> None:
    end = judge(_over({}), _ASKED)
    assert end.cause is DeathCause.UNKNOWN
    assert end.exitcode is None
    assert "knows nothing of it any more" in end.detail


def test_a_certificate_says_who_has_cancelled_and_how_much_was_used() -> None:
    record = {
        "JobState": "CANCELLED", "ExitCode": "0:0", "CancelledBy": "1000", "Elapsed": "7",
        "MaxRSS": "2048K", "NodeList": "node1",
    }  # fmt: skip
    end = judge(_over(record), _ASKED)
    assert end.detail == "Slurm: cancelled by user 1000, state CANCELLED, on node1, ran 7 s"
    assert end.peak_memory == 2048 * 1024


def test_over_time_advises_more_time_and_an_unwritable_output_another_folder() -> None:
    over_time = {"JobState": "TIMEOUT", "ExitCode": "0:15", "RunTime": "1:27"}
    assert judge(_over(over_time), _ASKED).advice == "time: ran 87 s of 60 s; ask for more"
    by_default = judge(_over(over_time), SlurmRequest.of()).advice
    assert "its partition allows no more by default" in by_default
    unwritable = {"JobState": "FAILED", "ExitCode": "0:53"}
    assert "could not write its output" in judge(_over(unwritable), _ASKED).advice
