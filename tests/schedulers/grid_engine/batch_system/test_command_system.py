"""What qsub is told, and what it prints; the samples are of a Grid Engine 8.1.9."""

from __future__ import annotations

import os

import pytest

from gridengine.schedulers.grid_engine.batch_system.answers import sorted_answer
from gridengine.schedulers.grid_engine.batch_system.command_system import job_number, submission
from gridengine.schedulers.grid_engine.batch_system.qstat import job_with
from gridengine.schedulers.queue_session.process.batch_system import (
    Denied,
    Limited,
    TooLarge,
    Unreachable,
)
from gridengine.schedulers.queue_session.process.messages import Submit


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("1.1-1:1\n", "1"),
        ("5.1-10:1\n", "5"),
        ("17\n", "17"),
        ("welcome to the cluster\nyou have 3 jobs\n5.1-10:1\n", "5"),
        ("5.1-10:1\nthank you\n", "5"),
        ('Your job-array 9.1-3:1 ("x") has been submitted\n', "9"),
        ('Your job 9 ("x") has been submitted\n', "9"),
        ("", ""),
        ("thank you", ""),
    ],
)
def test_the_number_of_what_was_submitted_is_found(said: str, number: str) -> None:
    assert job_number(said) == number


def test_a_submission_says_last_what_must_hold() -> None:
    order = Submit(1, ("/py", "-t", "9 9"), 3, "x", '-r n -l h="a|b" -N other', "/run/logs")
    told = submission(order, 2, "abc")
    assert told[:2] == ["-w", "e"]
    assert told[2:8] == ["-r", "n", "-l", "h=a|b", "-N", "other"]
    assert told[-3:] == ["/py", "-t", "9 9"]
    assert told[told.index("-t") + 1] == "1-2"
    assert told[told.index("-o") + 1] == ":/run/logs/$JOB_ID.$TASK_ID.log"
    assert told.index("x") > told.index("other")


def test_nothing_is_written_where_nothing_is_to_be() -> None:
    told = submission(Submit(1, ("/py",), 1, "x", "", os.devnull), 1, "abc")
    assert told[told.index("-o") + 1] == ":/dev/null"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("job rejected: only 2 jobs are allowed per user (current job count: 3)", Limited),
        ("job rejected: you tried to submit a job with more than 75000 tasks", TooLarge),
        ('unable to send message to qmaster using port 1 on host "m": got send error', Unreachable),
        ("commlib error: got select error (Connection refused)", Unreachable),
        ('unknown resource "nosuch"', Denied),
        ('denied: host "ge-master" is not a submit host', Denied),
    ],
)
def test_answers_are_told_apart(text: str, kind: type[Exception]) -> None:
    assert type(sorted_answer(text)) is kind


_JOBS = """\
==============================================================
job_number:                 2
job_name:                   held
context:                    gridengine_submission=abc123
==============================================================
job_number:                 3
job_name:                   context: gridengine_submission=abc12
context:                    a=b,gridengine_submission=abc12
"""


def test_a_job_is_known_by_its_context() -> None:
    assert "2" == job_with("gridengine_submission", "abc123", _JOBS)
    assert "3" == job_with("gridengine_submission", "abc12", _JOBS)
    assert "" == job_with("gridengine_submission", "abc", _JOBS)
