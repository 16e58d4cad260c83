"""The file with the keys: who may read it, and what is in it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gridengine.errors import GridEngineError
from gridengine.transport import launch_file as launch
from gridengine.transport.launch_file import (
    Launch,
    current_umask,
    import_path,
    thread_limits,
)
from gridengine.transport.private_files import make_folder

LAUNCH = Launch(
    endpoints=["tcp://10.0.0.1:54000", "tcp://[fe80::1]:54000"],
    server_key="s" * 40,
    public_key="p" * 40,
    secret_key="x" * 40,
    kind=2,
    workers=8,
    persistent=True,
    fresh=True,
    heartbeat=1.5,
    patience=12.0,
    parent=4711,
    queue_job="{JOB_ID}.{SGE_TASK_ID}",
    cwd="/somewhere/with space",
    sys_path=["/a", "/b,c"],
    when_silent=["a.module", "an argument"],
    devices=[{"CUDA_VISIBLE_DEVICES": "0,1"}, {"CUDA_VISIBLE_DEVICES": "2,3"}],
    environ={
        "COMMAS": "a,b=c,,",
        "LINES": "one\ntwo\n\ttab",
        "QUOTES": "'\"\\$(rm)`",
        "EMPTY": "",
        "UNICODE": "Größe 𝄞",
        "NO_UTF8": os.fsdecode(b"\xff\xfe"),
        "BASH_FUNC_module%%": "() {  eval `modulecmd bash $*`\n}",
    },
)


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


# ---------------------------------------------------------------------- the file


def test_what_was_written_is_read_whatever_it_holds(tmp_path: Path) -> None:
    path = str(tmp_path / "launch")
    LAUNCH.write(path)
    assert Launch.read(path) == LAUNCH


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_the_file_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        LAUNCH.write(str(tmp_path / "launch"))
    finally:
        os.umask(before)
    assert mode(tmp_path / "launch") == 0o600


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "launch").write_text("planted")
    with pytest.raises(FileExistsError):
        LAUNCH.write(str(tmp_path / "launch"))


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "launch").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        LAUNCH.write(str(tmp_path / "launch"))
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_could_read_or_write_is_refused(tmp_path: Path, open_mode: int) -> None:
    path = tmp_path / "launch"
    LAUNCH.write(str(path))
    path.chmod(open_mode)
    with pytest.raises(GridEngineError, match=f"mode {open_mode:o}"):
        Launch.read(str(path))


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "launch")
    LAUNCH.write(path)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(GridEngineError, match=f"belongs to user {other - 1}"):
        Launch.read(path)


# ---------------------------------------------------------------------- the folder


@pytest.mark.parametrize("open_mode", [0o750, 0o705, 0o1777])
def test_a_file_in_a_folder_that_others_can_enter_is_refused(
    tmp_path: Path, open_mode: int
) -> None:
    LAUNCH.write(str(tmp_path / "launch"))
    tmp_path.chmod(open_mode)
    with pytest.raises(GridEngineError, match="with mode 700"):
        Launch.read(str(tmp_path / "launch"))
    assert "with mode 700" in supervisor(tmp_path / "launch")


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir(0o700)
    LAUNCH.write(str(tmp_path / "made" / "launch"))
    (tmp_path / "planted").symlink_to("made")
    with pytest.raises(GridEngineError, match="link"):
        Launch.read(str(tmp_path / "planted" / "launch"))
    assert "or a link to one" in supervisor(tmp_path / "planted" / "launch")


def supervisor(path: Path) -> str:
    """Returns what a supervisor says of a launch file that it refuses, as a queue job has it."""
    script = Path(launch.__file__).parents[1] / "worker"
    run = subprocess.run(
        [sys.executable, "-S", script, path], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith("gridengine: ")
    return line


# ---------------------------------------------------------------------- the environment


def test_libraries_get_the_threads_that_were_granted() -> None:
    limits = thread_limits({}, 3)
    assert limits["OMP_NUM_THREADS"] == limits["MKL_NUM_THREADS"] == "3"


def test_a_limit_of_threads_that_the_user_has_set_stands() -> None:
    environ = {"OMP_NUM_THREADS": "7"}
    assert "OMP_NUM_THREADS" not in thread_limits(environ, 1)
    assert thread_limits(environ, 1)["MKL_NUM_THREADS"] == "1"


def test_the_umask_is_read_and_left_as_it_is() -> None:
    before = os.umask(0o027)
    try:
        assert current_umask() == 0o027 == current_umask()
    finally:
        os.umask(before)


def test_the_import_path_holds_elsewhere_too_and_has_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "relative", "/absolute"])
    paths = import_path()
    assert paths[:3] == [str(tmp_path), str(tmp_path / "relative"), "/absolute"]
    assert any(Path(path, "gridengine", "__init__.py").is_file() for path in paths)


def test_the_package_is_named_once_in_the_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    package = str(Path(launch.__file__).resolve().parents[2])
    monkeypatch.setattr(sys, "path", [package, "/other"])
    assert import_path() == [package, "/other"]


def test_what_another_version_has_beside_is_passed_over(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "run"))
    path = str(tmp_path / "run" / "launch")
    LAUNCH.write(path)
    given = json.loads(Path(path).read_text())
    del given["core_files"]
    Path(path).write_text(json.dumps({**given, "of_later": 1}))
    assert Launch.read(path) == LAUNCH
