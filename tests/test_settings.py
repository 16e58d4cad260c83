"""What the environment may say, and how it is told that it may not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import gridengine
from gridengine import settings
from gridengine.errors import GridEngineError
from gridengine.settings import Settings, port_range


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.read({}) == Settings()


def test_blank_variables_and_other_peoples_change_nothing() -> None:
    assert Settings.read({"GRIDENGINE_HOST": "  ", "HEARTBEAT": "3", "PATH": "x"}) == Settings()


def test_every_number_can_be_set_and_keeps_its_type() -> None:
    environ = {f"GRIDENGINE_{field.upper()}": "7" for field in Settings._fields}
    environ |= {f"GRIDENGINE_{name}": "1" for name in ("CORE_FILES", "PROGRESS", "OUTPUT_PREFIX")}
    environ |= {"GRIDENGINE_OUTPUT": "collect", "GRIDENGINE_ON_STALL": "retry"}
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
    ],
)
def test_nonsense_is_refused_with_the_variable_its_text_and_what_it_takes(
    name: str, text: str, hint: str
) -> None:
    with pytest.raises(GridEngineError) as caught:
        Settings.read({f"GRIDENGINE_{name}": text})
    for part in (f"GRIDENGINE_{name}", repr(text), hint):
        assert part in str(caught.value)


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


def test_a_misspelt_variable_is_named_once_with_the_nearest_right_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settings, "_warned", set())
    monkeypatch.setenv("GRIDENGINE_HEART_BEAT", "3")
    monkeypatch.setenv("GRIDENGINE_OF_A_SITE", "3")
    Settings.read()
    Settings.read()
    [record] = caplog.records
    assert record.getMessage() == (
        "GRIDENGINE_HEART_BEAT is read by nobody; did you mean GRIDENGINE_HEARTBEAT?"
    )


def test_all_variables_of_the_package_are_known_as_such() -> None:
    known = {*settings._OTHERS, *map(str.upper, Settings._fields)}
    texts = [path.read_text() for path in Path(gridengine.__file__).parent.rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"GRIDENGINE_([A-Z_]+)", text)}
    assert named - known <= {"X"}
