"""The first workers start before the program imports what it speaks to them with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gridengine
from gridengine.dispatcher.early_start import EarlyStart, launch_file
from gridengine.schedulers import ProcessScheduler

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


def test_a_supervisor_that_waits_for_its_launch_file_ends_with_the_program() -> None:
    ahead = EarlyStart(ProcessScheduler(2), calls=5)
    assert ahead.workers == 2
    assert not os.path.exists(launch_file(ahead.folder, 0, 2))
    ahead.close()
    ahead.close()
    assert not os.path.exists(ahead.folder)


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


def test_where_the_temporary_folder_has_too_long_a_path_another_one_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("x" * 80)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    with ProcessScheduler(1) as scheduler:
        assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
    assert list(deep.iterdir()) == []
