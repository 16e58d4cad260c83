"""What is released can be built, is all that there is, and works where there is nothing else."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gridengine

from . import interpreters, release
from .release import Release

ROOT = Path(__file__).parent.parent
VERSION = gridengine.__version__

MISSING_TOOLS = [
    tool
    for tool in ("build", "check_wheel_contents", "twine", "uv")
    if importlib.util.find_spec(tool) is None
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="these are not git's files"),
    pytest.mark.skipif(bool(MISSING_TOOLS), reason="needs the extra `situations`"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """That of ``scripts/release``, or one of its own."""
    if folder := os.environ.get("DIST"):
        return release.found_in(ROOT / folder)
    return release.build(tmp_path_factory.mktemp("dist"))


def contents(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yields the files of an archive, those of the sources without the folder they are in."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist())
        return
    with tarfile.open(archive) as sources:
        for member in sources:
            file = sources.extractfile(member)
            if file is not None:
                yield member.name.partition("/")[2], file.read()


def test_it_is_called_after_its_version(built: Release) -> None:
    assert built.sources.name == f"gridengine-{VERSION}.tar.gz"
    assert built.wheel.name == f"gridengine-{VERSION}-py3-none-any.whl"


@pytest.mark.parametrize("command", [["twine", "check", "--strict"], ["check_wheel_contents"]])
def test_the_checks_of_the_field_find_nothing(built: Release, command: list[str]) -> None:
    archives = [built.wheel] if command[0] == "check_wheel_contents" else built
    done = subprocess.run(
        [sys.executable, "-m", *command, *map(str, archives)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout.lower() + done.stderr.lower()


def test_the_sources_are_all_that_git_has(built: Release) -> None:
    found = {name for name, _ in contents(built.sources)}
    made = {name for name in found if name.startswith("gridengine.egg-info/")} | {"PKG-INFO"}
    assert found - made == release.files()


def test_the_wheel_is_the_package_and_what_is_said_of_it(built: Release) -> None:
    found = {name for name, _ in contents(built.wheel)}
    about = f"gridengine-{VERSION}.dist-info"
    assert f"{about}/licenses/LICENSE" in found
    package = {name for name in found if not name.startswith(f"{about}/")}
    assert package == {name for name in release.files() if name.startswith("gridengine/")}


def test_nothing_in_it_is_of_this_machine(built: Release) -> None:
    here = [str(ROOT).encode(), socket.gethostname().encode()]
    for archive in built:
        for name, content in contents(archive):
            # A picture's bytes may be a short name by chance, and a word may have its letters.
            sought = here[:1] if b"\0" in content else here
            assert not [it for it in sought if re.search(rb"\b%s\b" % re.escape(it), content)], name


# -- where there is nothing else --------------------------------------------------------------


@pytest.fixture(scope="module", params=["oldest", "newest"])
def python(
    request: pytest.FixtureRequest, built: Release, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The interpreter of an environment with the wheel and what it needs.

    It is the oldest of those that are supported and on this machine, or the newest.
    """
    found = [path for each in interpreters.supported() if (path := interpreters.find(each))]
    base = found[0 if request.param == "oldest" else -1]
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(place)], check=True, timeout=60)
    inside = str(place / "bin/python")
    # Not by pip, of which each Python needs another version.
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", inside]
    subprocess.run([*uv, str(built.wheel)], check=True, timeout=80)
    return inside


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(python: str, tmp_path: Path) -> Run:
    """Runs its interpreter outside of the clone."""

    def run(*arguments: str, program: str = python, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {
            name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "GRIDENGINE_RUN_DIR")
        }
        return subprocess.run(
            [program, *arguments],
            cwd=tmp_path,
            env={**clean, "GRIDENGINE_SCHEDULER": "process", **env},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_four_libraries_are_all_that_it_needs(run: Run) -> None:
    names = run(
        "-c",
        "import importlib.metadata as m, json\n"
        "print(json.dumps([each.metadata['Name'] for each in m.distributions()]))",
    ).stdout
    needed = {"gridengine", "dill", "msgspec", "psutil", "pyzmq"}
    assert set(json.loads(names)) - {"tomli"} == needed


def test_its_example_runs(run: Run) -> None:
    done = run("-W", "error", "-m", "gridengine.example")
    host = re.escape(socket.gethostname())
    assert done.stderr == ""
    assert re.fullmatch(
        rf"gridengine {re.escape(VERSION)} with CPython 3\.\S+ on ProcessScheduler\(.*\)\n"
        rf"map: 8 calls in \d+\.\d\d s, 8 on {host}\n"
        rf"job: 1229 primes below 10,000, counted on {host}\n"
        r"job that fails: TypeError\(.*\)\n",
        done.stdout,
    )


def test_its_command_is_there(run: Run, python: str) -> None:
    command = str(Path(python).parent / "gridengine")
    assert run("--version", program=command).stdout == f"gridengine {VERSION}\n"
    assert "python -m gridengine.example" in run("--help", program=command).stdout
    done = run("reap", "--dry-run", program=command)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_help_is_for_users(run: Run) -> None:
    done = run("-c", "import gridengine; help(gridengine)")
    assert "Five names to begin with" in done.stdout
    assert f"VERSION\n    {VERSION}\n" in done.stdout
    assert "__getattr__" not in done.stdout


MISSING = {
    "joblib": "import gridengine.compat.joblib",
    "numpy": "import gridengine\n"
    "if __name__ == '__main__':\n"
    "    gridengine.map(lambda _: gridengine.seed_sequence(), range(2), seed=1)",
    "cluster": "import gridengine\n"
    "if __name__ == '__main__':\n"
    "    gridengine.map(abs, range(2), scheduler='grid_engine')",
}


@pytest.mark.parametrize("extra", MISSING)
def test_what_is_missing_names_its_extra(run: Run, tmp_path: Path, extra: str) -> None:
    library = tmp_path / "libdrmaa.so"
    library.touch()
    done = run("-c", MISSING[extra], DRMAA_LIBRARY_PATH=str(library), SGE_ROOT=str(tmp_path))
    assert done.returncode == 1
    assert f"pip install 'gridengine[{extra}]'" in done.stderr
