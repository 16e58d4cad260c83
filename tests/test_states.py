"""The table of moves, and what is said of it."""

from __future__ import annotations

import copy
import pickle

import pytest

from gridengine import states
from gridengine.states import MOVES, DeathCause, JobState

FINAL = {JobState.FINISHED, JobState.FAILED, JobState.DIED, JobState.CANCELLED}


def test_every_state_has_its_moves_and_every_move_leads_to_a_state() -> None:
    assert set(MOVES) == set(JobState)
    assert all(target in JobState for moves in MOVES.values() for target in moves)


def test_the_final_states_are_those_that_nothing_leaves() -> None:
    assert {state for state in JobState if state.final} == FINAL


def test_every_state_can_be_reached_from_the_first_and_an_end_from_every_state() -> None:
    def reached(state: JobState, seen: frozenset[JobState]) -> frozenset[JobState]:
        seen |= {state}
        for target in MOVES[state] - seen:
            seen |= reached(target, seen)
        return seen

    assert reached(JobState.INITIAL, frozenset()) == set(JobState)
    for state in JobState:
        assert reached(state, frozenset()) & FINAL


def test_nothing_returns_to_the_first_state_or_stays_where_it_is() -> None:
    assert not any(JobState.INITIAL in moves for moves in MOVES.values())
    assert not any(state in moves for state, moves in MOVES.items())


def test_the_drawing_names_every_state() -> None:
    assert states.__doc__ is not None
    for state in JobState:
        assert state.name in states.__doc__


@pytest.mark.parametrize("member", [*JobState, *DeathCause])
def test_a_member_is_the_same_object_after_any_journey(member: JobState | DeathCause) -> None:
    assert pickle.loads(pickle.dumps(member)) is member
    assert copy.deepcopy(member) is member
    assert {member: 1}[type(member)(member.value)] == 1
