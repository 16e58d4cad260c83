"""What may be said about the number, the lifetime and the name of workers."""

from __future__ import annotations

import datetime
import math

import pytest

from gridengine.schedulers import GridEngineScheduler
from gridengine.schedulers.grid_engine.request import job_name


class Two:
    """A whole number that is no int, such as numpy's."""

    def __index__(self) -> int:
        return 2


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("10m", 600.0),
        (" 1.5 H ", 5400.0),
        ("90s", 90.0),
        ("2d", 172800.0),
        ("00:10:00", 600.0),
        ("600", 600.0),
        (600, 600.0),
        (1.5, 1.5),
        (datetime.timedelta(minutes=1), 60.0),
        (None, None),
        (math.inf, None),
    ],
)
def test_a_lifetime_is_said_in_any_of_these_ways(given: object, seconds: float | None) -> None:
    assert GridEngineScheduler(lifetime=given).lifetime == seconds  # type: ignore[arg-type]


def test_by_default_a_worker_gives_its_place_up_after_ten_minutes() -> None:
    assert GridEngineScheduler().lifetime == 600.0


@pytest.mark.parametrize(
    "given", ["soon", "10 minutes", "", "m", "-5m", "1:x", 0, 0.5, -1, math.nan]
)
def test_a_lifetime_that_makes_no_sense_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="lifetime is"):
        GridEngineScheduler(lifetime=given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [True, [600], b"10m"])
def test_a_lifetime_of_another_type_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match=r"lifetime is .*'10m'"):
        GridEngineScheduler(lifetime=given)  # type: ignore[arg-type]


def test_max_workers_is_any_whole_number() -> None:
    assert GridEngineScheduler(max_workers=Two()).max_workers == 2  # type: ignore[arg-type]
    assert GridEngineScheduler(max_workers=3).max_queue_jobs == 3


@pytest.mark.parametrize(("given", "error"), [(0, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_max_workers_that_make_no_sense_are_refused(given: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_workers is"):
        GridEngineScheduler(max_workers=given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "error"), [("", ValueError), (" ", ValueError), (3, TypeError)])
def test_a_name_that_is_none_is_refused(given: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="queue_job_name is"):
        GridEngineScheduler(queue_job_name=given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("simulate", "simulate"),
        ("main.<locals>.simulate", "simulate"),
        ("main.<locals>.<lambda>", "lambda"),
        ("Model.fit", "Model.fit"),
        ("7 dwarfs", "j7_dwarfs"),
        ("a/b:c@d*e", "a_b_c_d_e"),
        ("<>", "gridengine"),
    ],
)
def test_a_name_is_made_legal(name: str, legal: str) -> None:
    assert job_name(name) == legal
