"""When it is asked why queue jobs wait, and whom it is told. Times are given; nothing waits."""

from __future__ import annotations

import itertools

import pytest

from gridengine.schedulers.grid_engine.batch_system.qstat import state_of
from gridengine.schedulers.queue_session.process.polling import QueueJob
from gridengine.schedulers.queue_session.process.waiting import WaitingFor, WaitingPlan


def waiting(*names: str, request: str = "", state: str = "qw") -> dict[str, QueueJob]:
    """Returns queue jobs that were submitted at 0, and are seen to wait."""
    return {name: QueueJob(0.0, request=request, state=state_of(state)) for name in names}


@pytest.fixture
def jobs() -> dict[str, QueueJob]:
    """Three of two arrays, which ask for the same."""
    return waiting("1.1", "1.2", "2.1")


@pytest.fixture
def plan(jobs: dict[str, QueueJob]) -> WaitingPlan:
    """Asks why they wait."""
    return WaitingPlan(jobs)


def answers(plan: WaitingPlan, reason: str, now: float) -> list[WaitingFor | None]:
    """Has a plan look at the queue, and answers all that it asks."""
    return [plan.answered(question, reason, now) for question in plan.look(now)[0]]


def test_one_is_asked_about_and_all_that_ask_for_the_same_are_told(plan: WaitingPlan) -> None:
    assert plan.look(2.0) == ([], [])
    assert answers(plan, "full", 6.0) == [WaitingFor(("1.1", "1.2", "2.1"), "full")]


def test_who_comes_later_is_told_what_is_known(
    jobs: dict[str, QueueJob], plan: WaitingPlan
) -> None:
    answers(plan, "full", 6.0)
    jobs.update(waiting("3.1"))
    assert plan.look(9.0) == ([], [WaitingFor(("3.1",), "full")])
    assert plan.look(10.0) == ([], [])


def test_others_and_those_on_hold_are_asked_about_apart(
    jobs: dict[str, QueueJob], plan: WaitingPlan
) -> None:
    jobs.update(waiting("3.1", request="-l h_vmem=9G"))
    jobs.update(waiting("4.1", state="hqw"))
    questions, _ = plan.look(6.0)
    assert [(each.queue_job, each.held) for each in questions] == [
        ("1.1", False),
        ("3.1", False),
        ("4.1", True),
    ]


def test_not_all_is_asked_at_once(plan: WaitingPlan, jobs: dict[str, QueueJob]) -> None:
    for number in range(10, 20):
        jobs.update(waiting(f"{number}.1", request=f"-l x={number}"))
    assert len(plan.look(6.0)[0]) == 4
    assert len(plan.look(7.0)[0]) == 4
    assert len(plan.look(8.0)[0]) == 3
    assert plan.look(9.0) == ([], [])


def test_the_same_is_asked_more_and_more_rarely(plan: WaitingPlan) -> None:
    asked = [float(now) for now in range(3000) if plan.look(float(now))[0]]
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert asked[0] == 5
    assert gaps[0] == 8
    assert gaps == sorted(gaps)
    assert gaps[-1] == 300


def test_nothing_is_asked_of_those_that_run_are_in_error_or_being_deleted(
    jobs: dict[str, QueueJob], plan: WaitingPlan
) -> None:
    jobs["1.1"].state = state_of("r")
    jobs["1.2"].state, jobs["1.2"].stuck = state_of("Eqw"), True
    jobs["2.1"].deleted = True
    assert plan.look(60.0)[0] == []


def test_that_some_have_started_is_told_once(jobs: dict[str, QueueJob], plan: WaitingPlan) -> None:
    jobs["1.2"].state = state_of("r")
    [told] = plan.look(2.0)[1]
    assert told.queue_jobs == ("1.2",)
    assert "has started" in told.reason
    assert plan.look(3.0)[1] == []


def test_the_log_has_it_when_all_have_waited_for_long_and_not_again_soon(
    plan: WaitingPlan,
) -> None:
    def aloud(reason: str, now: float) -> list[bool]:
        return [told is not None and told.aloud for told in answers(plan, reason, now)]

    assert aloud("full", 6.0) == [False]
    assert aloud("full", 14.0) == [True]
    assert aloud("full", 30.0) == [False]
    assert aloud("in error", 62.0) == [True]
    assert aloud("in error", 126.0) == [False]
    assert aloud("in error", 400.0) == [True]


def test_the_log_does_not_have_it_while_something_runs(
    jobs: dict[str, QueueJob], plan: WaitingPlan
) -> None:
    jobs["2.1"].state = state_of("r")
    assert answers(plan, "full", 20.0) == [WaitingFor(("1.1", "1.2"), "full")]


def test_another_reason_is_told_to_all(plan: WaitingPlan) -> None:
    answers(plan, "full", 6.0)
    assert answers(plan, "disabled", 14.0) == [
        WaitingFor(("1.1", "1.2", "2.1"), "disabled", aloud=True)
    ]


def test_an_answer_that_says_nothing_or_comes_too_late_is_told_to_nobody(
    jobs: dict[str, QueueJob], plan: WaitingPlan
) -> None:
    assert answers(plan, "", 6.0) == [None]
    [question] = plan.look(20.0)[0]
    jobs.clear()
    assert plan.answered(question, "full", 21.0) is None
