"""The scheduler of docs/howto/writing-a-scheduler.md: workers on other hosts, or as if so."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridengine.schedulers import Scheduler

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "writing-a-scheduler.md"

#: Runs the line on this host, whatever the host is called.
HERE = ("sh", "-c", 'eval "$1"')

Make = Callable[..., Scheduler]


def source(name: str = "HostsScheduler") -> str:
    """Returns the page's program that has a class."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    [block] = [block for block in blocks if f"class {name}(" in block]
    return str(block)


@contextlib.contextmanager
def in_modules(folder: Path) -> Iterator[None]:
    """Has the page's classes found in modules, by `made`: what is sent elsewhere is found there."""
    for name in ("HostsScheduler", "BackgroundScheduler"):
        (folder / f"page_{name.lower()}.py").write_text(source(name), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


def made(name: str) -> Make:
    """Returns a class of the page, as it is in its module."""
    maker: Make = getattr(importlib.import_module(f"page_{name.lower()}"), name)
    return maker


def hosts_scheduler() -> Make:
    """Returns the page's class, ``HostsScheduler``."""
    names: dict[str, Any] = {"__name__": "hosts_scheduler"}
    exec(compile(source(), str(PAGE), "exec"), names)  # a page of ours
    made: Make = names["HostsScheduler"]
    return made
