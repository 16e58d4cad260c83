"""What a terminal would obey is shown as an escape, wherever this package shows it."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from typing import Any

import pytest

from gridengine.errors import (
    Death,
    GridEngineError,
    JobDied,
    JobExited,
    PackingError,
    SchedulerUnavailable,
)
from gridengine.logs import Log, printable
from gridengine.serialization.exceptions import add_note

#: Clears the screen, sets the title, and tells a terminal to type something.
EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\b\x00\x7f\u202egnp.exe\u2066\u2028\udc9b"
SHOWN = (
    r"\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08\x00\x7f\u202egnp.exe\u2066\u2028\udc9b"
)  # fmt: skip


def test_what_a_terminal_would_obey_becomes_an_escape() -> None:
    assert printable(EVIL) == SHOWN
    assert printable("one\n\ttwo") == "one\n\ttwo"


@pytest.mark.parametrize("code", [*range(32), *range(127, 160)])
def test_every_control_character_but_newline_and_tab_does(code: int) -> None:
    shown = printable(f"a{chr(code)}b")
    assert (shown == f"a{chr(code)}b") is (code in (9, 10))
    assert shown.replace("\n", "").replace("\t", "").isprintable()


def test_as_utf8_they_are_the_same() -> None:
    assert printable(b"\xc2\x9b31m".decode()) == r"\x9b31m"
    # What is no UTF-8 was replaced where it was read.
    assert printable(b"\x9b31m".decode(errors="replace")) == "\ufffd31m"
    assert printable(b"\x9b31m".decode(errors="surrogateescape")) == r"\udc9b31m"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "Größe 3 µs",
        "日本語　です",
        "שלום עולם",
        "می‌خواهم",
        "👩‍👩‍👧",
        "e\u0301",
        "a\u00a0b",
    ],
)
def test_letters_of_all_languages_stay(text: str) -> None:
    assert printable(text) == text
    assert printable(f"{text}\n") == f"{text}\n"


def test_a_line_of_the_log_is_printable_and_others_keep_their_parts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log("gridengine.some")
    log.warning("from %s: %s", "node1", EVIL)
    log.warning("from %s: %d", "node1", 3)
    evil, fine = caplog.records
    assert evil.getMessage() == f"from node1: {SHOWN}"
    assert (fine.msg, fine.args) == ("from %s: %d", ("node1", 3))
    assert "\x1b" not in caplog.text
    assert len(logging.getLogger("gridengine.some").filters) == 1


def test_a_handler_of_the_users_gets_it_printable_too() -> None:
    heard: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(self.format(record))

    logger = logging.getLogger("gridengine")
    handler = Handler()
    logger.addHandler(handler)
    try:
        Log("gridengine.other").error("%s", EVIL)
    finally:
        logger.removeHandler(handler)
    assert heard == [SHOWN]


def test_what_cannot_be_formatted_is_the_handlers_affair(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    logging.getLogger("gridengine.some").propagate, before = False, True
    try:
        Log("gridengine.some").warning("%r", Broken())
    finally:
        logging.getLogger("gridengine.some").propagate = before


def test_without_a_descriptor_for_logging_it_is_printable_too() -> None:
    program = (
        "import resource, sys; from gridengine.logs import Log; log = Log('x'); "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); "
        f"log.warning('%s', {EVIL[:-1]!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == f"gridengine: {SHOWN[:-6]}\n"


@pytest.mark.parametrize(
    "error",
    [
        GridEngineError(EVIL),
        SchedulerUnavailable(EVIL),
        PackingError(EVIL),
        JobExited(EVIL, 3),
        JobDied(Death(host=EVIL)),
        JobDied(Death(detail=EVIL)),
        JobDied(Death(output=EVIL)),
        JobDied(Death(input=EVIL)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_show_it_as_escapes_and_keep_it_as_it_came(error: Any) -> None:
    again = pickle.loads(pickle.dumps(error))
    for each in (error, again):
        assert not {"\x1b", "\x9b", "\x07", "\u202e", "\udc9b"} & set(str(each))
        assert r"\x1b[2J" in str(each)
        assert EVIL in each.args[0]


def test_a_note_shows_it_as_escapes() -> None:
    error = ValueError(EVIL)
    add_note(error, f"on {EVIL}")
    assert error.__notes__ == [f"on {SHOWN}"]  # type: ignore[attr-defined]
    # What somebody's own function raises is theirs.
    assert str(error) == EVIL
