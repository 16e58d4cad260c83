"""What is written down about another queue job of the same number is not believed."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable

import pytest

from gridengine.schedulers.grid_engine.batch_system.identity import identity
from gridengine.schedulers.grid_engine.batch_system.qacct import (
    deletion_in,
    is_of,
    reason_in,
    records,
)
from gridengine.schedulers.grid_engine.batch_system.timestamps import CLOCKS, seconds_of
from gridengine.schedulers.queue_session.process import commands
from gridengine.schedulers.queue_session.process.registry import Registry

from ...conftest import StandIn, Talk

Open = Callable[..., Talk]

_RECORD = """\
==============================================================
qname        all.q
owner        {owner}
jobname      job
jobnumber    '$2'
taskid       1
qsub_time    {time}
failed       0
exit_status  {status}
"""


def _qacct(stand_in: StandIn, *told: tuple[str, float, int]) -> None:
    """Installs a ``qacct`` that has these owners, times and statuses for whatever it is asked."""
    text = "".join(
        _RECORD.format(owner=owner, time=time.asctime(time.gmtime(when)), status=status)
        for owner, when, status in told
    )
    # That of the caller is another in which the test may run.
    stand_in.command("qacct", f"[ \"$TZ\" = UTC0 ] && echo '{text}'")


def test_only_the_record_of_this_user_and_this_submission_counts(
    stand_in: StandIn, talk: Open
) -> None:
    own, now = commands.user(), time.time()
    _qacct(
        stand_in,
        ("mallory", now, 91),
        (own, 1e9, 92),
        # Started, put back, and started again.
        (own, now, 6),
        (own, now, 7),
        (own, now - 2 * CLOCKS, 93),
        ("mallory", now, 94),
    )
    one = talk()
    one.start("exit 7")
    end = one.explained(one.submitted()[0])
    assert (7, "qacct: exit_status 7, maxvmem 1M") == (end.exitcode, end.detail)


def test_where_there_is_no_such_record_nothing_is_made_up(stand_in: StandIn, talk: Open) -> None:
    _qacct(stand_in, ("mallory", time.time(), 91), (commands.user(), 1e9, 92))
    one = talk()
    one.start("exit 7")
    end = one.explained(one.submitted()[0])
    assert (7, "DRMAA: exit status 7, maxvmem 1M") == (end.exitcode, end.detail)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu Nov 26 05:13:33 2026", calendar.timegm((2026, 11, 26, 5, 13, 33))),
        ("Sun Nov  1 05:13:33 2026", calendar.timegm((2026, 11, 1, 5, 13, 33))),
        ("11/26/2026 05:13:33.123", calendar.timegm((2026, 11, 26, 5, 13, 33))),
        ("2026-11-26 05:13:33.123456", calendar.timegm((2026, 11, 26, 5, 13, 33))),
        ("-/-", 0),
        ("", 0),
        ("26.11.2026 05:13:33", 0),
    ],
)
def test_times_are_read_as_each_grid_engine_writes_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_what_no_time_is_noted_of_is_known_by_its_owner_alone() -> None:
    assert is_of({"owner": "alice", "qsub_time": "-/-"}, "alice", None)
    assert not is_of({"owner": "alice", "qsub_time": "-/-"}, "alice", 1e9)
    assert not is_of({"owner": "mallory"}, "alice", None)
    assert not is_of({}, "alice", None)


def test_the_time_of_a_submission_is_noted_and_outlives_its_process(tmp_path: object) -> None:
    path = f"{tmp_path}/run/sessions/some.json"
    before = time.time()
    Registry(path, 1, identity({})).add(["21.1", "21.2"], "job")
    other = Registry(path, 1, identity({}))
    other.add(["21.1"], "")
    noted = other.submitted("21.2")
    assert noted is not None
    assert before <= noted <= time.time()
    # That of which nobody has noted it is adopted without.
    other.add(["22.1"], "")
    assert other.submitted("22.1") is other.submitted("23.1") is other.submitted("1.1") is None


def test_the_name_of_a_job_makes_no_record() -> None:
    text = "=" * 62 + "\nowner mallory\njobname a" + "=" * 62 + " owner alice\njobnumber 23\n"
    [(queue_job, record)] = records(text)
    assert ("23.1", "mallory") == (queue_job, record["owner"])


_DAY = calendar.timegm((2026, 11, 26, 12, 0, 0))


def test_the_masters_word_on_a_number_that_was_another_ones_does_not_count() -> None:
    old = (
        "01/02/2020 01:34:14|worker|ge-submit|I|mallory has deleted job 51\n"
        "01/02/2020 01:34:14|worker|ge-submit|W|job 51.1 failed on host n1 because: of old\n"
    )
    assert deletion_in(old, "51.1", _DAY) == reason_in(old, "51.1", _DAY) == {}
    # A master says its own time, wherever it is.
    for clock in ("11/25/2026 23:00:00", "11/26/2026 12:00:00.123", "11/27/2026 02:00:00"):
        text = f"{old}{clock}|worker|ge-submit|I|alice has deleted job 51\n"
        assert deletion_in(text, "51.1", _DAY) == {"deleted_by": "alice"}


@pytest.mark.parametrize(
    "said",
    [
        "mallory has deleted job 121",
        "mallory has deleted job 215",
        "mallory has deleted job-array task 21.12",
        "mallory has deleted job-array task 121.1",
        "job 5.1 failed on host n1 because: can't chdir to /tmp/|mallory has deleted job 21",
    ],
)
def test_another_number_or_a_quotation_is_no_word_on_a_queue_job(said: str) -> None:
    assert deletion_in(f"11/26/2026 12:00:00|worker|host|I|{said}\n", "21.1", _DAY) == {}


@pytest.mark.parametrize(
    "said",
    [
        "job 121.1 failed on host n1 because: of mallory",
        "job 21.12 failed on host n1 because: of mallory",
        "job 5.1 failed on host n1 because: can't chdir to /tmp/job 21.1 failed on host n2",
    ],
)
def test_another_number_or_a_quotation_is_no_reason(said: str) -> None:
    assert reason_in(f"11/26/2026 12:00:00|worker|host|W|{said}\n", "21.1", _DAY) == {}


@pytest.mark.parametrize(
    "what", ["deleted job-array task {}", "registered the job-array task {} for deletion"]
)
def test_who_deleted_a_task_of_an_array_is_found(what: str) -> None:
    text = f"11/26/2026 12:00:00|worker|host|I|alice has {what.format('21.1')}\n"
    assert deletion_in(text, "21.1", _DAY) == {"deleted_by": "alice"}
    assert deletion_in(text, "21.2", _DAY) == {}
