"""Which job is where since when. Pure: events and ``now`` in, orders out.

No socket, thread, clock or pickle is in here, so every fault is a list of events in a test.
`gridengine.dispatcher.dispatcher` turns bytes into these events and these orders into bytes.

A *piece* is a run of calls of one ticket that wait, or are handed out, together. Invariants:

- every call of a ticket that is not over is in exactly one piece, or has been recorded;
- a piece is in exactly one place: in the queue of its kind, or outstanding at one worker;
- the outstanding pieces of a worker are in the order of their positions;
- attempt numbers of a ticket only grow, and an answer counts only for an outstanding piece.
"""

from __future__ import annotations

import collections
import math

from ..settings import AHEAD_SECONDS, BLOCK_BYTES, BLOCK_CALLS, BLOCK_SECONDS, OVERDUE
from ..states import JobState
from .durations import Paces
from .idle_workers import Resting
from .queues import Waiting
from .records import Assignment, Piece, Verdict, WorkerRecord
from .retries import Inquest
from .task import Ticket

# Looked up for every job; see `gridengine.ledger.task`.
_RUNNING = JobState.RUNNING


class Ledger:
    """The book of one dispatcher.

    Args:
        infrastructure_retries: Losses of a piece that are forgiven.
        fresh: Whether a worker leaves after its first piece.
        bandwidth: Bytes per second in which arguments reach a worker.
    """

    def __init__(
        self,
        infrastructure_retries: int = 10,
        *,
        fresh: bool = False,
        bandwidth: float = math.inf,
    ) -> None:
        self._fresh = fresh
        self._bandwidth = bandwidth
        self._inquest = Inquest(infrastructure_retries)
        self._waiting = Waiting()
        self._staff: collections.Counter[int] = collections.Counter()
        self._resting = Resting()
        self._hungry: dict[bytes, WorkerRecord] = {}
        self._paces = Paces()
        self._late: list[WorkerRecord] = []
        self.workers: dict[bytes, WorkerRecord] = {}

    # ------------------------------------------------------------------ what is wanted

    def submit(self, ticket: Ticket) -> None:
        """Event: a ticket has been started."""
        self._waiting.add(Piece(ticket, 0, ticket.size))

    def backlog(self, kind: int) -> int:
        """Returns the calls that wait for a worker."""
        return self._waiting.calls[kind]

    def kinds(self) -> list[int]:
        """Returns the kinds that have calls waiting."""
        return [kind for kind, calls in self._waiting.calls.items() if calls]

    def pace(self, function: bytes) -> float | None:
        """Returns the seconds that one call of a function takes, None if not yet known."""
        return self._paces.usual(function)

    def wanted(self, kind: int) -> int:
        """Returns how many workers could be put to good use, those who are busy included."""
        calls = self.backlog(kind)
        busy = self._staff[kind] - len(self._resting.of(kind))
        if not calls:
            return busy
        pace = self.pace(self._waiting.of(kind)[0].ticket.function.key)
        if pace is not None:
            # A worker that would find less than a block's work when it arrives is not worth
            # its start.
            calls = min(calls, 1 + int(calls * pace / BLOCK_SECONDS))
        return busy + calls

    def cancel(self, ticket: Ticket) -> list[WorkerRecord]:
        """Event: a ticket is over, whatever its workers say.

        Returns:
            The workers that hold some of its calls.
        """
        self._waiting.remove(ticket.kind, lambda each: each is ticket)
        if not ticket.attempts:
            return []
        return [
            worker
            for worker in self.workers.values()
            if any(piece.ticket is ticket for piece in worker.outstanding)
        ]

    def cancel_waiting(self, tickets: set[Ticket]) -> list[Ticket]:
        """Event: these tickets are unwanted. Returns those no part of which was handed out."""
        for kind in {ticket.kind for ticket in tickets}:
            self._waiting.remove(kind, tickets.__contains__)
        held = {piece.ticket for worker in self.workers.values() for piece in worker.outstanding}
        return [ticket for ticket in tickets if ticket not in held and not ticket.over]

    def tickets(self) -> list[Ticket]:
        """Returns the tickets that are not over, in the order in which they are held."""
        held = [piece.ticket for worker in self.workers.values() for piece in worker.outstanding]
        every = dict.fromkeys(held + self._waiting.tickets())
        return [ticket for ticket in every if not ticket.over]

    def give_up(self, kind: int) -> list[Ticket]:
        """Event: there will be no worker of this kind. Returns the tickets that wait for one."""
        return self._waiting.remove(kind, lambda _: True)

    def staff(self, kind: int) -> int:
        """Returns the number of workers of a kind."""
        return self._staff[kind]

    # ------------------------------------------------------------------ workers

    def joined(
        self,
        address: bytes,
        kind: int,
        now: float,
        *,
        deadline: float = math.inf,
        team: bytes = b"",
    ) -> WorkerRecord:
        """Event: a worker is ready for work, until ``deadline``.

        ``team`` is the same for workers that are lost together.
        """
        worker = WorkerRecord(address, kind, now, deadline, team or address)
        self.workers[address] = worker
        self._staff[kind] += 1
        self._resting.add(worker)
        return worker

    def ended(
        self,
        address: bytes,
        *,
        position: int | None = None,
        width: int = 0,
        blame: bool = True,
        final: bool = False,
    ) -> list[Verdict]:
        """Event: a worker is no more.

        Args:
            address: Its routing id.
            position: The position that it was at; None if nobody could look, so that any call
                that it had may have ended it.
            width: How many calls from there may have ended it, 0 if it had begun none.
            blame: Whether the job that it ran is to blame; otherwise its attempt is free.
            final: Whether that job shall not be tried again.

        Returns:
            The calls that are not tried again.
        """
        worker = self.workers.pop(address, None)
        if worker is None:
            return []
        self._staff[worker.kind] -= 1
        self._resting.remove(worker)
        self._hungry.pop(address, None)
        held = [piece for piece in worker.outstanding if not piece.ticket.over]
        if not held:
            return []
        again, verdicts = self._inquest.hold(
            held, position=position, width=width, end=worker.position, blame=blame, final=final
        )
        self._put_back(again)
        return verdicts

    def idle_since(self, kind: int) -> list[WorkerRecord]:
        """Returns the workers of a kind that have nothing to do."""
        return list(self._resting.of(kind).values())

    def retire(self, worker: WorkerRecord) -> None:
        """Event: a worker has been told to leave, or is about to be no more; it gets no work."""
        worker.leaving = True
        self._hungry.pop(worker.address, None)
        self._resting.remove(worker)

    # ------------------------------------------------------------------ hand-out

    def assign(self, now: float) -> list[Assignment]:
        """Returns the orders that put waiting pieces to work.

        Idle workers come first; a busy one gets its next block before it has finished the
        last, if that will not take long by what such calls have taken so far.
        """
        orders: list[Assignment] = []
        for kind, queue in self._waiting.queues.items():
            while queue and self._resting.of(kind):
                worker = self._resting.take(queue[0], self.workers.values())
                if worker is None:
                    break
                if self._has_time(worker, queue[0], now):
                    self._assign(worker, queue, now, orders)
                else:
                    worker.leaving = True
                    self._late.append(worker)
                    self._resting.remove(worker)
        if any(self._waiting.queues.values()):
            for worker in list(self._hungry.values()):
                queue = self._waiting.of(worker.kind)
                if (
                    queue
                    and self._may_wait(queue, worker)
                    and self._has_time(worker, queue[0], now)
                ):
                    self._assign(worker, queue, now, orders)
        return orders

    def _may_wait(self, queue: collections.deque[Piece], worker: WorkerRecord) -> bool:
        """Tells whether the next piece may wait behind what a busy worker still has to run."""
        cost = self._paces.estimate(queue[0])
        if worker.load < BLOCK_SECONDS:
            return cost < math.inf
        # The last pieces wait for whoever is free first.
        return cost < AHEAD_SECONDS and len(queue) > self._staff[worker.kind]

    def _has_time(self, worker: WorkerRecord, piece: Piece, now: float) -> bool:
        """Tells whether a worker will live long enough, by what such calls have taken at most."""
        if worker.deadline == math.inf or not worker.ran:
            # A fresh one has all the time that there is: if that is too little, it must show.
            return True
        return now + worker.load + self._paces.longest(piece) < worker.deadline

    def out_of_time(self) -> list[WorkerRecord]:
        """Returns the orders to have workers leave that live too short for what waits."""
        late, self._late = self._late, []
        return late

    def _assign(
        self,
        worker: WorkerRecord,
        queue: collections.deque[Piece],
        now: float,
        orders: list[Assignment],
    ) -> None:
        pieces = self._block(worker, queue, now)
        if self._fresh:
            worker.leaving = True
        else:
            self._appease(worker)
        orders.append(Assignment(worker, pieces))

    def _block(
        self, worker: WorkerRecord, queue: collections.deque[Piece], now: float
    ) -> list[Piece]:
        # No more than a fair share of what waits: the last blocks decide when all is done.
        share = len(queue) // (2 * self._staff[worker.kind])
        most = 1 if self._fresh else min(BLOCK_CALLS, 1 + share)
        block: list[Piece] = []
        begin = worker.position
        seconds = 0.0
        size = 0
        estimate = self._paces.estimate
        while queue and len(block) < most:
            piece = queue[0]
            cost = estimate(piece)
            if block and (seconds + cost > BLOCK_SECONDS or size > BLOCK_BYTES):
                break
            queue.popleft()
            self._hand_out(piece, worker, now)
            block.append(piece)
            size += bytes_of(piece.ticket)
            seconds += cost
        self._waiting.calls[worker.kind] -= worker.position - begin
        worker.load += seconds
        worker.block += 1
        worker.ends.append(worker.position)
        worker.heard = now
        return block

    def _hand_out(self, piece: Piece, worker: WorkerRecord, now: float) -> None:
        ticket = piece.ticket
        ticket.attempts += 1
        ticket.state = _RUNNING
        piece.attempt = ticket.attempts
        piece.position = worker.position
        piece.since = now
        worker.position += piece.hi - piece.lo
        worker.outstanding.append(piece)

    # ------------------------------------------------------------------ answers

    def done(
        self,
        worker: WorkerRecord,
        ticket: int,
        attempt: int,
        lo: int,
        hi: int,
        *,
        wall: float,
        failed: bool,
        now: float,
    ) -> Ticket | None:
        """Event: a worker answers for some calls; `answered` is to follow.

        Returns:
            The ticket to record the answer for; None if it is to be dropped, because it is
            late, unknown, or the calls are tried again.
        """
        outstanding = worker.outstanding
        skipped = _place_of(ticket, attempt, outstanding)
        if skipped < 0:
            return None
        piece = outstanding[skipped]
        if not piece.lo <= lo < hi <= piece.hi:
            return None
        # Answers come in the order of the positions: what stands before this one was
        # cancelled, and the worker has skipped it, or its answer was lost on the way.
        if skipped or piece.lo < lo:
            lost = [outstanding.popleft() for _ in range(skipped)]
            if piece.lo < lo:
                lost.append(piece.part(piece.lo, lo))
            self._put_back([each for each in lost if not each.ticket.over])
        rest: list[Piece] = []
        if failed and piece.ticket.fail_fast and hi < piece.hi:
            # The worker has left it there.
            rest = [piece.part(hi, piece.hi)]
            piece.hi = hi
        worker.heard = now
        worker.ran += hi - lo
        self._paces.learn(piece.ticket.function.key, wall / (hi - lo))
        piece.position += hi - piece.lo
        piece.lo = hi
        if piece.lo == piece.hi:
            outstanding.popleft()
        worker.load -= wall
        if piece.ticket.over:
            return None
        if failed and piece.errors < piece.ticket.error_retries:
            again = piece.part(lo, hi)
            again.errors += 1
            self._put_back([again, *rest])
            return None
        return piece.ticket

    def answered(self, worker: WorkerRecord) -> None:
        """Event: a worker has no more to say for now; it may need something to do."""
        if worker.outstanding:
            worker.load = max(0.0, worker.load)
            position = worker.outstanding[0].position
            while worker.ends and worker.ends[0] <= position:
                worker.ends.popleft()
            self._appease(worker)
        else:
            worker.load = 0.0
            worker.ends.clear()
            if not worker.recalling:
                self._hungry.pop(worker.address, None)
                self._resting.add(worker)

    def _appease(self, worker: WorkerRecord) -> None:
        """Notes whether a busy worker should have its next block by now."""
        room = worker.load < AHEAD_SECONDS and len(worker.ends) < 2
        if room and not worker.recalling and not worker.leaving:
            self._hungry[worker.address] = worker
        else:
            self._hungry.pop(worker.address, None)

    def idle(self, address: bytes, block: int, now: float) -> None:
        """Event: a worker says that it has nothing left of the blocks that it has heard.

        What is still outstanding from those was lost on the way and is tried again.
        """
        worker = self.workers.get(address)
        if worker is None or block < worker.block or not worker.outstanding:
            return
        lost = [piece for piece in worker.outstanding if not piece.ticket.over]
        worker.outstanding.clear()
        for piece in lost:
            piece.losses += 1
        self._put_back(lost)
        self.answered(worker)

    def missed(self, address: bytes, ticket: int, attempt: int) -> None:
        """Event: a worker says that it cannot run a piece, and has not; it is tried again."""
        worker = self.workers.get(address)
        if worker is None:
            return
        for piece in worker.outstanding:
            if piece.ticket.id == ticket and piece.attempt == attempt:
                break
        else:
            return
        worker.outstanding.remove(piece)
        piece.losses += 1
        if not piece.ticket.over:
            self._put_back([piece])
        self.answered(worker)

    # ------------------------------------------------------------------ taking back

    def lopsided(self) -> bool:
        """True if somebody is idle while somebody else has more than one call to run."""
        return bool(self._resting) and any(map(self._unbegun, self.workers.values()))

    def recalls(self, now: float) -> list[WorkerRecord]:
        """Returns the orders to take back what slow workers have not begun.

        That is worth it where somebody is idle and nothing waits; or where something waits behind
        a call that takes far longer than its like.
        """
        return [
            self.recall(worker)
            for worker in self.workers.values()
            if now - worker.heard > 2 * BLOCK_SECONDS
            and not worker.recalling
            and (
                self._unbegun(worker)
                if self._resting.of(worker.kind) and not self.backlog(worker.kind)
                else now - worker.heard > OVERDUE and len(worker.outstanding) > 1
            )
            and now - worker.heard > 2 * BLOCK_SECONDS + transit(worker, self._bandwidth)
        ]

    def _unbegun(self, worker: WorkerRecord) -> bool:
        return len(worker.outstanding) > 1 or any(
            piece.hi - piece.lo > 1 for piece in worker.outstanding
        )

    def recall(self, worker: WorkerRecord) -> WorkerRecord:
        """Event: a worker is being told to begin nothing more; it gets no work meanwhile."""
        worker.recalling = True
        self._hungry.pop(worker.address, None)
        return worker

    def recalled(self, address: bytes, position: int, end: int, now: float) -> None:
        """Event: a worker will begin nothing from ``position`` to ``end`` of what it has."""
        worker = self.workers.get(address)
        # With another end it is the answer to an earlier recall, said once more.
        if worker is None or not worker.recalling or end != worker.position:
            return
        worker.recalling = False
        worker.heard = now
        again: list[Piece] = []
        while worker.outstanding:
            piece = worker.outstanding[-1]
            cut = piece.lo + position - piece.position
            if cut >= piece.hi:
                break
            if cut <= piece.lo:
                worker.outstanding.pop()
                again.append(piece)
                continue
            again.append(piece.part(cut, piece.hi))
            piece.hi = cut
            break
        self._put_back([piece for piece in reversed(again) if not piece.ticket.over])
        if worker.outstanding:
            worker.ends = collections.deque([position])
            # It is slower than was thought: nothing more until it is done with that.
            worker.load = math.inf
        else:
            self.answered(worker)

    def _put_back(self, pieces: list[Piece]) -> None:
        self._waiting.put_back(pieces)
        for piece in pieces:
            if piece.ticket.size == 1:
                piece.ticket.state = JobState.QUEUED


def _place_of(ticket: int, attempt: int, outstanding: collections.deque[Piece]) -> int:
    """Returns where a ticket's piece stands, -1 if it is not there; nearly always it is first."""
    for place, piece in enumerate(outstanding):
        if piece.ticket.id == ticket and piece.attempt == attempt:
            return place
    return -1


def transit(worker: WorkerRecord, bandwidth: float) -> float:
    """Returns the seconds that what a worker was given may be on its way."""
    tickets = {piece.ticket for piece in worker.outstanding}
    return sum(map(bytes_of, tickets)) / bandwidth


def bytes_of(ticket: Ticket) -> int:
    """Returns the size of a ticket's packed arguments."""
    size = len(ticket.payload)
    if ticket.frames:
        size += sum(frame.nbytes for frame in ticket.frames)
    return size
