"""The levels of loggers, as they are looked at when a job is started."""

from __future__ import annotations

import logging
import sys
import types

import pytest

from gridengine.serialization.log_levels import AS_IMPORTED, UNSEEN, levels, mark


def test_a_module_that_another_thread_imports_is_one_that_is_not_there_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = types.ModuleType("logging")
    monkeypatch.setitem(sys.modules, "logging", begun)
    assert (mark(), levels()) == (UNSEEN, AS_IMPORTED)
    # As far as that, the root logger has no manager.
    begun.root = types.SimpleNamespace(_cache={}, level=30)  # type: ignore[attr-defined]
    assert mark() is UNSEEN
    assert levels() == AS_IMPORTED


def test_a_level_that_is_set_takes_the_mark_away() -> None:
    logger = logging.getLogger("tests.of.levels")
    before = mark()
    assert mark() is before
    logger.setLevel(logging.ERROR)
    try:
        assert not before
        assert levels()[2]["tests.of.levels"] == logging.ERROR
    finally:
        logger.setLevel(logging.NOTSET)
