"""A little chaos; ``python -m tests.system.chaos`` makes as much as you like."""

from __future__ import annotations

import random

import pytest

from .. import kinds
from . import chaos


@pytest.fixture
def seed() -> int:
    number = random.SystemRandom().randrange(1_000_000)
    print(f"seed {number}")  # shown if the test fails
    return number


@pytest.mark.timeout(150)
def test_nothing_is_lost_or_doubled_while_processes_die_at_random(seed: int) -> None:
    report = chaos.run(jobs=400, seconds=1.5, seed=seed, scheduler="process")
    assert report.harm


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("gridengine", marks=pytest.mark.cluster),
        pytest.param("commands", marks=[pytest.mark.cluster, pytest.mark.slow]),
        pytest.param("slurm", marks=pytest.mark.cluster),
    ],
)
def test_nothing_is_lost_or_doubled_while_the_cluster_breaks_at_random(
    kind: str, request: pytest.FixtureRequest, seed: int
) -> None:
    kinds.brought_up(kind, request)
    report = chaos.run(jobs=1500, seconds=7.0, seed=seed, scheduler=kind)
    assert report.harm
