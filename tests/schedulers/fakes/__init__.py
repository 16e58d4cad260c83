"""Batch systems of this host: commands that print what documents show, and start processes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent


def install(folder: Path, program: str, commands: tuple[str, ...]) -> Mapping[str, str]:
    """Makes commands of a program in this folder; returns the variables that they need.

    Args:
        folder: Where they lie, and what they remember.
        program: The file of which they are.
        commands: Their names.
    """
    state = folder / "state"
    for name in commands:
        words = [sys.executable, "-S", str(HERE / program), str(state), name]
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (folder / name).chmod(0o755)
    state.mkdir()
    return {"PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin"}
