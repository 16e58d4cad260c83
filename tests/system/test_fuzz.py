"""A short run of the fuzzer; ``python -m tests.system.fuzz`` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import fuzz


@pytest.mark.parametrize("seed", [1, 2])
def test_odd_frames_do_no_harm(tmp_path: Path, seed: int) -> None:
    report = fuzz.run(20_000, seed, tmp_path)
    assert report.frames >= 20_000
    assert report.harmless, report
    assert report.growth < 32e6
