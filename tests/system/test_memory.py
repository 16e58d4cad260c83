"""Payloads of any size arrive, and nobody needs more memory than what is under way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler
from gridengine.states import DeathCause
from gridengine.worker import os_support

from .. import targets
from . import memory_programs
from .memory_limit import NoLimit, memory_limit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

MEGA = 1_000_000

#: What a map may have handed out of large arguments, beside one for each worker.
AHEAD = 256 * 1024 * 1024


def large(*values: int) -> object:
    return pytest.param(*values, marks=pytest.mark.large)


@pytest.mark.parametrize("array", [0, 1], ids=["bytes", "array"])
@pytest.mark.parametrize("size", [100 * MEGA, large(3000 * MEGA)])
def test_an_argument_and_a_result_of_any_size_arrive_right(size: int, array: int) -> None:
    seen = memory_programs.run("travel", size, array)
    # Its figures, for who asks for them with -s.
    print(f"{size / 1e9:g} GB: {seen['there']:.1f} s there, {seen['back']:.1f} s back")
    assert [size, 1, 2] == seen["argument"] == seen["result"]


@pytest.mark.parametrize("count", [10_000, large(100_000)])
def test_results_that_are_read_late_take_the_room_of_the_list_and_no_more(count: int) -> None:
    size = 10_000
    seen = memory_programs.run("many_results", count, size)
    assert seen["right"]
    room = 1.1 * count * size + 10 * MEGA
    assert seen["resident"] < room, seen
    # Nor do they wait in the memory of the workers.
    assert seen["shared"] < room / 4, seen


@pytest.mark.parametrize("chunksize", [0, 1])
@pytest.mark.parametrize("size", [100_000, 4 * MEGA])
def test_workers_that_do_not_read_are_handed_no_more_than_is_under_way(
    size: int, chunksize: int
) -> None:
    seen = memory_programs.run("stopped_workers", size, chunksize)
    most = AHEAD + 4 * size
    assert seen["drawn"] <= most, seen
    assert seen["shared"] <= most, seen
    # The arguments themselves, for a death certificate, and packed.
    assert seen["resident"] <= 1.1 * 2 * most + 10 * MEGA, seen


def test_a_job_that_the_kernel_kills_for_want_of_memory_says_so() -> None:
    limit = 256 * MEGA
    try:
        with memory_limit(limit) as wrapper:
            seen = memory_programs.run("out_of_memory", 4 * limit, wrapper=wrapper)
    except NoLimit as reason:
        pytest.skip(str(reason))
    assert (DeathCause.OUT_OF_MEMORY.value, signal.SIGKILL.name) == (seen["cause"], seen["signal"])
    assert "out of memory" in seen["message"]
    assert [0, 1, 4] == seen["after"], "its worker was replaced"


COUNTERS = "memory.oom_control", "memory.events"


def die_after_another(wrapper: list[str]) -> None:
    greedy = [*wrapper, sys.executable, "-c", "b'x' * 1_000_000_000"]
    assert -signal.SIGKILL == subprocess.run(greedy, timeout=30).returncode
    targets.kill_self()


def test_what_the_kernel_kills_elsewhere_is_not_held_against_a_job() -> None:
    if not any(map(os.path.exists, os_support._files_of_own_group(*COUNTERS))):
        pytest.skip("the kernel does not count for this control group")
    try:
        with memory_limit(64 * MEGA) as wrapper, ProcessScheduler(1) as scheduler:
            job = gridengine.Job(
                target=die_after_another, args=(wrapper,), scheduler=scheduler, retries=0
            )
            job.start()
            error = job.exception
    except NoLimit as reason:
        pytest.skip(str(reason))
    assert isinstance(error, gridengine.JobDied), error
    assert DeathCause.KILLED is error.death.cause
