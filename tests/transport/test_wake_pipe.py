"""The pipe that wakes a loop: from each sleep once, and not never."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest

from gridengine.transport.wake_pipe import WakePipe


@pytest.fixture
def pipe() -> Iterator[WakePipe]:
    made = WakePipe()
    yield made
    made.close()


def is_ready(pipe: WakePipe) -> bool:
    return bool(select.select([pipe.read_end], [], [], 0)[0])


def test_nobody_is_roused_who_does_not_sleep(pipe: WakePipe) -> None:
    pipe.rouse()
    assert not is_ready(pipe)
    pipe.fall_asleep()
    pipe.rise()
    pipe.rouse()
    assert not is_ready(pipe)


def test_from_each_sleep_one_is_enough(pipe: WakePipe) -> None:
    for _ in range(2):
        pipe.fall_asleep()
        pipe.rouse()
        assert is_ready(pipe)
        pipe.empty()
        pipe.rouse()
        assert not is_ready(pipe)
        pipe.rise()


def test_who_was_interrupted_before_it_has_roused_nobody(
    pipe: WakePipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    pipe.fall_asleep()
    with monkeypatch.context() as patch:
        patch.setattr(pipe, "wake", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pipe.rouse()
    # The next one does it: else whoever sleeps would be thought to be on its way for ever.
    pipe.rouse()
    assert is_ready(pipe)
