"""What is said of a request that the Grid Engine refuses, beside its own words."""

from __future__ import annotations

import pytest

from gridengine.schedulers import GridEngineScheduler
from gridengine.schedulers.grid_engine.refusals import refusal


def told(reason: str, **asked: str) -> str:
    return refusal(reason, GridEngineScheduler(**asked).request, GridEngineScheduler)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("max_worker", "max_workers"), ("h_wmem", "h_vmem"), ("queu", "queue")],
)
def test_the_nearest_name_stands_behind_one_that_the_site_does_not_know(
    written: str, meant: str
) -> None:
    words = f'unknown resource "{written}"'
    assert f"{words}; did you mean {meant!r}?" == told(words, **{written: "2"})


def test_a_text_that_is_no_time_or_size_is_told_with_what_is_one() -> None:
    time, size = (
        told('attribute "h_rt" is not a time value', h_rt="2h"),
        told('attribute "h_vmem" is not a memory value', h_vmem="2GB"),
    )
    assert "h_rt is '2h'; it takes '00:30:00'" in time
    assert "h_vmem is '2GB'; it takes '4G'" in size


@pytest.mark.parametrize(
    "reason", ['unknown resource "foo"', 'attribute "foo" is not a time value', "no queues"]
)
def test_other_refusals_are_told_in_the_batch_systems_words(reason: str) -> None:
    assert reason == told(reason)
