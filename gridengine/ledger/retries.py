"""Which calls may have ended their worker, and which of them are tried again. Pure."""

from __future__ import annotations

from ..states import DeathCause
from .records import Chunk, Verdict

#: Losses of a chunk after which it is run alone: whose job it was that killed a supervisor can
#: only be told if it had no other. For what else may end one, two in a row are rare.
_LOSSES_TOGETHER = 2


class Retries:
    """Charges deaths and losses to chunks of work.

    Args:
        infrastructure_retries: Losses of a chunk that are forgiven.
    """

    def __init__(self, infrastructure_retries: int) -> None:
        self._infrastructure_retries = infrastructure_retries

    def hold(
        self,
        held: list[Chunk],
        *,
        position: int | None,
        width: int,
        end: int,
        blame: bool,
        final: bool,
        timed_out: bool = False,
        want: DeathCause | None = None,
    ) -> tuple[list[Chunk], list[Verdict]]:
        """Looks into the end of a worker.

        Args:
            held: What it had, in the order of its positions; not empty.
            position: As for `gridengine.ledger.ledger.Ledger.ended`.
            width: As there.
            end: The position behind all that it was given.
            blame: As there.
            final: As there.
            timed_out: As there.
            want: As there.

        Returns:
            The chunks that are tried again, and the calls that are not.
        """
        seen = position is not None
        if position is None:
            position = held[0].position
            # No job is to blame: one loss is counted, not one for each call that it had.
            width = end - position if blame else held[0].hi - held[0].lo
        stop = position + width
        parts = [part for each in held for part in each.cut(position, stop)] if width > 0 else held
        suspects = {part for part in parts if position <= part.position < stop}
        if not suspects:
            # Begun and finished, the answer lost; or not begun at all. That is counted too, or
            # what kills its worker before it begins would be tried for ever.
            suspects, blame, final, timed_out = {parts[0]}, False, False, False
        alone = sum(part.hi - part.lo for part in suspects) == 1
        final = final and (seen or alone)
        verdicts: list[Verdict] = []
        again: list[Chunk] = []
        for part in parts:
            if part not in suspects:
                again.append(part)
            elif want is not None and _asks_for_more(part, want):
                # Costs no attempt: who it was is found out, and has its verdict at once.
                if alone:
                    verdicts.append(_verdict(part, part.lo))
                else:
                    again.extend(self._singled_out(part, True, seen))
            elif (self._charge(part, blame, timed_out) and alone) or final:
                verdicts.extend(_verdict(part, index) for index in range(part.lo, part.hi))
            elif timed_out:
                # It is known which call it was.
                again.append(part)
            else:
                again.extend(self._singled_out(part, blame, seen))
        return again, verdicts

    def _charge(self, chunk: Chunk, blame: bool, timed_out: bool) -> bool:
        """Counts a death, a loss, or a failure; True if it was one too many."""
        if timed_out:
            chunk.errors += 1
            return chunk.errors > chunk.task.timeout_retries
        if blame:
            chunk.deaths += 1
            return chunk.deaths > chunk.task.lost_retries
        chunk.losses += 1
        chunk.isolated = chunk.losses >= _LOSSES_TOGETHER
        return chunk.losses > self._infrastructure_retries

    def _singled_out(self, chunk: Chunk, blame: bool, seen: bool) -> list[Chunk]:
        """Returns a suspect in the chunks in which it is tried again.

        One of several calls did it, and which one is not known: each is tried by itself before
        any is given up.
        """
        lost_too_often = chunk.losses > self._infrastructure_retries
        if not blame and not lost_too_often:
            return [chunk]
        chunk.one_at_a_time = True
        return [chunk] if seen and not lost_too_often else chunk.split()


def _verdict(chunk: Chunk, index: int) -> Verdict:
    return Verdict(chunk.task, index, chunk.attempt, chunk.since, chunk.tried)


def _asks_for_more(chunk: Chunk, want: DeathCause) -> bool:
    requests = chunk.task.requests
    return requests is not None and requests.answers(want)
