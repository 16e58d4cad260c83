"""A distribution that names a scheduler in its metadata is enough to have it by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gridengine
from gridengine import plugins
from gridengine.schedulers.choice import check

MODULE = """
from gridengine.schedulers import ProcessScheduler

class Lent(ProcessScheduler):
    def __init__(self, desks=2, **others):
        super().__init__(desks, **others)

    def __repr__(self):
        return f"Lent({self.max_workers})"

def nothing():
    return 3
"""


def distribution(folder: Path, name: str, entries: str) -> None:
    """Lays a distribution into a folder, as pip does."""
    (folder / "lent_desks.py").write_text(MODULE)
    facts = folder / f"{name}-1.2.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{entries}")


@pytest.fixture
def desks(tmp_path: Path) -> Path:
    """A folder with a distribution that has schedulers of many kinds."""
    site = tmp_path / "site"
    site.mkdir()
    entries = "desks = lent_desks:Lent\nbroken = lent_desks:Absent\nthree = lent_desks:nothing\n"
    distribution(site, "lent-desks", entries)
    return site


def python(desks: Path, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(desks), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environ},
        cwd=desks,
        capture_output=True,
        text=True,
        timeout=60,
    )


SHOW = "import gridengine; print(gridengine.schedulers.best_available())"


def test_a_map_runs_on_a_plug_in_by_its_name(desks: Path) -> None:
    code = "import gridengine; print(gridengine.map(abs, [-1, -2], scheduler='desks'))"
    done = python(desks, code)
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")


def test_the_environment_names_a_plug_in(desks: Path) -> None:
    done = python(desks, SHOW, GRIDENGINE_SCHEDULER="desks")
    assert done.stdout == "Lent(2)\n", done.stderr


def test_a_file_names_a_plug_in_and_has_arguments_for_it(desks: Path) -> None:
    (desks / "gridengine.toml").write_text("scheduler = 'desks'\n[desks]\ndesks = 5\n")
    done = python(desks, SHOW)
    assert done.stdout == "Lent(5)\n", done.stderr


def test_an_argument_of_its_base_is_known_and_one_that_is_none_is_told(desks: Path) -> None:
    (desks / "gridengine.toml").write_text("scheduler = 'desks'\n[desks]\nfresh = true\n")
    assert python(desks, SHOW).stdout == "Lent(2)\n"
    (desks / "gridengine.toml").write_text("scheduler = 'desks'\n[desks]\ndeks = 5\n")
    assert "[desks] has no 'deks'; did you mean 'desks'?" in python(desks, SHOW).stderr


def test_the_command_line_takes_its_name_and_arguments(desks: Path) -> None:
    (desks / "inputs").write_text("-1\n-2\n")
    code = (
        "from gridengine.cli.main import main;"
        "main(['map', 'builtins:abs', 'inputs', '--scheduler', 'desks', '--workers', '3'])"
    )
    done = python(desks, code.replace("--workers", "--resources").replace("'3'", "'desks=3'"))
    assert "[desks] in GRIDENGINE_ARGUMENTS" in done.stderr  # a text, where a number is expected
    code = (
        "import sys; from gridengine.cli.main import parser;"
        "print(parser().parse_args(['doctor', '--scheduler', 'desks']).scheduler)"
    )
    assert python(desks, code).stdout == "desks\n"


def test_the_doctor_looks_at_a_plug_in(desks: Path) -> None:
    code = "import gridengine; print(gridengine.doctor('desks'))"
    assert "Lent(2), asked for" in python(desks, code).stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("broken", ("the scheduler 'broken' of lent-desks 1.2 cannot be imported from "
         "lent_desks:Absent: AttributeError")),
        ("three", "the scheduler 'three' of lent-desks 1.2 is 3, which is no"),
    ],
)  # fmt: skip
def test_a_broken_plug_in_is_told_with_its_distribution(desks: Path, name: str, told: str) -> None:
    done = python(desks, SHOW, GRIDENGINE_SCHEDULER=name)
    assert told in done.stderr


def test_two_distributions_with_the_same_name_are_told(desks: Path) -> None:
    distribution(desks, "other-desks", "desks = lent_desks:Lent\n")
    done = python(desks, SHOW, GRIDENGINE_SCHEDULER="desks")
    assert "lent-desks 1.2" in done.stderr
    assert "other-desks 1.2; uninstall one" in done.stderr


def test_a_name_that_is_none_is_told_with_those_that_are(desks: Path) -> None:
    done = python(desks, "import gridengine; gridengine.map(abs, [1], scheduler='desk')")
    assert "the names are 'process'" in done.stderr
    assert "'lsf', 'pbs', 'broken', 'desks', 'three'; did you mean 'desks'?" in done.stderr
    done = python(desks, SHOW, GRIDENGINE_SCHEDULER="desk")
    assert "did you mean 'desks'?" in done.stderr


def test_a_name_that_is_known_looks_for_no_plug_ins(desks: Path) -> None:
    (desks / "gridengine.toml").write_text("scheduler = 'process'\n[process]\nmax_workers = 1\n")
    code = (
        "import sys, gridengine\n"
        "assert gridengine.map(abs, [-1], scheduler='process') == [1]\n"
        "assert gridengine.schedulers.best_available().max_workers == 1\n"
        "from gridengine import plugins\n"
        "print(plugins._installed.cache_info().misses)"
    )
    done = python(desks, code)
    assert done.stdout == "0\n", done.stderr


def test_the_schedulers_of_this_package_are_found() -> None:
    for name in plugins.OURS:
        check(name)
        maker = plugins.load(name)
        assert issubclass(maker, gridengine.schedulers.Scheduler)  # type: ignore[arg-type]
