"""A report is a table for people, and JSON for programs."""

from __future__ import annotations

import json

from gridengine.diagnosis.report import Check, DoctorReport


def report(*checks: Check) -> DoctorReport:
    return DoctorReport(checks, {"scheduler": "process"}, "host", 1.25)


GOOD = Check("python", "ok", "cpython 3.11.7")
BAD = Check("network", "failed", "no answer " * 20, "open a port")
DARK = [Check(name, "unknown", "too late") for name in ("clock", "limits")]


def test_warnings_and_what_is_unknown_are_no_failures() -> None:
    assert report(GOOD, Check("queues", "warning", "E"), *DARK).ok
    assert not report(GOOD, BAD).ok


def test_the_table_names_each_check_and_what_to_do() -> None:
    text = str(report(GOOD, BAD))
    assert "ok       python   cpython 3.11.7\n" in text
    assert "failed   network  no answer" in text
    assert "→ open a port" in text
    assert text.endswith("host: 1 failed, 1 ok; 1.2 s")
    assert max(map(len, text.splitlines())) <= 100


def test_what_is_unknown_for_one_reason_stands_in_one_row() -> None:
    text = str(report(GOOD, *DARK))
    assert "unknown  clock   too late (the same: limits)" in text
    assert "2 unknown" in text


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert "\\x1b[31m" in str(report(Check("python", "ok", "\x1b[31mred")))


def test_the_json_has_all_of_it() -> None:
    told = json.loads(report(GOOD, BAD).to_json())
    assert told["ok"] is False
    assert told["checks"][0] == GOOD._asdict()
    assert told["settings"] == {"scheduler": "process"}


def test_a_notebook_shows_a_table_in_which_nothing_is_markup() -> None:
    shown = report(Check("python", "ok", "<b>bold</b>"))._repr_html_()
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
