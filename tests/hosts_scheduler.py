"""The scheduler of docs/howto/writing-a-scheduler.md: workers on other hosts, or as if so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridengine.schedulers import Scheduler

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "writing-a-scheduler.md"

#: Runs the line on this host, whatever the host is called.
HERE = ("sh", "-c", 'eval "$1"')

Make = Callable[..., Scheduler]


def source() -> str:
    """Returns the page's program."""
    block = re.search(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    assert block is not None
    return block[1]


def hosts_scheduler() -> Make:
    """Returns the page's class, ``HostsScheduler``."""
    names: dict[str, Any] = {"__name__": "hosts_scheduler"}
    exec(compile(source(), str(PAGE), "exec"), names)  # a page of ours
    made: Make = names["HostsScheduler"]
    return made
