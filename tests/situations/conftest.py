"""Collects the situations: each of their files is one, on the cores or on the cluster."""

from __future__ import annotations

import contextlib
import faulthandler
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ..cluster import Cluster
from ..conftest import the_cluster
from .situation import Situation, SituationError

_HERE = Path(__file__).parent
_FOLDERS = (_HERE / "cores", _HERE / "cluster")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    # What lies in a folder beside a situation is its own, tests included.
    return any(folder in collection_path.parents[1:] for folder in _FOLDERS) or None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> object:
    if module_path.parent in _FOLDERS:
        return SituationFile.from_parent(parent, path=module_path)
    return None


class SituationFile(pytest.File):
    """A file with a program."""

    def collect(self) -> Iterator[pytest.Item]:
        situation = Situation.read(self.path)
        for where in situation.on:
            yield SituationItem.from_parent(self, name=where, situation=situation)


class SituationItem(pytest.Item):
    """One run of a program."""

    def __init__(self, *, situation: Situation, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.situation = situation
        # The rest is to say what is left behind.
        self.add_marker(pytest.mark.timeout(situation.limit + 60))
        if self.name == "cluster":
            self.add_marker("cluster")
        # On the cores many say quickly what would take their workers' start on a cluster.
        if situation.slow or (self.name == "cluster" and "cores" in situation.on):
            self.add_marker("slow")
        if situation.alone:
            self.add_marker("alone")
        if situation.site:
            self.add_marker("site")

    def runtest(self) -> None:
        if (missing := self.situation.missing()) is not None:
            pytest.skip(missing)
        if self.situation.slow:
            # It is not to show where it hangs.
            faulthandler.cancel_dump_traceback_later()
        if self.name == "cores":
            self.situation.run({"GRIDENGINE_SCHEDULER": "process"})
        else:
            self._run_on_the_cluster(the_cluster())

    def _run_on_the_cluster(self, cluster: Cluster) -> None:
        words = [word for word in self.situation.site if word != "user"]
        environment = dict(cluster.environment())
        with contextlib.ExitStack() as stack:
            if self.path.parent.name == "cluster":
                # Some of them do harm, and some look at all that is in the queue.
                cluster.heal()
                stack.callback(cluster.heal)
            for word in words:
                environment.update(stack.enter_context(_site()[word](cluster)))
            if "user" in self.situation.site:
                environment.update(USER=cluster.user, LOGNAME=cluster.user)
                self.situation.run(environment, user=cluster.user)
            else:
                self.situation.run(environment)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, SituationError):
            return f"{self.path}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.stem} on {self.name}"


def _site() -> dict[str, Callable[[Cluster], AbstractContextManager[Mapping[str, str]]]]:
    """Returns what a cluster can be, by the words of `Site:`."""
    from ..cluster.site import SITE

    return SITE
