"""Files are looked into soon after something was said, and rarely when nothing is."""

from __future__ import annotations

from gridengine.transport.looks import LATEST, SOONEST, Looks


def test_looks_become_rare_while_nothing_is_said_and_never_too_rare() -> None:
    looks, now, pauses = Looks(0.0), 0.0, []
    for _ in range(100):
        looks.looked(now, now, heard=False)
        pauses.append(round(looks.due - now, 9))
        now = looks.due
    assert pauses[0] == SOONEST
    assert pauses == sorted(pauses)
    assert pauses[-1] == LATEST


def test_what_is_heard_or_said_makes_the_next_look_soon() -> None:
    looks = Looks(0.0)
    looks.looked(100.0, 100.0, heard=False)
    assert looks.due == 100.0 + LATEST
    looks.said(100.1)
    assert looks.due == 100.1 + SOONEST
    looks.looked(200.0, 200.0, heard=True)
    assert looks.due == 200.0 + SOONEST


def test_a_slow_file_server_is_not_asked_all_the_time() -> None:
    looks = Looks(0.0)
    looks.looked(10.0, 12.0, heard=True)
    assert looks.due == 12.0 + 4 * 2.0
