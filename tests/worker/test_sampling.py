"""What a supervisor says of its workers, and what it takes to look."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from gridengine.transport.sample_messages import Sampled, WorkerSample
from gridengine.worker.process_facts import processor_time, state
from gridengine.worker.sampling import Sampling
from gridengine.worker.worker_process import WorkerProcess

from ..waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a process")

#: Seconds of processor time of 64 workers' samples, a second: 0.2 % of a core.
ALLOWED = 0.002

RUNS = ["while :; do :; done"]
RESTS = ["read line"]


@contextlib.contextmanager
def worker(script: list[str], number: int = 0) -> Iterator[WorkerProcess]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["/bin/sh", "-c", *script], stdin=pipe, start_new_session=True
    ) as process:
        made = WorkerProcess(number)
        made.pid = process.pid
        try:
            yield made
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            made.close()


class Looks:
    """A `Sampling` of one worker, whose clock is moved by hand."""

    def __init__(self, child: WorkerProcess) -> None:
        self.child = child
        self.said: list[Sampled] = []
        self.sampling = Sampling(1.0, self.said.append)
        self.now = time.monotonic()
        self.sampling.begin(self.now)

    def __call__(self, after: float = 1.0) -> WorkerSample:
        self.now += after
        self.sampling.look([self.child], self.now)
        [sample] = self.said.pop().samples
        return sample


@contextlib.contextmanager
def looks_at(script: list[str]) -> Iterator[Looks]:
    with worker(script) as child:
        looks = Looks(child)
        try:
            yield looks
        finally:
            looks.sampling.ended(child)
            looks.sampling.close()


def test_nothing_is_looked_at_before_an_interval_has_passed_nor_without_one() -> None:
    said: list[Sampled] = []
    with worker(RESTS) as child:
        sampling = Sampling(2.0, said.append)
        sampling.begin(100.0)
        assert sampling.due == 102.0
        sampling.look([child], 101.9)
        assert said == []
        sampling.look([], 102.0)
        assert said == []
        assert sampling.due == 104.0
        never = Sampling(0.0, said.append)
        never.begin(100.0)
        assert never.due == math.inf
        never.look([child], 1e9)
        assert said == []


def test_a_sample_says_which_worker_is_at_which_call_and_what_it_uses() -> None:
    with looks_at(RESTS) as looks:
        looks.child.page.claim(12, 3)
        # It has none while it begins.
        sample = wait_until(lambda: (each := looks()).rss and each, what="it has some memory")
        assert (sample.worker, sample.position, sample.width, sample.processes) == (0, 12, 3, 1)
        assert 0 < sample.rss <= sample.peak < 1 << 26
        assert sample.cpu < 1


def test_one_that_does_nothing_is_idle_until_it_begins_another_call() -> None:
    with looks_at(RESTS) as looks:
        looks.child.page.claim(0, 1)
        # What it did before may have been for another call.
        assert looks().idle == 0
        assert [looks().idle for _ in range(3)] == pytest.approx([1, 2, 3])
        looks.child.page.claim(1, 1)
        assert looks().idle == 0
        assert looks().idle == pytest.approx(1)


def test_one_that_runs_is_not_idle() -> None:
    with looks_at(RUNS) as looks:
        looks.child.page.claim(0, 1)
        before = looks().cpu
        wait_until(lambda: looks().cpu > before + 0.2, what="it has run")
        before = looks().cpu
        wait_until(
            lambda: (processor_time(looks.child.pid) or 0) > before + 0.05, what="it has run"
        )
        assert looks().idle == 0


def test_one_that_is_stopped_is_not_idle() -> None:
    with looks_at(RESTS) as looks:
        looks.child.page.claim(0, 1)
        looks()
        idle = looks().idle
        os.kill(looks.child.pid, signal.SIGSTOP)
        wait_until(lambda: state(looks.child.pid).startswith("T"), what="it is stopped")
        assert [looks().idle for _ in range(3)] == [idle] * 3
        os.kill(looks.child.pid, signal.SIGCONT)
        wait_until(lambda: looks().idle > idle, what="it goes on")


def test_the_time_in_which_the_supervisor_was_stopped_is_nobodys_idleness() -> None:
    with looks_at(RESTS) as looks:
        looks.child.page.claim(0, 1)
        looks()
        idle = looks().idle
        assert looks(after=3600.0).idle == idle
        assert looks().idle == pytest.approx(idle + 1)


def test_one_whose_job_has_jobs_under_way_is_not_idle() -> None:
    with looks_at(RESTS) as looks:
        looks.child.page.claim(0, 1)
        looks()
        looks.child.page.set_inner_jobs(looks.now + 1)
        assert [looks().idle for _ in range(3)] == [0, 0, 0]
        # It has none any more.
        assert [looks().idle for _ in range(3)] == pytest.approx([1, 2, 3])


def test_what_it_uses_is_told_as_long_as_it_lives() -> None:
    with worker(RESTS) as child:
        looks = Looks(child)
        looks()
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        looks.sampling.look([child], looks.now + 1)
        assert looks.said == []
        looks.sampling.ended(child)
        # So may one that was never looked at.
        looks.sampling.ended(child)


def cost(scripts: list[list[str]]) -> float:
    """Returns the seconds of processor time of one look at so many workers, as a rule."""
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(worker(s, n)) for n, s in enumerate(scripts)]
        said: list[Sampled] = []
        sampling = Sampling(1.0, said.append)
        now = time.monotonic()
        sampling.begin(now)
        times = []
        for _ in range(20):
            now += 1
            begin = time.process_time()
            sampling.look(children, now)
            times.append(time.process_time() - begin)
        assert len(said[-1].samples) == len(scripts)
        for child in children:
            sampling.ended(child)
        return sorted(times)[len(times) // 2]


@pytest.mark.alone
@pytest.mark.parametrize(
    ("script", "processes"),
    [(RESTS, 1), (["sleep 600; true"], 2)],
    ids=["by themselves", "with a child each"],
)
def test_to_look_at_64_workers_each_second_takes_a_five_hundredth_of_a_core(
    script: list[str], processes: int
) -> None:
    # Whatever else the host does takes its time, too.
    assert min(cost([script] * 64) for _ in range(5)) <= ALLOWED * processes
