"""Why queue jobs wait, said by a job, a map, and a table, on a real Grid Engine."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import gridengine
from gridengine import Job, JobState
from gridengine.schedulers import GridEngineScheduler

from ...cluster import Cluster
from ...waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.site]

Trouble = Callable[[Cluster, Path], AbstractContextManager[None]]


def by_qmod(begin: str, end: str) -> Trouble:
    """Returns what puts all queues into a state for a while."""

    @contextlib.contextmanager
    def trouble(cluster: Cluster, _: Path) -> Iterator[None]:
        cluster.run(["qmod", begin, cluster.queue])
        try:
            yield
        finally:
            cluster.run(["qmod", end, cluster.queue])

    return trouble


@contextlib.contextmanager
def none(cluster: Cluster, _: Path) -> Iterator[None]:
    """Is no trouble of the site's."""
    yield


@contextlib.contextmanager
def in_error(cluster: Cluster, _: Path) -> Iterator[None]:
    """Has all queues be in error."""
    for node in cluster.nodes:
        cluster.fail_queue(node)
    try:
        yield
    finally:
        cluster.run(["qmod", "-c", cluster.queue])


@contextlib.contextmanager
def others(cluster: Cluster, slots: int) -> Iterator[None]:
    """Has queue jobs that are not the program's take some slots."""
    options = ["-terse", "-b", "y", "-o", "/dev/null", "-j", "y", "-t", f"1-{slots}"]
    number = cluster.run(["qsub", *options, "sleep", "600"]).stdout.partition(".")[0]
    try:
        running = lambda: sum(each.state == "r" for each in cluster.qstat()) == slots  # noqa: E731
        wait_until(running, what="the others run")
        yield
    finally:
        cluster.run(["qdel", number])
        wait_until(lambda: not cluster.qstat(), what="the others are gone")


@contextlib.contextmanager
def full(cluster: Cluster, _: Path) -> Iterator[None]:
    """Has all slots be taken."""
    with others(cluster, cluster.slots * len(cluster.nodes)):
        yield


@contextlib.contextmanager
def one_running_job_each(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Has the site run one job of a user at a time, and keep no reasons; there is one."""
    before = cluster.run(["qconf", "-ssconf"]).stdout
    changed = re.sub(r"^maxujobs .*$", "maxujobs 1", before, flags=re.MULTILINE)
    changed = re.sub(r"^schedd_job_info .*$", "schedd_job_info false", changed, flags=re.MULTILINE)
    (folder / "before").write_text(before)
    (folder / "changed").write_text(changed)
    cluster.run(["qconf", "-Msconf", str(folder / "changed")])
    try:
        with others(cluster, 1):
            yield
    finally:
        cluster.run(["qconf", "-Msconf", str(folder / "before")])


@contextlib.contextmanager
def one_job_each(cluster: Cluster, _: Path) -> Iterator[None]:
    """Has the site take one job of a user at a time; there is one."""
    with cluster.limited(max_u_jobs="1"), others(cluster, 1):
        yield


@contextlib.contextmanager
def quota(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Has a quota of one slot for each user, which is used up."""
    rule = "{\n name one\n description NONE\n enabled TRUE\n limit users {*} to slots=1\n}\n"
    (folder / "one").write_text(rule)
    cluster.run(["qconf", "-Arqs", str(folder / "one")])
    try:
        with others(cluster, 1):
            yield
    finally:
        cluster.run(["qconf", "-drqs", "one"])


@pytest.mark.parametrize(
    ("trouble", "request_", "reason"),
    [
        (by_qmod("-d", "-e"), {}, r"queue all\.q is disabled on ge-node1, ge-node2"),
        pytest.param(
            by_qmod("-sq", "-usq"),
            {},
            r"queue all\.q is suspended on ge-node1, ge-node2",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            in_error,
            {},
            r"queue all\.q is in error on ge-node1, ge-node2 \(queue all\.q marked",
            marks=pytest.mark.slow,
        ),
        (
            none,
            {"mem_free": "900G", "native": "-w n"},
            r"mem_free=900G is more than any host has left now \(\d",
        ),
        (none, {"native": "-h"}, r"it is held \(state hqw\); `qrls \d+` releases it"),
        (full, {}, r"all slots of queue all\.q on ge-node1, ge-node2 are taken"),
        pytest.param(
            quota, {}, r"resource quota one/1 is used up \(slots=1/1\)", marks=pytest.mark.slow
        ),
        (one_running_job_each, {}, r"your limit of 1 running at once is reached \(maxujobs"),
    ],
    ids=["disabled", "suspended", "error", "memory", "hold", "full", "quota", "maxujobs"],
)
def test_a_job_says_what_its_queue_job_waits_for(
    cluster: Cluster,
    tmp_path: Path,
    trouble: Trouble,
    request_: dict[str, str],
    reason: str,
) -> None:
    with trouble(cluster, tmp_path), GridEngineScheduler(**request_) as scheduler:  # type: ignore[arg-type]
        job = Job(target=abs, args=(-3,), scheduler=scheduler)
        job.start()
        said = rf"waits for a worker: 1 queue job waits: {reason}"
        wait_until(lambda: re.match(said, job.state_reason), what="the reason", timeout=30)
        assert re.search(reason, scheduler._repr_html_().replace("\xa0", " "))
        job.kill()
        job.join()


def test_a_job_says_why_its_queue_job_is_not_taken(cluster: Cluster, tmp_path: Path) -> None:
    with one_job_each(cluster, tmp_path), GridEngineScheduler() as scheduler:
        job = Job(target=abs, args=(-3,), scheduler=scheduler)
        job.start()
        said = (
            r"waits for a worker: 1 queue job is not taken by the batch system yet: .*only 1 job"
            r".*; tried again every 5 s"
        )
        wait_until(lambda: re.match(said, job.state_reason), what="the reason", timeout=30)
        job.kill()
        job.join()


@pytest.mark.slow
def test_a_map_and_a_pool_that_had_no_workers_in_time_say_why(
    cluster: Cluster, tmp_path: Path
) -> None:
    reason = r"; no worker is there: 2 queue jobs wait: queue all\.q is disabled on ge-node1"
    with by_qmod("-d", "-e")(cluster, tmp_path):
        with (
            GridEngineScheduler() as scheduler,
            pytest.raises(TimeoutError, match=rf"^the map was not .* 0 calls were{reason}"),
        ):
            gridengine.map(abs, [1, 2], scheduler=scheduler, timeout=12)
        with gridengine.Pool(2, scheduler=GridEngineScheduler()) as pool:
            with pytest.raises(TimeoutError, match=r"^there is no result within .*no worker is th"):
                pool.map_async(abs, [1, 2]).get(timeout=2)
            with pytest.raises(TimeoutError, match=r"^there is no result within .*no worker is th"):
                pool.imap(abs, [1, 2]).next(timeout=1)


def rest(seconds: float) -> float:
    """Takes its time."""
    import time

    time.sleep(seconds)
    return seconds


def test_a_job_in_a_suspended_queue_job_says_so(cluster: Cluster) -> None:
    with GridEngineScheduler() as scheduler:
        job = Job(target=rest, args=(600,), scheduler=scheduler)
        job.start()
        wait_until(lambda: job.state is JobState.RUNNING, what="it runs")
        # It is transferring ("t") for a moment.
        running = lambda: [each for each in cluster.qstat() if each.state == "r"]  # noqa: E731
        [queue_job] = wait_until(running, what="the batch system says so")
        cluster.run(["qmod", "-sj", f"{queue_job.job}"])
        said = r"its queue job \S+ is suspended by qmod -sj \(state s\)"
        wait_until(lambda: re.fullmatch(said, job.state_reason), what="the reason", timeout=40)
        cluster.run(["qmod", "-usj", f"{queue_job.job}"])
        wait_until(lambda: not job.state_reason, what="it goes on", timeout=40)
        job.kill()
        job.join()
