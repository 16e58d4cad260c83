"""Workers have as much ahead as they do while a message and its answer are on their way."""

from __future__ import annotations

import pytest

from gridengine.ledger.lead import Lead
from gridengine.settings import AHEAD_SECONDS, BLOCK_SECONDS, OVERDUE


@pytest.mark.parametrize("round_trip", [0.0, 0.001])
def test_where_messages_take_no_time_it_is_what_the_settings_say(round_trip: float) -> None:
    lead = Lead()
    lead.allow_for(round_trip)
    assert (lead.block, lead.ahead, lead.overdue) == (BLOCK_SECONDS, AHEAD_SECONDS, OVERDUE)
    assert lead.times == 1


@pytest.mark.parametrize("round_trip", [0.13, 1.0, 4.0])
def test_two_messages_hold_more_work_than_is_done_in_a_round_trip(round_trip: float) -> None:
    lead = Lead()
    lead.allow_for(round_trip)
    assert 2 * lead.block > round_trip
    assert lead.ahead > round_trip
    # Nothing is taken back because its answer is still on its way.
    assert min(lead.patience, lead.overdue) > round_trip


def test_it_shrinks_again_with_the_round_trip() -> None:
    lead = Lead()
    lead.allow_for(4.0)
    lead.allow_for(0.0)
    assert lead.block == BLOCK_SECONDS
