"""``gridengine settings`` says what is in force and where it comes from, broken files or not."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gridengine
from gridengine import schedulers
from gridengine.cli import main as cli
from gridengine.cli import settings_table
from gridengine.settings import Settings

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, a home and an environment without a word about settings."""
    for name in [name for name in os.environ if name.startswith("GRIDENGINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def sources(capsys: pytest.CaptureFixture[str], status: int = 0) -> dict[str, tuple[object, str]]:
    assert cli.main(["settings", "--json"]) == status
    told = json.loads(capsys.readouterr().out)
    return {each["name"]: (each["value"], each["source"]) for each in told["settings"]}


def test_without_a_word_all_is_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    found = sources(capsys)
    assert found.pop("scheduler") == (None, "default")
    assert found == {name: (value, "default") for name, value in Settings()._asdict().items()}


def test_each_has_its_variable_or_its_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    users = project.parent / "home" / ".config" / "gridengine" / "gridengine.toml"
    users.parent.mkdir(parents=True)
    users.write_text("\n# mine\npatience = 40\ngrace = 4\n", encoding="utf-8")
    file = project / "gridengine.toml"
    file.write_text(
        'scheduler = "process"\n"grace" = 3\nlinger=1\n[process]\nfresh = true\n'
        '[grid_engine]\nqueue = "a.q"\nlinger = "1"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("GRIDENGINE_LINGER", "7")
    found = sources(capsys)
    assert found["scheduler"] == ("process", f"{file}:1")
    assert found["grace"] == (3.0, f"{file}:2")
    assert found["linger"] == (7.0, "GRIDENGINE_LINGER")
    assert found["patience"] == (40.0, f"{users}:3")
    assert found["[process] fresh"] == (True, f"{file}:5")
    assert found["[grid_engine] queue"] == ("a.q", f"{file}:7")
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "inline")
    assert sources(capsys)["scheduler"] == ("inline", "GRIDENGINE_SCHEDULER")


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        ("linger = ", ["is no TOML"]),
        ("lingre = 1", ["no setting 'lingre'", "did you mean 'linger'?"]),
        ("linger = 'x'", ["linger in", "'x'", "a number"]),
        ("scheduler = 'proces'", ["'proces'", "did you mean 'process'?"]),
        ("[process]\nmax_worker = 1", ["[process] has no", "did you mean 'max_workers'?"]),
        ("[process]\nmax_workers = 0", ["[process] in", "at least 1"]),
        ("[process]\nsettings = {grace = 1}", ["[process]", "settings"]),
        ("[grid_engine]\nsettings = {grace = 1}", ["[grid_engine]", "above all tables"]),
        ("process = 1", ["takes a table, [process]"]),
    ],
)
def test_what_is_wrong_in_a_file_is_said_once_and_the_rest_is_printed(
    text: str, hints: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "gridengine.toml").write_text(text, encoding="utf-8")
    assert cli.main(["settings"]) == 1
    printed = capsys.readouterr()
    assert "\ngrace " in printed.out
    assert printed.err.count("\n") == 1
    for hint in [str(project / "gridengine.toml"), *hints]:
        assert hint in printed.err


def test_what_is_wrong_in_the_environment_is_said_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in [("GRACE", "soon"), ("GRAZE", "1"), ("SCHEDULER", "proces")]:
        monkeypatch.setenv(f"GRIDENGINE_{name}", value)
    assert cli.main(["settings"]) == 1
    printed = capsys.readouterr()
    assert [line.split()[1] for line in printed.err.splitlines()] == [
        "GRIDENGINE_SCHEDULER='proces':",
        "GRIDENGINE_GRACE",
        "GRIDENGINE_GRAZE",
    ]


def test_a_program_that_names_no_scheduler_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_GRAZE", "1")
    program = "import gridengine; gridengine.map(abs, [1], scheduler='process')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(gridengine.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 1
    assert "GridEngineError: GRIDENGINE_GRAZE is no setting" in done.stderr.splitlines()[-1]
    assert "did you mean GRIDENGINE_GRACE?" in done.stderr


def test_a_file_cannot_have_the_terminal_obey_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "gridengine.toml").write_text('host = "a\\u001b[2J\\nb"', encoding="utf-8")
    assert cli.main(["settings"]) == 0
    assert "a\\x1b[2J\\nb" in capsys.readouterr().out


# ---------------------------------------------------------------------- the table


def test_each_setting_stands_in_the_table_once_with_what_it_is() -> None:
    table = list(settings_table.all_settings())
    assert [each.name for each in table] == ["scheduler", *Settings._fields]
    for each in table:
        assert each.meaning
        assert each.takes
        assert each.argument


def test_a_table_says_the_unit_of_a_number() -> None:
    takes = {each.name: each.takes for each in settings_table.all_settings()}
    assert takes["grace"] == "seconds, a number of at least 0"
    assert takes["output_kept"] == "bytes, a whole number of at least 0"
    assert takes["output"] == "stream or collect or discard"


def test_the_arguments_that_the_table_names_are_there() -> None:
    found = {
        "JobDispatcher": gridengine.JobDispatcher,
        "GridEngineScheduler": schedulers.GridEngineScheduler,
        "schedulers": schedulers.ProcessScheduler, "maps": gridengine.map, "jobs": gridengine.Job,
        "pools": gridengine.Pool, "executors": gridengine.Executor,
    }  # fmt: skip
    assert {*settings_table.OWN_ARGUMENTS} <= {"scheduler", *Settings._fields}
    for argument in settings_table.OWN_ARGUMENTS.values():
        name, _, takers = argument.partition("= of ")
        for taker in takers.split(", "):
            assert name in inspect.signature(found[taker]).parameters, taker


@pytest.mark.parametrize(
    "kind",
    [
        schedulers.ProcessScheduler,
        schedulers.GridEngineScheduler,
        schedulers.InlineScheduler,
    ],
)
def test_all_schedulers_take_settings_and_refuse_what_is_none(
    kind: type[schedulers.Scheduler],
) -> None:
    made = kind(settings={"grace": 1, "progress": True})  # type: ignore[call-arg]
    assert made.settings == {"grace": 1, "progress": True}
    with pytest.raises(gridengine.GridEngineError, match="did you mean 'grace'"):
        kind(settings={"graze": 1})  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="it takes a dict"):
        kind(settings=5)  # type: ignore[call-arg]


def test_what_a_scheduler_says_counts_for_its_jobs(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDENGINE_OUTPUT", "discard")
    with schedulers.ProcessScheduler(1, settings={"output": "collect"}) as scheduler:
        job = gridengine.Job(target=print, args=("here",), scheduler=scheduler)
        job.start()
        job.join()
        assert job.output == "here\n"
    assert "here" not in capfd.readouterr().out


def test_what_a_scheduler_of_a_cluster_says_is_its_own() -> None:
    made = schedulers.GridEngineScheduler(settings={"linger": 60, "queue_jobs": 7})
    assert (made.linger, made.max_queue_jobs) == (60.0, 7)
