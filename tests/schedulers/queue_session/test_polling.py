"""When the queue is looked at, and what is made of it. Times are given; nothing waits."""

from __future__ import annotations

import itertools

import pytest

from gridengine.schedulers.grid_engine.batch_system.qstat import state_of
from gridengine.schedulers.queue_session.process.batch_system import ENDS_ARE_TOLD, QueueState
from gridengine.schedulers.queue_session.process.polling import PollingPlan, QueueJob


@pytest.fixture
def jobs() -> dict[str, QueueJob]:
    """Two queue jobs, submitted at 0."""
    return {"1.1": QueueJob(0.0), "1.2": QueueJob(0.0)}


@pytest.fixture
def plan(jobs: dict[str, QueueJob]) -> PollingPlan:
    """When they are looked at."""
    made = PollingPlan(jobs, ENDS_ARE_TOLD)
    made.submitted(0.0)
    return made


def seen_as(letters: dict[str, str]) -> dict[str, QueueState]:
    """Returns how queue jobs are seen to stand, of their letters."""
    return {name: state_of(each) for name, each in letters.items()}


def _looks(plan: PollingPlan, states: dict[str, QueueState] | None, until: float) -> list[float]:
    """When it looks, if it sees the same each time."""
    times, now = [], 0.0
    while now < until:
        if (asked := plan.due(now)) is not None:
            plan.seen(states, asked, now)
            times.append(now)
        now += 0.5
    return times


def test_looks_become_rarer(plan: PollingPlan) -> None:
    times = _looks(plan, seen_as({"1.1": "qw", "1.2": "qw"}), 200)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps == sorted(gaps)
    assert 2 == times[0]
    assert 30 == gaps[-1]


def test_running_queue_jobs_are_looked_at_least(plan: PollingPlan) -> None:
    times = _looks(plan, seen_as({"1.1": "r", "1.2": "r"}), 1000)
    assert 120 == times[-1] - times[-2]


def test_nothing_is_looked_at_while_an_answer_is_awaited(plan: PollingPlan) -> None:
    assert plan.due(2.0) is not None
    assert plan.due(1000.0) is None


def test_no_queue_job_no_look(jobs: dict[str, QueueJob], plan: PollingPlan) -> None:
    jobs.clear()
    assert plan.due(1000.0) is None


def test_one_in_error_is_told_once(plan: PollingPlan) -> None:
    asked = plan.due(2.0)
    assert asked is not None
    assert {"1.2"} == plan.seen(seen_as({"1.1": "qw", "1.2": "Eqw"}), asked, 2.0).stuck
    assert not plan.seen(seen_as({"1.1": "qw", "1.2": "Eqw"}), asked, 9.0).stuck


def test_one_that_is_not_there_twice_is_gone(plan: PollingPlan) -> None:
    asked = plan.due(2.0)
    assert asked is not None
    assert not plan.seen(seen_as({"1.1": "r"}), asked, 2.0).gone
    assert not plan.seen(None, asked, 3.0).gone
    assert {"1.2"} == plan.seen(seen_as({"1.1": "r"}), asked, 9.0).gone


def test_one_that_was_submitted_after_the_look_is_not_missed(
    jobs: dict[str, QueueJob], plan: PollingPlan
) -> None:
    asked = plan.due(2.0)
    assert asked is not None
    jobs["2.1"] = QueueJob(2.0)
    for now in (2.0, 9.0):
        assert "2.1" not in plan.seen(seen_as({"1.1": "r", "1.2": "r"}), asked, now).gone


@pytest.mark.parametrize("state", ["s", "S", "T", "sS", "Rs"])
def test_one_that_is_suspended_is_told_of_when_that_begins_and_ends(
    jobs: dict[str, QueueJob], plan: PollingPlan, state: str
) -> None:
    asked = frozenset(jobs)
    assert frozenset() == plan.seen(seen_as({"1.1": "r", "1.2": "r"}), asked, 2.0).standing
    assert {"1.1"} == plan.seen(seen_as({"1.1": state, "1.2": "r"}), asked, 4.0).standing
    assert "state" in jobs["1.1"].suspended
    assert frozenset() == plan.seen(seen_as({"1.1": state, "1.2": "r"}), asked, 6.0).standing
    assert {"1.1"} == plan.seen(seen_as({"1.1": "r", "1.2": "r"}), asked, 8.0).standing
    assert not jobs["1.1"].suspended


def test_one_that_is_suspended_is_looked_at_as_often_as_one_that_waits(plan: PollingPlan) -> None:
    times = _looks(plan, seen_as({"1.1": "S", "1.2": "r"}), 1000)
    assert 30 == times[-1] - times[-2]


def test_one_that_is_asked_about_is_looked_at_at_once_and_told_of(
    jobs: dict[str, QueueJob], plan: PollingPlan
) -> None:
    states = seen_as({"1.1": "r", "1.2": "r"})
    _looks(plan, states, 500)
    assert {"7.7"} == plan.ask_about(["1.1", "7.7"], 500.0), "it is over"
    asked = plan.due(501.0)
    assert asked == frozenset(jobs)
    assert {"1.1"} == plan.seen(states, asked, 501.0).standing
    assert frozenset() == plan.seen(states, asked, 502.0).standing


def test_where_qstat_does_not_answer_it_is_asked_again_and_where_there_is_none_that_is_told(
    plan: PollingPlan,
) -> None:
    asked = frozenset({"1.1", "1.2"})
    plan.ask_about(["1.1"], 2.0)
    assert frozenset() == plan.seen(None, asked, 2.0).standing
    assert {"1.1"} == plan.seen(None, asked, 3.0, blind=True).standing
