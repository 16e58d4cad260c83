"""A kernel for the tests of a module, on each scheduler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import the_cluster
from .kernel import Kernel, started


def environment_of(name: str) -> dict[str, str]:
    """Returns what a user of a scheduler has set."""
    if name == "process":
        return {"GRIDENGINE_SCHEDULER": "process"}
    return {**the_cluster().environment(), "GRIDENGINE_SCHEDULER": "grid_engine"}


@pytest.fixture(
    scope="module", params=["process", pytest.param("cluster", marks=pytest.mark.cluster)]
)
def kernel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """A kernel that has imported this package and has its workers."""
    folder = tmp_path_factory.mktemp(re.sub(r"\W", "", request.param))
    with started(Path(folder), environment_of(request.param)) as running:
        running.value("import gridengine, os, pathlib, time")
        assert running.value("gridengine.map(abs, range(-3, 0))").endswith("[3, 2, 1]")
        yield running
