"""The first workers start before the program imports what it speaks to them with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import gridengine
from gridengine.dispatcher.early_start import EarlyStart
from gridengine.schedulers import ProcessScheduler

from ..waiting import wait_until

HEAVY = {
    "cloudpickle",
    "zmq",
    "msgspec",
    "typing",
    "enum",
    "re",
    "json",
    "subprocess",
    "tempfile",
    "inspect",
}


def modules_after(program: str) -> set[str]:
    """Returns the modules that a fresh interpreter has imported when it has run a program."""
    text = f"{program}\nimport sys; print(*sys.modules)"
    # Without site, which imports what it likes.
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{text}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_what_is_imported_before_the_first_worker_starts_is_light() -> None:
    program = (
        "import gridengine\n"
        "gridengine.map\n"
        "scheduler = gridengine.schedulers.ProcessScheduler(1)\n"
        "from gridengine.dispatcher.early_start import EarlyStart\n"
        "import os\n"
        "def stop(*_, **__):\n"
        "    print(*sys.modules)\n"
        "    sys.exit()\n"
        "os.posix_spawn = stop\n"
        "import threading\n"
        # -S is a flag, which a worker would be given.
        "from gridengine.transport import interpreter\n"
        "interpreter._FLAGS = tuple({*interpreter._FLAGS} - {'no_site'})\n"
        "EarlyStart(scheduler, 1)"
    )
    assert modules_after(f"import sys\n{program}").isdisjoint(HEAVY)


IMPORTABLE = """
from os.path import basename as function
"""
OF_THE_PROGRAM = """
import math
K = 2
class Pair:
    def __init__(self, x):
        self.x = math.sqrt(x) * K
def function(x):
    return Pair(int(x)).x
"""


@pytest.mark.parametrize(("define", "expected"), [(IMPORTABLE, ["4"]), (OF_THE_PROGRAM, [4.0])])
def test_functions_are_packed_and_unpacked_without_other_packages(
    define: str, expected: object
) -> None:
    loaded = modules_after(
        f"import gridengine\n{define}\n"
        "from gridengine.serialization.functions import pack_function\n"
        "pack_function(function)"
    )
    assert not loaded & {"cloudpickle", "dill"}
    answer = modules_after(
        f"import gridengine\n{define}\n"
        "import os\n"
        "def loaded():\n"
        "    return [name for name in ('cloudpickle', 'dill') if name in sys.modules]\n"
        "with gridengine.schedulers.ProcessScheduler(1) as scheduler:\n"
        f"    assert gridengine.map(function, ['4'], scheduler=scheduler) == {expected!r}\n"
        "    print(gridengine.map(lambda _: loaded(), [1], scheduler=scheduler))\n"
    )
    assert "[[]]" in answer


def _has(module: str) -> bool:
    import sys

    return module in sys.modules


@pytest.mark.skipif(sys.version_info < (3, 11), reason="msgspec needs it there")
def test_what_is_left_out_of_the_start_is_not_there_and_not_hidden() -> None:
    with ProcessScheduler(1) as scheduler:
        names = ["typing_extensions", "msgspec"]
        assert gridengine.map(_has, names, scheduler=scheduler) == [False, True]


def test_map_and_job_are_there_without_zeromq() -> None:
    assert modules_after("import gridengine; gridengine.map; gridengine.Job").isdisjoint(
        {"zmq", "msgspec", "subprocess"}
    )


WAITS = """
from gridengine.dispatcher.early_start import EarlyStart
from gridengine.schedulers import ProcessScheduler
ahead = EarlyStart(ProcessScheduler(2), calls=5)
print("ready", flush=True)
input()
"""


def test_a_supervisor_that_waits_for_what_it_is_told_ends_with_the_program() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        (supervisor,) = psutil.Process(program.pid).children()
        assert supervisor.cmdline()[-1] == str(program.pid)
        program.kill()
    wait_until(lambda: not supervisor.is_running(), what="the supervisor is gone")


def test_one_that_is_not_needed_ends_at_once_and_may_be_ended_again() -> None:
    ahead = EarlyStart(ProcessScheduler(2), calls=5)
    assert ahead.workers == 2
    ahead.close()
    ahead.close()
    assert psutil.Process().children() == []


def test_what_a_supervisor_is_told_may_be_longer_than_a_socket_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A megabyte, in parts: one variable may have 128 KiB (execve(2)).
    for number in range(10):
        monkeypatch.setenv(f"LONG_{number}", "x" * 100_000)
    with ProcessScheduler(1) as scheduler:
        assert gridengine.map(os.getenv, ["LONG_9"], scheduler=scheduler) == ["x" * 100_000]


def test_nothing_is_started_for_a_map_of_nothing() -> None:
    ahead = EarlyStart(ProcessScheduler(2), calls=0)
    assert ahead.workers == 0
    ahead.close()


def test_what_was_started_ends_if_the_dispatcher_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "often")
    with pytest.raises(gridengine.GridEngineError, match="HEARTBEAT"):
        gridengine.map(abs, [-1], scheduler=ProcessScheduler(1))
    assert list(tmp_path.iterdir()) == []
