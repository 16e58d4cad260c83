"""What the dispatcher makes of what its connections tell of the way that messages go."""

from __future__ import annotations

from typing import Any

from gridengine.dispatcher.handlers import Handlers
from gridengine.transport.base import Connections

from ..ledger.test_dispatcher_state import SETTINGS, Program


class Slow(Connections):
    """Nobody's message is here yet; of one a part is."""

    round_trip = 7.0

    def alive(self) -> list[bytes]:
        return [b"s", b"s.0", b"nobody"]

    def patience_of(self, address: bytes) -> float:
        return 500.0 if address == b"s" else 0.0

    def watch(self, descriptor: int) -> None: ...

    def wait(self, seconds: float) -> list[int]:
        return []

    def close(self) -> None: ...

    def _messages(self) -> Any:
        return iter(())

    def _put(self, address: bytes, message: object, frames: list[Any]) -> bool:
        return False


def test_whose_message_is_on_its_way_counts_as_heard() -> None:
    program = Program(remote=True)
    program.now = 0.0
    program.supervisor(b"s")
    program.supervisor(b"t")
    others: Any = None
    handlers = Handlers(Slow(), program.state, others, others, others, others)
    try:
        handlers.look_at_the_door()
    finally:
        handlers.close()
    heard = {each.address: each.heard for each in program.state.staffing.supervisors.values()}
    assert heard[b"s"] > heard[b"t"] == 0.0
    assert program.state.ledger.lead.block == 7.0
    program.now = heard[b"s"] + 2 * SETTINGS.patience + 1
    program.state.staffing._looked = program.now
    program.tick()
    assert [*program.state.staffing.supervisors] == [b"s"]
