"""What a gridengine.toml may say, where it is found, and how it is told that it may not."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gridengine import settings_file
from gridengine.errors import GridEngineError, SchedulerUnavailable
from gridengine.schedulers import ProcessScheduler, best_available, choice
from gridengine.schedulers.grid_engine import drmaa_library
from gridengine.schedulers.process import usable_cores
from gridengine.settings import Settings


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory two folders below one in which a file may lie; nothing is set."""
    for name in [name for name in os.environ if name.startswith("GRIDENGINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(choice, "_best", None)
    folder = tmp_path / "project"
    (folder / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(folder / "a" / "b")
    return folder


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "gridengine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_all_is_as_by_default() -> None:
    assert Settings.read() == Settings()


@pytest.mark.parametrize("folder", [".", "..", "../.."])
def test_the_file_of_the_nearest_folder_counts(folder: str, project: Path) -> None:
    write(project.parent, "linger = 1.5")
    write(Path(folder), "linger = 2")
    assert Settings.read().linger == 2.0


def test_the_users_file_counts_less_than_the_projects_and_the_environment_most(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project.parent / "home" / ".config" / "gridengine", "linger = 1\npatience = 6\nports='5'")
    write(project, "linger = 3\npatience = 8")
    monkeypatch.setenv("GRIDENGINE_LINGER", "5")
    read = Settings.read()
    assert (read.linger, read.patience, read.ports) == (5.0, 8.0, "5")


def test_the_users_folder_is_where_the_user_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    write(tmp_path / "elsewhere" / "gridengine", "queue_jobs = 7")
    assert Settings.read().queue_jobs == 7


def test_what_lies_above_somebody_elses_folder_is_not_read(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "linger = 3")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert Settings.read().linger == Settings().linger


def test_a_working_directory_that_is_gone_has_no_file(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert Settings.read() == Settings()


def test_an_environment_that_is_given_is_all_that_is_read() -> None:
    write(Path(), "linger = 3")
    assert Settings.read({}) == Settings()


@pytest.mark.parametrize("value", ["true", "false"])
def test_what_is_so_or_not_is_a_truth_there(value: str) -> None:
    write(Path(), f"core_files = {value}")
    assert Settings.read().core_files is (value == "true")


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        ("lingre = 3", ["no setting 'lingre'", "did you mean 'linger'?"]),
        ("colour = 3", ["no setting 'colour'"]),
        ("schduler = 'process'", ["did you mean 'scheduler'?"]),
        ("[gridengine]\nqueue = 'x'", ["no setting 'gridengine'", "did you mean 'grid_engine'?"]),
        ("linger = '3'", ["linger in", "'3'", "a number"]),
        ("linger = true", ["linger in", "True", "a number"]),
        ("queue_jobs = 2.5", ["queue_jobs in", "2.5", "a whole number"]),
        ("host = 3", ["host in", "3", "a text"]),
        ("core_files = 1", ["core_files in", "1", "true or false"]),
        ("core_files = 'yes'", ["core_files in", "'yes'", "true or false"]),
        ("linger = -1", ["linger in", "-1", "at least 0"]),
        ("heartbeat = 0", ["heartbeat in", "above 0"]),
        ("patience = inf", ["patience in", "above 0"]),
        ("linger = \n", ["is no TOML", "line 1"]),
    ],
)
def test_a_mistake_is_told_with_the_file_and_what_is_right(text: str, hints: list[str]) -> None:
    path = write(Path(), text)
    with pytest.raises(GridEngineError) as caught:
        Settings.read()
    for part in (str(path.resolve()), *hints):
        assert part in str(caught.value)


def test_bytes_that_are_no_text_are_no_toml() -> None:
    Path("gridengine.toml").write_bytes(b"host = '\xff'")
    with pytest.raises(GridEngineError, match="is no TOML"):
        Settings.read()


def test_a_file_that_cannot_be_read_says_so() -> None:
    Path("gridengine.toml").mkdir()
    with pytest.raises(GridEngineError, match=r"gridengine.toml cannot be read: Is a directory"):
        Settings.read()


# ---------------------------------------------------------------------- the choice


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Grid Engine is here, nor a sign of one."""
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("SGE_ROOT", raising=False)
    monkeypatch.delenv("SGE_CELL", raising=False)


@pytest.mark.usefixtures("no_library")
def test_a_file_can_forbid_these_cores() -> None:
    path = write(Path(), "scheduler = 'grid_engine'")
    with pytest.raises(SchedulerUnavailable) as caught:
        best_available()
    assert f"scheduler in {path.resolve()} allows nothing else" in str(caught.value)


@pytest.mark.usefixtures("no_library")
def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path(), "scheduler = 'grid_engine'")
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "process")
    assert isinstance(best_available(), ProcessScheduler)


def test_a_file_can_choose_these_cores_and_how_many(caplog: pytest.LogCaptureFixture) -> None:
    path = write(Path(), "scheduler = 'process'\n[process]\nmax_workers = 3\nfresh = true")
    caplog.set_level("INFO", "gridengine.schedulers")
    made = best_available()
    assert isinstance(made, ProcessScheduler)
    assert (made.max_workers, made.fresh) == (3, True)
    assert f"scheduler in {path.resolve()}" in caplog.text


def test_a_scheduler_that_the_program_makes_itself_is_as_it_was_made() -> None:
    write(Path(), "[process]\nmax_workers = 3")
    assert ProcessScheduler().max_workers == usable_cores()


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        (
            "scheduler = 'moab'",
            ["scheduler in", "'moab'", "one of process, grid_engine, slurm, inline"],
        ),
        ("scheduler = 3", ["scheduler in", "a text"]),
        ("scheduler = 'process'\nprocess = 3", ["takes a table, [process]"]),
        ("scheduler = 'process'\n[process]\nworkers = 3", ["[process] has no 'workers'"]),
        ("scheduler = 'process'\n[process]\nmax_worker = 3", ["did you mean 'max_workers'?"]),
        ("scheduler = 'process'\n[process]\nmax_workers = 0", ["[process] in", "at least 1"]),
        ("[grid_engine]\nqueu = 'x'", ["[grid_engine] has no 'queu'", "did you mean 'queue'?"]),
        ("[grid_engine]\nslots = 'two'", ["[grid_engine] in", "slots='two'"]),
        ("[grid_engine]\nh_rt = [1]", ["[grid_engine] in", "h_rt=[1]"]),
    ],
)
def test_a_mistake_about_schedulers_is_told_with_the_file(
    text: str, hints: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As far as it is looked at before a library is loaded.
    library = tmp_path / "libdrmaa.so"
    library.touch()
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", str(library))
    monkeypatch.setenv("SGE_ROOT", str(tmp_path))
    monkeypatch.setattr(drmaa_library, "problem", lambda library: None)
    path = write(Path(), text)
    with pytest.raises(GridEngineError) as caught:
        best_available()
    assert not isinstance(caught.value, SchedulerUnavailable)
    for part in (str(path.resolve()), *hints):
        assert part in str(caught.value)


@pytest.mark.usefixtures("no_library")
def test_the_cores_of_a_laptop_are_taken_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    best_available()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("sign", ["SGE_ROOT", "library", "qstat"])
def test_the_cores_of_what_may_be_a_login_node_are_taken_with_a_warning(
    sign: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if sign == "SGE_ROOT":
        shown = f"SGE_ROOT={tmp_path}"
        monkeypatch.setenv("SGE_ROOT", str(tmp_path))
    elif sign == "library":
        shown = str(tmp_path / "libdrmaa.so")
        Path(shown).touch()
        monkeypatch.setenv("DRMAA_LIBRARY_PATH", shown)
        monkeypatch.setitem(sys.modules, "drmaa", None)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    else:
        shown = str(tmp_path / "qstat")
        Path(shown).touch(mode=0o755)
        monkeypatch.setenv("PATH", f"/nowhere:{tmp_path}")
    assert isinstance(best_available(), ProcessScheduler)
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    said = record.getMessage()
    for part in (
        f"signs of a cluster ({shown})",
        "no Grid Engine here: ",
        "=process",
        "=grid_engi",
    ):
        assert part in said


def test_nothing_is_read_at_import_nor_any_reader_loaded_where_there_is_no_file() -> None:
    program = (
        "import sys, gridengine.settings; print('gridengine.settings_file' in sys.modules); "
        "gridengine.settings.Settings.read(); "
        "print(*(n in sys.modules for n in ('tomllib', 'tomli', 'pathlib', 'difflib')))"
    )
    # Without site, which imports what it likes.
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False\nFalse False False False\n"


def test_the_example_in_the_docs_of_the_module_is_a_right_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    doc = settings_file.__doc__ or ""
    example = [line for line in doc.partition("::\n")[2].splitlines() if line.startswith("    ")]
    write(Path(), "\n".join(line.strip() for line in example))
    assert Settings.read().linger == 2.0
    assert settings_file.scheduler()[0] == "grid_engine"
    arguments, _ = settings_file.arguments("grid_engine", ["queue", "lifetime"], free=True)
    assert arguments == {"queue": "short.q", "lifetime": "5m", "h_vmem": "4G"}
