"""What the environment may say, and how it is told that it may not."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import settings, settings_sources
from gridengine.errors import GridEngineError
from gridengine.settings import Settings, port_range
from gridengine.settings_sources import Given, settings_given


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.read({}) == Settings()


def test_blank_variables_and_other_peoples_change_nothing() -> None:
    assert Settings.read({"GRIDENGINE_HOST": "  ", "HEARTBEAT": "3", "PATH": "x"}) == Settings()


def test_every_number_can_be_set_and_keeps_its_type() -> None:
    environ = {f"GRIDENGINE_{field.upper()}": "7" for field in Settings._fields}
    truths = [field for field, value in Settings._field_defaults.items() if value is False]
    environ |= {f"GRIDENGINE_{field.upper()}": "1" for field in truths}
    environ |= {"GRIDENGINE_OUTPUT": "collect", "GRIDENGINE_ON_STALL": "retry"}
    environ |= {"GRIDENGINE_MAIL_ON": "end", "GRIDENGINE_CHANNEL": "files"}
    environ |= {"GRIDENGINE_THROUGH": "commands", "GRIDENGINE_HEARTBEAT": "2"}
    for field, default in Settings._field_defaults.items():
        value = getattr(Settings.read(environ), field)
        given = environ[f"GRIDENGINE_{field.upper()}"]
        wanted = os.path.abspath("7") if field == "run_dir" else type(default)(given)
        assert value == wanted
        assert type(value) is type(default)


def test_the_environment_of_this_process_is_read_when_asked_not_at_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRIDENGINE_PATIENCE", " 12.5 ")
    assert Settings.read().patience == 12.5


@pytest.mark.parametrize(
    ("environ", "hints"),
    [
        ({"PATIENCE": "4"}, ["GRIDENGINE_PATIENCE is 4", "heartbeat, by default, is 5"]),
        ({"HEARTBEAT": "30"}, ["patience, by default, is 30", "GRIDENGINE_HEARTBEAT is 30"]),
        ({"HEARTBEAT": "7", "PATIENCE": "6"}, ["GRIDENGINE_PATIENCE is 6", "several heartbeats"]),
    ],
)
def test_a_patience_that_ends_before_the_next_heartbeat_is_refused(
    environ: dict[str, str], hints: list[str]
) -> None:
    with pytest.raises(GridEngineError) as caught:
        Settings.read({f"GRIDENGINE_{name}": text for name, text in environ.items()})
    assert all(hint in str(caught.value) for hint in hints)


def test_a_long_heartbeat_has_a_longer_patience() -> None:
    read = Settings.read(arguments={"heartbeat": 60.0, "patience": 180.0})
    assert (read.heartbeat, read.patience) == (60.0, 180.0)


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("HEARTBEAT", "often", "a number"),
        ("HEARTBEAT", "0", "above 0"),
        ("HEARTBEAT", "-1", "above 0"),
        ("PATIENCE", "nan", "above 0"),
        ("PATIENCE", "inf", "above 0"),
        ("PATIENCE", "1,5", "a number"),
        ("QUEUE_JOBS", "2.5", "a whole number"),
        ("QUEUE_JOBS", "0", "above 0"),
        ("LINGER", "-0.1", "at least 0"),
        ("CORE_FILES", "7", "1 or 0"),
        ("CORE_FILES", "perhaps", "1 or 0"),
        ("OUTPUT", "loud", "stream or collect or discard"),
        ("RESUBMISSIONS", "-1", "at least 0"),
        ("INFRASTRUCTURE_RETRIES", "many", "a whole number"),
        ("PORTS", "ssh", "54000-55000"),
    ],
)
def test_nonsense_is_refused_with_the_variable_its_text_and_what_it_takes(
    name: str, text: str, hint: str
) -> None:
    with pytest.raises(GridEngineError) as caught:
        Settings.read({f"GRIDENGINE_{name}": text})
    for part in (f"GRIDENGINE_{name}", repr(text), hint):
        assert part in str(caught.value)
    # A traceback has this error alone.
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("0", False), ("True", True), ("no", False), (" ", False)]
)
def test_what_is_so_or_not_is_said_in_some_words(text: str, value: bool) -> None:
    assert Settings.read({"GRIDENGINE_CORE_FILES": text}).core_files is value


@pytest.mark.parametrize("name", ["LINGER", "RESUBMISSIONS", "INFRASTRUCTURE_RETRIES"])
def test_where_none_at_all_makes_sense_zero_is_taken(name: str) -> None:
    assert getattr(Settings.read({f"GRIDENGINE_{name}": "0"}), name.lower()) == 0


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("", None),
        ("54000", (54000, 54000)),
        ("54000-55000", (54000, 55000)),
        (" 54000 - 55000 ", (54000, 55000)),
        ("1-65535", (1, 65535)),
    ],
)
def test_ports_are_one_or_a_range(text: str, ports: tuple[int, int] | None) -> None:
    assert port_range(text) == ports


@pytest.mark.parametrize(
    "text", ["0", "65536", "55000-54000", "ssh", "54000-", "-54000", "1-2-3", "-", "1.5"]
)
def test_what_is_no_range_of_ports_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(GridEngineError, match="54000-55000") as caught:
        port_range(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("GRIDENGINE_HEART_BEAT", "did you mean GRIDENGINE_HEARTBEAT?"),
        ("GRIDENGINE_SCHEDULAR", "did you mean GRIDENGINE_SCHEDULER?"),
        ("GRIDENGINE_heartbeat", "`gridengine settings` lists them"),
        ("GRIDENGINE_OF_A_SITE", "GRIDENGINE_IGNORED_VARIABLES=GRIDENGINE_OF_A_SITE"),
    ],
)
def test_a_variable_that_is_no_setting_is_an_error_with_the_nearest_right_one(
    name: str, hint: str
) -> None:
    with pytest.raises(GridEngineError) as caught:
        Settings.read({name: "3"})
    assert f"{name} is no setting; " in str(caught.value)
    assert hint in str(caught.value)
    assert Settings.read({name: " "}) == Settings()


@pytest.mark.parametrize("ignored", ["GRIDENGINE_OF_A_SITE", "X, GRIDENGINE_OF_*", "GRIDENGINE_*"])
def test_variables_of_other_programs_can_be_ignored(ignored: str) -> None:
    environ = {"GRIDENGINE_OF_A_SITE": "3"}
    said = {"ignored_variables": ignored}
    assert Settings.read(environ, said) == Settings(**said)
    environ["GRIDENGINE_IGNORED_VARIABLES"] = ignored
    assert Settings.read(environ) == Settings(**said)


def test_what_a_program_says_counts_more_than_the_environment() -> None:
    environ = {"GRIDENGINE_GRACE": "7", "GRIDENGINE_LINGER": "8"}
    read = Settings.read(environ, {"grace": 1, "core_files": True, "run_dir": Path("/x/../y")})
    assert read == Settings(grace=1.0, linger=8.0, core_files=True, run_dir="/y")
    assert type(read.grace) is float


@pytest.mark.parametrize(
    ("said", "hints"),
    [
        ({"graze": 1}, ["'graze'", "no setting", "did you mean 'grace'?"]),
        ({"grace": "1"}, ["grace in settings= is '1'", "a number"]),
        ({"grace": True}, ["a number"]),
        ({"grace": None}, ["None", "a number"]),
        ({"grace": -1}, ["-1", "at least 0"]),
        ({"grace": 10**400}, ["a number"]),
        ({"heartbeat": 0}, ["above 0"]),
        ({"queue_jobs": 2.0}, ["2.0", "a whole number"]),
        ({"core_files": 1}, ["true or false"]),
        ({"host": 7}, ["a text"]),
        ({"output": "loud"}, ["'loud'", "stream or collect or discard"]),
        ({"ports": "ssh"}, ["ports in settings= is 'ssh'", "54000-55000"]),
        ({7: 7}, ["settings= has 7"]),
    ],
)
def test_a_mistake_of_a_program_is_told_with_what_is_right(said: Any, hints: list[str]) -> None:
    with pytest.raises(GridEngineError) as caught:
        Settings.read({}, said)
    for hint in hints:
        assert hint in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    said = {"queue_jobs": numpy.int64(3), "grace": numpy.float32(0.5)}
    assert Settings.read({}, said) == Settings(queue_jobs=3, grace=0.5)


def test_all_mistakes_are_told_to_who_wants_to_know_them_all() -> None:
    told: list[str] = []
    environ = {"GRIDENGINE_GRACE": "x", "GRIDENGINE_LINGER": "1", "GRIDENGINE_PORTZ": "1"}
    given = settings_given(environ, wrong=told.append)
    assert given == {"linger": Given("GRIDENGINE_LINGER", 1.0)}
    assert [each.split()[0] for each in told] == ["GRIDENGINE_GRACE", "GRIDENGINE_PORTZ"]


def test_all_variables_of_the_package_are_known_as_such() -> None:
    known = {*settings.OTHERS, *map(str.upper, Settings._fields)}
    texts = [path.read_text() for path in Path(gridengine.__file__).parent.rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"GRIDENGINE_([A-Z_]+)", text)}
    assert named - known <= {"X"}


def test_the_rules_for_settings_are_about_settings() -> None:
    assert {*settings.CHOICES, *settings.MAY_BE_ZERO, *settings_sources._FURTHER} <= {
        *Settings._fields
    }
