"""A command that is run for many names is run for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridengine.schedulers import commands
from gridengine.schedulers.commands import CommandError, run_for_all


def test_one_that_fails_keeps_none_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_MOST", 2)
    script = 'echo "$@" >> "$0"; [ $1 = e ] || { echo "$1 is over" >&2; exit 1; }'
    asked = tmp_path / "asked"
    with pytest.raises(CommandError, match="a is over"):
        run_for_all(["sh", "-c", script, str(asked)], ["a", "b", "c", "d", "e"])
    assert asked.read_text().splitlines() == ["a b", "c d", "e"]
