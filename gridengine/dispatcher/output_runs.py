"""What one chunk prints in one worker: bytes in order, made of what comes on two connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..ledger.records import Chunk
from ..ledger.task_output import TaskOutput
from ..transport.output_messages import Piece

#: Pieces that wait for what comes before them, at most.
_EARLY = 64

#: Bytes of a line, at most; a longer one is taken for several.
_LINE = 1 << 20


class OutputRun:
    """A run of bytes of each stream, counted from 0.

    Its worker and the supervisor send pieces of it, which may overtake each other.

    Args:
        chunk: What prints it.
        output: What is known of the output of its task.
        heard: How many bytes of each stream were taken in before.

    Attributes:
        task: Whose it is.
        output: What is known of the output of all of it.
        attempt: Number of the attempt.
        first: Position of the first call.
        end: The one behind the last.
        prefix: What stands before its lines.
    """

    def __init__(self, chunk: Chunk, output: TaskOutput, heard: Sequence[int]) -> None:
        self.task = chunk.task
        self.output = output
        self.attempt = chunk.attempt
        self.first = chunk.position
        self.end = chunk.position + chunk.hi - chunk.lo
        self.prefix = ""
        # The number within the map of a call, less its position.
        self._number = chunk.task.first + chunk.lo - chunk.position
        self._lo = chunk.lo
        self._heard = list(heard)
        self._early: list[Piece] = []
        self._rests = [b"", b""]
        self._ends: list[int] | None = None

    @property
    def gap(self) -> bool:
        """Whether something has come before what it follows."""
        return bool(self._early)

    @property
    def complete(self) -> bool:
        """Whether all of it has been taken in, and no more will come."""
        return self._ends is not None and all(
            heard >= end for heard, end in zip(self._heard, self._ends, strict=True)
        )

    def positions(self, lo: int, hi: int) -> tuple[int, int]:
        """Returns the positions of calls of the task."""
        return self.first + lo - self._lo, self.first + hi - self._lo

    def numbers(self, positions: tuple[int, int]) -> tuple[int, int]:
        """Returns the numbers within the map of the first and last call at positions of its own."""
        first, end = max(positions[0], self.first), min(positions[1], self.end)
        return first + self._number, max(first, end - 1) + self._number

    def ends_with(self, pieces: Sequence[Piece]) -> None:
        """Notes that these are the last ones of each stream."""
        self._ends = [0, 0]
        for piece in pieces:
            self._ends[piece.error] = piece.start + len(piece.data)

    @property
    def is_ending(self) -> bool:
        """Whether it is known where it ends."""
        return self._ends is not None

    def goes_on_from(self, before: OutputRun) -> Iterator[tuple[int, bytes]]:
        """Yields what can be put in order now that this is counted on from another run."""
        self._heard = [max(counts) for counts in zip(self._heard, before._heard, strict=True)]
        yield from self.take([])

    def follows(self, piece: Piece) -> bool:
        """Tells whether a piece is what something that has come before it waits for."""
        return self.gap and self._heard[piece.error] == piece.start

    def take(self, pieces: Sequence[Piece]) -> Iterator[tuple[int, bytes]]:
        """Yields what can be put in order now: of which stream, and the bytes."""
        self._early += pieces
        found = True
        while found:
            found = False
            for piece in self._early[:]:
                heard = self._heard[piece.error]
                if piece.start <= heard:
                    found = True
                    self._early.remove(piece)
                    data = piece.data[heard - piece.start :]
                    self._heard[piece.error] += len(data)
                    yield int(piece.error), data
        if len(self._early) > _EARLY:
            yield from self.give_up()

    def give_up(self) -> Iterator[tuple[int, bytes]]:
        """Yields what is there, as if it were all that there is."""
        early, self._early = self._early, []
        for piece in sorted(early, key=lambda piece: piece.start):
            heard = self._heard[piece.error]
            data = piece.data[max(0, heard - piece.start) :]
            self._heard[piece.error] = max(heard, piece.start + len(piece.data))
            yield int(piece.error), data

    def lines(self, stream: int, data: bytes) -> bytes | None:
        """Returns the whole lines that there are with this, without the end of the last one."""
        lines, newline, rest = (self._rests[stream] + data).rpartition(b"\n")
        if not newline and len(rest) > _LINE:
            lines, newline, rest = rest, b"\n", b""
        self._rests[stream] = rest
        return lines if newline else None

    def rest(self, stream: int) -> bytes:
        """Returns, and forgets, what there is of a line without its end."""
        rest, self._rests[stream] = self._rests[stream], b""
        return rest
