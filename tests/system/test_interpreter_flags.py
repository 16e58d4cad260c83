"""Workers are started with the flags of the program's interpreter, here and on nodes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = f"""
import sys
# Without site, or PYTHONPATH, it finds nothing by itself.
sys.path += {[str(ROOT), *filter(None, sys.path)]!r}
import gridengine

def look(_):
    import os, sys
    # The mode of UTF-8 is the locale's affair, too, and a queue job has its node's.
    flags = [part for part in repr(sys.flags).split(", ") if "utf8_mode" not in part]
    return flags, sys.warnoptions, sys._xoptions, __debug__, os.environ.get("PYTHONHOME")

def warn(_):
    import warnings
    warnings.warn("of a job")

def scheduler(where):
    if where == "cluster":
        return gridengine.schedulers.GridEngineScheduler()
    if where == "tcp":
        from tests.system.peers import OverTcp
        return OverTcp(1)
    return gridengine.schedulers.ProcessScheduler(1)

if __name__ == "__main__":
    with scheduler(sys.argv[1]) as where:
        (there,) = gridengine.map(look, [0], scheduler=where)
        assert there == look(0), (there, look(0))
        (warned,) = gridengine.map(warn, [0], scheduler=where, reraise=False)
        print(type(warned).__name__)
"""

FLAGS = [
    [], ["-I"], ["-E"], ["-s"], ["-S"], ["-B"], ["-O"], ["-OO"], ["-b"], ["-bb"], ["-d"], ["-q"],
    ["-u"], ["-W", "error"], ["-W", "ignore", "-W", "error::UserWarning"], ["-X", "dev"],
    ["-X", "importtime"], ["-X", "utf8"], ["-X", "faulthandler"], ["-X", "tracemalloc=3"],
    ["-I", "-S", "-B", "-OO", "-bb", "-W", "error", "-X", "dev"],
]  # fmt: skip
if sys.version_info >= (3, 11):
    FLAGS.append(["-P"])


def run(
    flags: list[str], where: str, folder: Path, environ: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    cleared = {n: v for n, v in os.environ.items() if not n.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, *flags, str(program), where],
        cwd=folder,
        env={**cleared, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def check(flags: list[str], where: str, folder: Path) -> None:
    done = run(flags, where, folder)
    raises = "error" in " ".join(flags).replace("error::UserWarning", "error")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("UserWarning\n" if raises else "NoneType\n"), done.stderr
    if "importtime" not in flags and "dev" not in flags:
        # Its own warnings are nothing to the program, and end no supervisor.
        assert "Warning" not in done.stderr.replace("UserWarning: of a job", "")


@pytest.mark.parametrize("where", ["cores", pytest.param("tcp", marks=pytest.mark.slow)])
@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_jobs_have_the_flags_of_the_program(flags: list[str], where: str, tmp_path: Path) -> None:
    check(flags, where, tmp_path)


@pytest.mark.cluster
@pytest.mark.parametrize(
    "flags",
    [["-I", "-B"], ["-E", "-s", "-O"], ["-I", "-S", "-OO", "-bb", "-W", "error", "-X", "dev"]],
    ids=" ".join,
)
@pytest.mark.usefixtures("cluster")
def test_jobs_on_nodes_have_them_too(flags: list[str], tmp_path: Path) -> None:
    check(flags, "cluster", tmp_path)


@pytest.mark.parametrize(
    "environ",
    [{"PYTHONDONTWRITEBYTECODE": "1"}, {"PYTHONWARNINGS": "error"}, {"PYTHONOPTIMIZE": "2"}],
    ids=str,
)
@pytest.mark.parametrize("where", ["cores", pytest.param("tcp", marks=pytest.mark.slow)])
def test_jobs_have_what_variables_say(environ: dict[str, str], where: str, tmp_path: Path) -> None:
    done = run([], where, tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("UserWarning\n" if "error" in environ.values() else "NoneType\n")


EVIL = """
with open({mark!r}, "a") as file:
    import sys
    print(__name__, sys.orig_argv, file=file)
"""


def evil(folder: Path) -> tuple[Path, dict[str, str]]:
    """A folder for PYTHONPATH, where somebody else has put modules that leave a mark."""
    place, mark = folder / "evil", folder / "mark"
    place.mkdir()
    for name in ("sitecustomize", "queue_session", "msgspec"):
        (place / f"{name}.py").write_text(EVIL.format(mark=str(mark)), encoding="utf-8")
    return mark, {"PYTHONPATH": str(place)}


@pytest.mark.parametrize("flag", ["-I", "-E"])
@pytest.mark.parametrize("where", ["cores", pytest.param("tcp", marks=pytest.mark.slow)])
def test_modules_of_pythonpath_run_nowhere_if_the_program_is_isolated(
    flag: str, where: str, tmp_path: Path
) -> None:
    mark, environ = evil(tmp_path)
    done = run([flag], where, tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert not mark.exists(), mark.read_text()


@pytest.mark.cluster
@pytest.mark.usefixtures("cluster")
def test_nor_on_nodes_nor_in_the_process_that_speaks_to_the_grid_engine(tmp_path: Path) -> None:
    mark, environ = evil(tmp_path)
    done = run(["-I"], "cluster", tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert not mark.exists(), mark.read_text()


def test_they_would_run_in_a_supervisor_if_it_were_not(tmp_path: Path) -> None:
    mark, environ = evil(tmp_path)
    (tmp_path / "evil" / "msgspec.py").unlink()
    run([], "cores", tmp_path, environ)
    assert f"{os.sep}worker'" in mark.read_text()
