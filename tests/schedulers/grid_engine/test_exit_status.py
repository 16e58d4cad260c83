"""The rules that make a cause of the evidence; the evidence is what a Grid Engine 8.1.9 gave."""

from __future__ import annotations

from typing import Any

import pytest

from gridengine.schedulers.grid_engine.exit_status import judge
from gridengine.schedulers.grid_engine.request import Request
from gridengine.schedulers.queue_session.process.messages import QueueJobEnd
from gridengine.states import DeathCause


def _over(accounting: dict[str, str] | None = None, **given: Any) -> QueueJobEnd:
    fields: dict[str, Any] = {
        "queue_job": "7.1",
        "exited": False,
        "status": 0,
        "signal": "",
        "aborted": False,
        "deleted": False,
        "usage": {},
    }
    return QueueJobEnd(**{**fields, **given}, accounting=accounting or {})


_ACCOUNTS = {
    "h_rt": {
        "failed": "37 : qmaster enforced h_rt, h_cpu, or h_vmem limit",
        "exit_status": "137 (Killed)",
        "ru_wallclock": "4s",
        "maxvmem": "3.125MB",
    },
    "killed": {
        "failed": "100 : assumedly after job",
        "exit_status": "137 (Killed)",
        "ru_wallclock": "2s",
        "maxvmem": "1.050GB",
    },
    "never ran": {"failed": "26 : opening input/output file", "exit_status": "0"},
    "fine": {"failed": "0", "exit_status": "0", "ru_wallclock": "9s"},
    "status 3": {"failed": "0", "exit_status": "3", "ru_wallclock": "9s"},
}


@pytest.mark.parametrize(
    ("account", "detail"),
    [
        ({}, "DRMAA: deleted before it ran"),
        ({"deleted_by": "root"}, "DRMAA: deleted before it ran, by root"),
    ],
)
def test_a_pending_one_that_is_deleted_says_so_and_by_whom_where_that_is_known(
    account: dict[str, str], detail: str
) -> None:
    assert judge(_over(account, aborted=True), Request.of()).detail == detail


@pytest.mark.parametrize(
    ("over", "asked", "exitcode", "cause"),
    [
        (_over(exited=True), {}, 0, DeathCause.EXITED),
        (_over(exited=True, status=7), {}, 7, DeathCause.EXITED),
        (_over(signal="SIGSEGV"), {}, -11, DeathCause.CRASHED),
        (_over(signal="SIGABRT"), {}, -6, DeathCause.CRASHED),
        (_over(signal="SIGKILL"), {}, -9, DeathCause.KILLED),
        (_over(signal="SIGKILL", usage={"ru_wallclock": "4.0"}), {"h_rt": 3}, -9, "OVER_TIME"),
        (_over(signal="SIGKILL", usage={"ru_wallclock": "1.0"}), {"h_rt": 30}, -9, "KILLED"),
        (_over(_ACCOUNTS["h_rt"], signal="SIGKILL"), {"h_rt": 3}, -9, "OVER_TIME"),
        # The limit is that of the queue, and nothing was asked for.
        (_over(_ACCOUNTS["h_rt"], signal="SIGKILL"), {}, -9, "OVER_TIME"),
        (_over(_ACCOUNTS["killed"], signal="SIGKILL"), {"h_vmem": "1G"}, -9, "OUT_OF_MEMORY"),
        (_over(_ACCOUNTS["killed"], signal="SIGKILL"), {"h_vmem": "4G"}, -9, "KILLED"),
        # malloc() failed at the limit, and the program gave up: by an exception, or abort().
        (
            _over(exited=True, status=1, usage={"acct_maxvmem": "100000000"}),
            {"h_vmem": "100M"},
            1,
            "OUT_OF_MEMORY",
        ),
        (
            _over(signal="SIGABRT", usage={"acct_maxvmem": "100000000"}),
            {"h_vmem": "100M"},
            -6,
            "OUT_OF_MEMORY",
        ),
        (_over(exited=True, usage={"acct_maxvmem": "100000000"}), {"h_vmem": "100M"}, 0, "EXITED"),
        (_over(aborted=True), {}, None, "KILLED"),
        (_over(aborted=True, deleted=True), {}, None, "KILLED"),
        (_over(_ACCOUNTS["never ran"], aborted=True), {}, None, "UNKNOWN"),
        # DRMAA has lost it.
        (_over(), {}, None, "UNKNOWN"),
        (_over(_ACCOUNTS["fine"]), {}, 0, "EXITED"),
        (_over(_ACCOUNTS["status 3"]), {}, 3, "EXITED"),
        (_over(_ACCOUNTS["h_rt"]), {"h_rt": 3}, -9, "OVER_TIME"),
    ],
)
def test_the_cause_of_an_end(
    over: QueueJobEnd, asked: dict[str, Any], exitcode: int | None, cause: DeathCause | str
) -> None:
    end = judge(over, Request.of(**asked))
    expected = DeathCause[cause] if isinstance(cause, str) else cause
    assert (exitcode, expected) == (end.exitcode, end.cause)


def test_the_batch_systems_own_words_are_kept() -> None:
    end = judge(_over(_ACCOUNTS["killed"], signal="SIGKILL"), Request.of(h_vmem="1G"))
    assert (
        "qacct: failed 100 : assumedly after job, exit_status 137 (Killed), maxvmem 1.05G, "
        "ru_wallclock 2 s"
    ) == end.detail
    assert "h_vmem: peak 1.05G of 1G; ask for more" == end.advice
    assert (2**30, 2.0) == (end.requested_memory, end.wall_time)


def test_the_advice_for_time_says_how_much_it_was() -> None:
    end = judge(_over(_ACCOUNTS["h_rt"], signal="SIGKILL"), Request.of(h_rt=3))
    assert "h_rt: ran 4 s of 3 s; ask for more" == end.advice


def test_the_masters_reason_comes_first() -> None:
    account = {**_ACCOUNTS["never ran"], "reason": "failed on host n1 because: no such file"}
    end = judge(_over(account, aborted=True), Request.of())
    assert end.detail.startswith("qacct: failed on host n1 because: no such file, failed 26")


def test_memory_is_granted_for_each_slot() -> None:
    request = Request.of(slots=4, parallel_environment="smp", h_vmem="1G")
    assert 4 * 2**30 == judge(_over(exited=True), request).requested_memory


@pytest.mark.parametrize(
    ("over", "by_others"),
    [
        (_over({"deleted_by": "root"}, aborted=True), True),
        (_over(aborted=True, usage={"ru_wallclock": "3"}), True),
        (_over({"deleted_by": "root@host", "failed": "100", "exit_status": "137"}), True),
        (_over(aborted=True, deleted=True), False),
        (_over({"deleted_by": "NONE", "failed": "100", "exit_status": "137"}), False),
        (_over(_ACCOUNTS["never ran"], aborted=True), False),
        (_over(signal="SIGKILL"), False),
    ],
)
def test_one_that_somebody_has_deleted_is_told_from_others(
    over: QueueJobEnd, by_others: bool
) -> None:
    assert judge(over, Request.of()).by_others is by_others
