"""What squeue, scontrol and sacct print; the samples are of a Slurm 22.05."""

from __future__ import annotations

import pytest

from gridengine.schedulers.slurm.batch_system import listing, records

_LISTED = """\
12|1|PENDING|0|0:00|10:00||main|0|Resources|
12|2|RUNNING|0|0:03|10:00|slurm-node2|main|0|None|
12|3|FAILED|768|0:00|10:00|slurm-node1|main|0|NonZeroExitCode|
12|4|FAILED|9|0:01|10:00|slurm-node1|main|0|JobLaunchFailure|
12|5|CANCELLED|15|0:02|UNLIMITED|slurm-node1|main|0|None|
12|6|COMPLETING|0|0:02|10:00|slurm-node1|main|0|None|
12|7|COMPLETING|9|0:02|10:00|slurm-node1|main|0|JobLaunchFailure|
12|8|PENDING|0|0:00|10:00||main|1|BeginTime|
12|9|PENDING|0|0:00|10:00||main|0|ReqNodeNotAvail, UnavailableNodes:slurm-node[1-2]|
13|N/A|SUSPENDED|0|0:02|10:00|slurm-node1|main|0|None|
slurm_load_jobs error: something else that is printed
"""


def test_the_list_has_each_queue_job_by_its_name() -> None:
    jobs = listing.by_name(listing.listed(_LISTED))
    assert list(jobs) == [*(f"12.{task}" for task in range(1, 10)), "13"]
    assert jobs["12.3"].exit_code == "3:0"
    assert jobs["12.4"].exit_code == "0:9"
    assert jobs["12.2"].nodes == "slurm-node2"
    assert jobs["12.9"].reason == "ReqNodeNotAvail, UnavailableNodes:slurm-node[1-2]"


def test_those_are_over_that_have_ended_or_were_put_back() -> None:
    over = [job.name for job in listing.listed(_LISTED) if job.is_over]
    assert over == ["12.3", "12.4", "12.5", "12.7", "12.8"]


def test_a_record_has_the_names_of_scontrol() -> None:
    jobs = listing.by_name(listing.listed(_LISTED))
    assert listing.record_of(jobs["12.5"]) == {
        "JobState": "CANCELLED",
        "ExitCode": "0:15",
        "Reason": "None",
        "RunTime": "0:02",
        "TimeLimit": "UNLIMITED",
        "NodeList": "slurm-node1",
    }
    assert listing.record_of(jobs["12.8"])["JobState"] == "REQUEUED"


_SHOWN = (
    "JobId=6 ArrayJobId=2 ArrayTaskId=4 JobName=square UserId=me(1000) GroupId=me(1000) "
    "MCS_label=N/A JobState=FAILED Reason=JobLaunchFailure Dependency=(null) Requeue=0 Restarts=0 "
    "BatchFlag=1 ExitCode=0:9 RunTime=00:00:01 TimeLimit=UNLIMITED TimeMin=N/A "
    "SubmitTime=2026-11-26T17:43:02 NodeList=slurm-node1 Comment=JobState=COMPLETED "
    "StdErr=/home/me/logs/2.4.log StdIn=/dev/null StdOut=/home/me/logs/2.4.log Power=\n"
    "JobId=2 ArrayJobId=2 ArrayTaskId=5-9 JobName=square JobState=PENDING Reason=Resources\n"
    "Job 99 not found\n"
)


def test_scontrol_shows_what_is_known_and_a_users_words_count_for_nothing() -> None:
    (name, record), (rest, _) = records.shown(_SHOWN)
    assert (name, rest) == ("2.4", "2")
    assert record["JobState"] == "FAILED"
    assert record["StdOut"] == "/home/me/logs/2.4.log"
    assert record["UserId"] == "me(1000)"


_ACCOUNTED = """\
2_1|COMPLETED|0:0|5||slurm-node1|None
2_1.batch|COMPLETED|0:0|5|20480K|slurm-node1|
2_2|CANCELLED by 1000|0:0|2||slurm-node1|None
2_2.batch|CANCELLED|0:15|2||slurm-node1|
2_[3-9]|PENDING|0:0|0||None assigned|None
3|OUT_OF_MEMORY|0:125|7||slurm-node2|OutOfMemory
"""


def test_sacct_tells_how_each_ended_and_what_its_script_used() -> None:
    told = dict(records.accounted(_ACCOUNTED))
    assert list(told) == ["2.1", "2.2", "3"]
    assert told["2.1"]["MaxRSS"] == "20480K"
    assert told["2.2"]["JobState"] == "CANCELLED"
    assert told["2.2"]["CancelledBy"] == "1000"
    assert told["3"]["Elapsed"] == "7"


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (
            (
                "slurmstepd-slurm-node1: error: StepId=5.batch exceeded memory limit "
                "(425783296 > 104857600), being killed"
            ),
            {"UsedMemory": "425783296", "AllowedMemory": "104857600"},
        ),
        (
            (
                "slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch. Some of the step "
                "tasks have been OOM Killed."
            ),
            {"OutOfMemory": "yes"},
        ),
        ("slurmstepd: error: *** JOB 5 ON slurm-node1 CANCELLED AT 2026-11-26T17:43:06 ***", {}),
    ],
)
def test_memory_is_told_by_a_line_of_the_output(printed: str, told: dict[str, str]) -> None:
    assert records.memory_in(f"before\n{printed}\nafter") == told
