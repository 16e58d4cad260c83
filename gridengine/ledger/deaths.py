"""What becomes of the jobs of those who died: of workers, and of supervisors with all of theirs.

What the dead had sent while they lived may come on another connection than the word of their
death. That word says how many messages they had begun to send: their end is settled when as many
have been heard, or no more can come, or it has taken too long.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import Death, SchedulerError
from ..schedulers.events import End
from ..states import DeathCause
from . import certificates
from .cancellation import Cancellation
from .ledger import Ledger
from .observers import Observers
from .orders import Inform, Order, Release
from .records import Report, SupervisorRecord, Verdict, WorkerRecord
from .samples import usage_at_death
from .start_failures import counted
from .stray_chunk import StrayChunk
from .task import Outcome, Place, Task, Usage

#: Seconds for which a kill from outside is held back on a cluster: the batch system kills a
#: whole queue job at once, so that the supervisor's last word is "killed", and says why only then.
_SECOND_OPINION = 1.5

#: Seconds after a death in which what the dead had sent may still come: long against the way of a
#: message, short against the time that is lost if it was killed in the middle of sending it.
_LAST_WORDS = 1.0


class _Unexplained(NamedTuple):
    """A call that has died, and whose certificate is to be written."""

    verdict: Verdict
    place: Place
    end: End
    output: str
    now: float
    kind: int
    used: Usage


class Deaths:
    """Takes in who died, and settles their jobs.

    Args:
        ledger: What they had to do.
        cancellation: What is no longer wanted of others.
        orders: What is to be done is added to it.
        observers: Who hears of events.
        remote: Whether a batch system has a word to say, too.
        fresh: Whether a worker that leaves is to be replaced.
    """

    def __init__(
        self,
        ledger: Ledger,
        cancellation: Cancellation,
        orders: list[Order],
        observers: Observers,
        *,
        remote: bool,
        fresh: bool,
    ) -> None:
        self._ledger = ledger
        self._cancellation = cancellation
        self._orders = orders
        self._observers = observers
        self._remote = remote
        self._fresh = fresh
        # Those whose end is known and not settled yet, in the order in which it became known.
        self._dying: dict[WorkerRecord, None] = {}
        # By queue job: those who die of an end of which more is to be learned.
        self._unexplained: dict[str, list[_Unexplained]] = {}
        self._explained: dict[str, End] = {}

    def died(self, worker: WorkerRecord, report: Report, now: float) -> None:
        """Event: a supervisor says how one of its workers has ended."""
        if worker.report is not None:
            return
        worker.report = report
        worker.due = now + (_SECOND_OPINION if self._is_doubtful(report) else _LAST_WORDS)
        self._await_settlement(worker)

    def lost(self, supervisor: SupervisorRecord, end: End, output: str, now: float) -> None:
        """Event: a supervisor is gone with its workers: so says the scheduler, or its silence."""
        supervisor.loss = end
        supervisor.output = output
        for worker in supervisor.workers:
            if worker.report is None:
                worker.due = now + _LAST_WORDS
            self._await_settlement(worker)

    def explained(self, queue_job: str, end: End) -> None:
        """Event: all that will be known of a queue job's end."""
        self._explained[queue_job] = end
        for death in self._unexplained.pop(queue_job, ()):
            if not death.verdict.task.over:
                self._certify(death)

    def tasks(self) -> list[Task]:
        """Returns the tasks that are not over, and whose certificate is still to be written."""
        waiting = (each.verdict.task for group in self._unexplained.values() for each in group)
        return [task for task in dict.fromkeys(waiting) if not task.over]

    def _await_settlement(self, worker: WorkerRecord) -> None:
        self._ledger.retire(worker)
        self._dying[worker] = None

    def _is_doubtful(self, report: Report) -> bool:
        return self._remote and report.reason == DeathCause.KILLED.value

    def due(self, now: float) -> float:
        """Returns when `settle` has something to do, whatever is heard; infinity for never."""
        if any(self._is_settled(worker, now) for worker in self._dying):
            return now
        return min((worker.due for worker in self._dying), default=float("inf"))

    def settle(self, now: float) -> None:
        """Settles the ends of which no more is to be learned."""
        if not self._dying:
            return
        settled = [worker for worker in self._dying if self._is_settled(worker, now)]
        for worker in settled:
            del self._dying[worker]
            self._settle(worker, now)

    def _is_settled(self, worker: WorkerRecord, now: float) -> bool:
        report, lost = worker.report, worker.supervisor.loss is not None
        if now >= worker.due:
            return True
        if report is None:
            # Nobody has counted its messages, and over a network nobody sees it hang up.
            return worker.hung_up
        if self._is_doubtful(report) and not lost:
            return False
        return worker.hung_up or worker.received >= report.sent

    def _settle(self, worker: WorkerRecord, now: float) -> None:
        report, supervisor = worker.report, worker.supervisor
        loss = supervisor.loss
        # What its supervisor has said of a worker's end goes before its own, unless it was in
        # doubt.
        if report is not None and (loss is None or not self._is_doubtful(report)):
            if report.status == 0 and not report.reason and not self._fresh:
                supervisor.staff = max(0, supervisor.staff - 1)
            end = certificates.end_of(report)
            hopeless = report.reason == certificates.OVER_TIME and worker.ran == 0
            self._bury(
                worker,
                end,
                now,
                position=report.position,
                width=report.width,
                blame=hopeless or report.reason != certificates.OVER_TIME,
                final=hopeless or report.reason == certificates.SIGNAL,
                timed_out=report.reason == certificates.TIMEOUT,
                with_job=report.reason == certificates.SIGNAL,
                output=report.output,
                want=certificates.want_of(end) if hopeless or not _is_late(end) else None,
            )
            return
        assert loss is not None
        # With all the time there is for itself, it will not end the next time either.
        final = worker.ran == 0 and loss.cause is DeathCause.OVER_TIME
        blame = final or certificates.is_the_jobs_fault(loss)
        self._bury(
            worker,
            loss,
            now,
            blame=blame,
            final=final,
            output=supervisor.output,
            want=certificates.want_of(loss) if blame else None,
        )

    def _bury(
        self,
        worker: WorkerRecord,
        end: End,
        now: float,
        *,
        position: int | None = None,
        width: int = 0,
        blame: bool = True,
        final: bool = False,
        timed_out: bool = False,
        with_job: bool = False,
        output: str = "",
        want: DeathCause | None = None,
    ) -> None:
        """A worker is no more; see `Ledger.ended` for what is said about it.

        If the program has ended it with a job that it had, it was not lost.
        """
        place = worker.place
        self._orders.append(Release(worker))
        if self._observers.callbacks:
            self._observers.worker_lost(worker, end)
        kind = worker.kind
        held = sum(each.hi - each.lo for each in worker.outstanding if not each.task.over)
        verdicts = self._ledger.ended(
            worker, position=position, width=width,
            blame=blame, final=final, timed_out=timed_out, want=want,
            why=_loss(place, end, with_job=with_job),
        )  # fmt: skip
        if again := held - len(verdicts):
            lost = "was ended with a job" if with_job else f"is lost ({end.cause.name})"
            told = f"worker {place.pid} on {place.host} {lost}"
            self._orders.append(Inform(f"{told}: {counted(again, 'call')} tried again"))
        for verdict in verdicts:
            task = verdict.task
            if task.over:
                continue
            if task.exit_signal:
                self._cancellation.ended(task, place)
                continue
            wall = end.wall_time or now - verdict.since
            used = usage_at_death(worker, (task.id, verdict.attempt), wall)
            if timed_out:
                self._fail(verdict, place, used, certificates.timeout_of(verdict, place))
            else:
                self._certify(_Unexplained(verdict, place, end, output, now, kind, used))

    def _certify(self, death: _Unexplained) -> None:
        """Writes a certificate, as soon as all is known that will be known of the end.

        But who had too little, and may have more, lives on.
        """
        verdict, place, end, output, now, kind, used = death
        queue_job = place.queue_job
        if not end.final:
            end = self._explained.get(queue_job, end)
        if not end.final:
            self._unexplained.setdefault(queue_job, []).append(death)
            return
        written = certificates.certificate(verdict, place, end, output, now, used)
        want, requests = certificates.want_of(end), verdict.task.requests
        if requests is not None and want is not None and requests.answers(want):
            if self._tries_more(verdict, kind, want, end.peak_memory):
                return
            asked = requests.words((*verdict.tried, kind), want)
            advice = f"it was tried with {asked}; {written.advice}".rstrip("; ")
            written = written._replace(advice=advice)
        self._fail(verdict, place, used, written)

    def _tries_more(self, verdict: Verdict, kind: int, want: DeathCause, peak: int) -> bool:
        chunk = StrayChunk(verdict.task, verdict.index, verdict.index + 1, kind, verdict.tried)
        return self._ledger.escalation.more(chunk, kind, want, peak)

    def refused(self, kind: int, reason: str) -> None:
        """Event: workers of a kind are not to be had; who had too little before has no more."""
        for chunk in self._ledger.escalation.take_refused(kind):
            task = chunk.task
            assert task.requests is not None
            error = SchedulerError(f"it had too little before, and more is not to be had: {reason}")
            verdict = Verdict(task, chunk.lo, chunk.attempt, chunk.since, chunk.tried)
            nothing = Usage(0.0, 0.0, 0)
            self._fail(verdict, task.place or Place("", 0, ""), nothing, error)

    def _fail(
        self, verdict: Verdict, place: Place, used: Usage, failure: Death | BaseException
    ) -> None:
        task, index = verdict.task, verdict.index
        outcome = Outcome(
            index,
            index + 1,
            b"",
            (),
            {index: failure},
            used.wall,
            used.cpu,
            used.peak_memory,
            place,
        )
        task.record(outcome)
        if task.over and task.missing:
            self._cancellation.take_back_rest([task])
        self._ledger.count(task, outcome)


def _is_late(end: End) -> bool:
    return end.cause is DeathCause.OVER_TIME


def _loss(place: Place, end: End, *, with_job: bool) -> str:
    """Returns what is said of the calls of a worker that was lost, which are tried again."""
    if with_job:
        return f"its worker on {place.host} was ended with another job"
    cause = "" if end.cause is DeathCause.UNKNOWN else f": {end.cause.value}"
    return f"its worker on {place.host} was lost{cause}"
