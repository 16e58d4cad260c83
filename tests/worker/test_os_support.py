"""What only the operating system can say or do."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

TIDY = """
import os, sys
from gridengine.worker import os_support
{before}
os_support.tidy_descriptors()
opened = []
for descriptor in range(300):
    try:
        os.fstat(descriptor)
    except OSError:
        continue
    opened.append(descriptor)
os.write({to}, repr((opened, sys.stdin is not None, sys.stdout is not None)).encode())
"""


def tidied(before: str, to: int = 1, **how: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TIDY.format(before=before, to=to)],
        capture_output=True, text=True, check=True, **how,
    )  # fmt: skip
    return str(done.stdout or done.stderr)


@pytest.mark.parametrize(
    "before", ["", "os.listdir = lambda _: (_ for _ in ()).throw(FileNotFoundError())"]
)
def test_what_was_inherited_is_closed_and_what_was_opened_is_not(before: str) -> None:
    read, write = os.pipe()
    own = f"own = os.open(os.devnull, os.O_RDONLY); os.dup2(own, {write + 5}, False); os.close(own)"
    try:
        said = tidied(f"{own}\n{before}", pass_fds=(read, write))
    finally:
        os.close(read)
        os.close(write)
    assert said == f"([0, 1, 2, {write + 5}], True, True)"


def test_standard_streams_that_are_closed_lead_nowhere() -> None:
    # No file that is opened later takes their numbers.
    def close_both() -> None:
        os.close(0)
        os.close(1)

    assert tidied("", to=2, preexec_fn=close_both) == "([0, 1, 2], True, True)"
