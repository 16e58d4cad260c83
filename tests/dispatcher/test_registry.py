"""Which dispatcher serves which scheduler: after a copy, a fork, an end."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

import gridengine
from gridengine import Job
from gridengine.dispatcher.registry import dispatcher_for, open_dispatchers
from gridengine.schedulers import ProcessScheduler

from .. import targets
from ..system.peers import OverTcp
from ..waiting import wait_until


def test_a_scheduler_has_the_same_dispatcher_until_it_is_closed() -> None:
    with ProcessScheduler(1) as scheduler:
        dispatcher = dispatcher_for(scheduler)
        assert dispatcher is dispatcher_for(scheduler)
        assert open_dispatchers() == [dispatcher]
    assert open_dispatchers() == []
    with scheduler:
        assert dispatcher is not dispatcher_for(scheduler)
        assert [9] == gridengine.map(targets.square, [3], scheduler=scheduler)


def test_equal_schedulers_have_dispatchers_of_their_own() -> None:
    with ProcessScheduler(1) as one, ProcessScheduler(1) as other:
        assert dispatcher_for(one) is not dispatcher_for(other)


def test_a_scheduler_in_use_is_copied_and_sent_as_a_description() -> None:
    with ProcessScheduler(3, fresh=True) as scheduler:
        dispatcher = dispatcher_for(scheduler)
        for other in (copy.copy(scheduler), pickle.loads(pickle.dumps(scheduler))):
            assert (other.max_workers, other.fresh) == (3, True)
            other.close()
            assert not dispatcher.closed


def _sum_of_squares(scheduler: ProcessScheduler, count: int) -> int:
    with scheduler:
        return sum(gridengine.map(targets.square, range(count), scheduler=scheduler))


def test_a_job_can_use_the_scheduler_that_it_runs_on() -> None:
    with ProcessScheduler(1) as scheduler:
        job = Job(target=_sum_of_squares, args=(scheduler, 4), scheduler=scheduler)
        job.start()
        assert job.result == 14


def test_what_a_closed_scheduler_had_is_let_go() -> None:
    scheduler = ProcessScheduler(1)
    dispatcher = weakref.ref(dispatcher_for(scheduler))
    scheduler.close()
    del scheduler
    wait_until(lambda: gc.collect() >= 0 and dispatcher() is None, what="the dispatcher is gone")


FORK = """
import os, sys
import gridengine
from gridengine.schedulers import ProcessScheduler
from tests.targets import square

scheduler = ProcessScheduler(1)
assert gridengine.map(square, [2], scheduler=scheduler) == [4]
child = os.fork()
# Both at once, with what was one scheduler.
assert gridengine.map(square, [3, 4], scheduler=scheduler) == [9, 16]
scheduler.close()
if not child:
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_fork_of_the_program_has_workers_of_its_own() -> None:
    # From Python 3.12 on a fork of a program with threads is warned of.
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


FORGETS = """
import os, sys
from gridengine import Job
from gridengine.schedulers import ProcessScheduler

Job(target=os.mkdir, args=(sys.argv[1],), scheduler=ProcessScheduler(1)).start()
"""


def test_a_job_that_nobody_remembers_is_waited_for_at_the_end(tmp_path: Path) -> None:
    done = tmp_path / "done"
    subprocess.run([sys.executable, "-c", FORGETS, str(done)], timeout=60, check=True)
    assert os.path.exists(done)


def _supervisor_and_blocked_signals(_: object) -> tuple[int, str]:
    status = Path("/proc/self/status").read_text()
    return os.getppid(), status.partition("SigBlk:")[2].split()[0]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_jobs_are_started_with_no_signal_blocked_whoever_starts_their_supervisor() -> None:
    with ProcessScheduler(1) as scheduler:
        seen = set()
        for _ in range(2):
            job = Job(target=_supervisor_and_blocked_signals, args=(1,), scheduler=scheduler)
            job.start()
            supervisor, blocked = job.result
            assert int(blocked, 16) == 0
            seen.add(supervisor)
            # The next one is started by the dispatcher's thread.
            os.kill(supervisor, signal.SIGKILL)
            staffing = dispatcher_for(scheduler)._state.staffing
            wait_until(
                lambda staffing=staffing: not staffing.supervisors, what="the supervisor is gone"
            )
        assert len(seen) == 2


def test_a_log_that_cannot_be_read_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with OverTcp(1) as scheduler:
        queue_jobs = dispatcher_for(scheduler)._queue_jobs
        os.rmdir(queue_jobs._logs)
        assert queue_jobs.output_of("1.1") == ""
        assert "cannot be read" in caplog.text
        os.mkdir(queue_jobs._logs)


PIPES = """
import os, signal, sys, time
import gridengine
from gridengine.dispatcher.registry import dispatcher_for
from gridengine.transport.messages import Stop
from gridengine.schedulers import ProcessScheduler
from tests.targets import pid, square
from tests.waiting import wait_until

# As programs do that are used in pipes, such as `program | head`.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
with ProcessScheduler(1) as scheduler:
    (worker,) = gridengine.map(pid, [1], scheduler=scheduler)
    dispatcher = dispatcher_for(scheduler)
    (address,) = dispatcher._state.ledger.workers

    def hang_up():
        os.kill(worker, signal.SIGKILL)
        # Until the kernel has closed its end.
        wait_until(lambda: open(f"/proc/{worker}/stat").read().split()[2] == "Z"
                   if os.path.exists(f"/proc/{worker}") else True, what="the worker is dead")
        for _ in range(10):
            dispatcher._connections.send(address, Stop())

    dispatcher._ask(hang_up)
    assert gridengine.map(square, [3], scheduler=scheduler) == [9]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_worker_that_hangs_up_does_not_end_a_program_that_is_used_in_pipes() -> None:
    done = subprocess.run([sys.executable, "-c", PIPES], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
