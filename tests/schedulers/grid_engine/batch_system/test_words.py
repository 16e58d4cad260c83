"""Reading what the Grid Engine's commands print; the samples are of a Grid Engine 8.1.9."""

from __future__ import annotations

import pytest

from gridengine.schedulers.grid_engine.batch_system.qacct import (
    deletion_in,
    flush_seconds,
    reason_in,
    records,
)
from gridengine.schedulers.grid_engine.batch_system.qstat import (
    error_reasons,
    listed,
)

_QSTAT = """<?xml version='1.0'?>
<job_info  xmlns:xsd="http://example.org/qstat.xsd">
  <queue_info>
    <job_list state="running">
      <JB_job_number>27</JB_job_number><state>r</state><tasks>3</tasks>
    </job_list>
  </queue_info>
  <job_info>
    <job_list state="pending">
      <JB_job_number>27</JB_job_number><state>qw</state><tasks>4-8:2,10</tasks>
    </job_list>
    <job_list state="pending">
      <JB_job_number>27</JB_job_number><state>Eqw</state><tasks>1,2</tasks>
    </job_list>
    <job_list state="pending">
      <JB_job_number>28</JB_job_number><state>qw</state>
    </job_list>
  </job_info>
</job_info>
"""


def test_states_of_tasks_in_ranges_are_found() -> None:
    wanted = frozenset({"27.2", "27.3", "27.5", "27.6", "27.10", "99.1"})
    found = dict(listed(_QSTAT, wanted))
    assert {"27.2": "Eqw", "27.3": "r", "27.6": "qw", "27.10": "qw"} == found


def test_reasons_of_eqw_are_found() -> None:
    text = (
        "job_number:                 21\n"
        "error reason          1:      11/21/2026 01:05:49 [0:20672]: error: can't chdir to /x: "
        "No such file or directory\n"
        "error reason         12:      11/21/2026 01:05:49 [0:20697]: error: can't chdir to /y\n"
        "scheduling info:            Job is in error state\n"
    )
    assert {
        "1": "error: can't chdir to /x: No such file or directory",
        "12": "error: can't chdir to /y",
    } == error_reasons(text)


def test_records_of_tasks_are_told_apart() -> None:
    text = """\
==============================================================
qname        all.q
jobnumber    23
taskid       1
failed       37  : qmaster enforced h_rt, h_cpu, or h_vmem limit
exit_status  137                  (Killed)
maxvmem      3.125MB
==============================================================
qname        all.q
jobnumber    23
taskid       2
failed       0
exit_status  0
"""
    found = dict(records(text))
    assert {"23.1", "23.2"} == found.keys()
    assert "137 (Killed)" == found["23.1"]["exit_status"]
    assert "37 : qmaster enforced h_rt, h_cpu, or h_vmem limit" == found["23.1"]["failed"]


def test_the_masters_last_word_on_a_queue_job_is_found() -> None:
    text = (
        "11/21/2026 01:05:50|worker|master|W|job 2.1 failed on host n1 general opening input/output"
        ' file because: 11/21/2026 01:05:49 [0:20708]: error: can\'t open "/x"\n'
        "11/21/2026 01:05:50|worker|master|W|rescheduling job 2.1\n"
    )
    reason = 'failed on host n1 general opening input/output file because: error: can\'t open "/x"'
    assert {"reason": reason} == reason_in(text, "2.1")
    assert {} == reason_in(text, "22.1")
    assert {} == reason_in(text, "2.11")


@pytest.mark.parametrize(
    ("reporting", "seconds"),
    [
        ("flush_time=00:00:15 joblog=false", 15.0),
        ("flush_time=00:01:00 accounting_flush_time=00:00:00", 0.0),
        ("accounting_flush_time=00:00:30 flush_time=00:01:00", 30.0),
        ("joblog=false", 15.0),
    ],
)
def test_it_is_read_how_late_accounting_may_come(reporting: str, seconds: float) -> None:
    text = f"mailer /bin/mail\nreporting_params accounting=true reporting=false \\\n  {reporting}\n"
    assert flush_seconds(text) == seconds


def test_the_masters_messages_say_who_deleted_a_queue_job() -> None:
    text = (
        "11/26/2026 01:34:14|worker|ge-submit|I|root has deleted job 51\n"
        "11/26/2026 01:34:15|worker|ge-submit|I|alice has deleted job 5\n"
        "11/26/2026 01:34:19|worker|ge-submit|I|bob has registered the job 6 for deletion\n"
    )
    assert deletion_in(text, "5.3") == {"deleted_by": "alice"}
    assert deletion_in(text, "6.1") == {"deleted_by": "bob"}
    assert deletion_in(text, "7.1") == {}
