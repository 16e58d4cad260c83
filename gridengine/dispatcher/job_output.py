"""What jobs print, as workers and supervisors send it: whose it is, and what becomes of it."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable

from ..ledger.dispatcher_state import DispatcherState
from ..ledger.records import Chunk, WorkerRecord
from ..ledger.task import Task
from ..ledger.task_output import DISCARD, STREAM, OutputPolicy, TaskOutput
from ..schedulers.arguments import checked_output
from ..schedulers.base import Scheduler
from ..settings import Settings
from ..states import Mode
from ..transport.addresses import worker_address
from ..transport.base import Connections
from ..transport.output_messages import OutputHeard, Piece, Printed, Printing
from .job_logs import JobLog
from .output_runs import OutputRun
from .printing import printer
from .registry import after_all

_STREAMS = ("stdout", "stderr")

#: Bytes of what running calls of a map print that are kept, of each task.
_KEPT_OF_A_MAP = 8192


class JobOutput:
    """Takes in what the jobs of one dispatcher print.

    Args:
        settings: What is to become of it, and how much is kept.
        mode: What the scheduler says becomes of it, None for what the settings say.
        workers: All workers, by their addresses.
        say_heard: Tells the supervisor of an address that so many bytes were heard.
        ask: Has something called in the dispatcher's thread.
    """

    def __init__(
        self,
        settings: Settings,
        mode: str | None,
        workers: dict[bytes, WorkerRecord],
        say_heard: Callable[[bytes, int], None],
        ask: Callable[[Callable[[], None]], None],
    ) -> None:
        self._mode = mode or settings.output
        self._kept = settings.output_kept
        self._prefixed = settings.output_prefix
        self._policy = OutputPolicy(self._mode)
        self._workers = workers
        self._say_heard = say_heard
        self._ask = ask
        self._runs: dict[bytes, list[OutputRun]] = {}
        # Of each worker, what was printed when nothing ran: the next run counts on from there.
        self._strays: dict[bytes, list[int]] = {}

    def is_unwanted(self, asked: OutputPolicy | TaskOutput | None) -> bool:
        """Tells whether nobody wants to see what a task prints; see `Task.output`."""
        if asked is None:
            return self._mode == DISCARD
        policy = asked.policy if isinstance(asked, TaskOutput) else asked
        if policy.logs or policy.open_log is not None:
            return False
        return (policy.mode or self._mode) == DISCARD

    # ------------------------------------------------------------------ what comes

    def forwarded(self, address: bytes, message: Printing) -> None:
        """Event: a supervisor says what one of its workers prints."""
        self._acknowledge(address, sum(len(piece.data) for piece in message.pieces))
        worker = self._workers.get(worker_address(address, message.worker))
        if worker is None:
            return
        run = self._run_at(worker, message.position)
        if run is None:
            self._take_strays(worker, message.pieces)
        else:
            calls = message.position, message.position + message.width
            self._take(worker, run, message.pieces, calls)

    def _acknowledge(self, address: bytes, size: int) -> None:
        if not printer.crowded:
            self._say_heard(address, size)
            return
        say = functools.partial(self._say_heard, address, size)
        printer.when_relieved(functools.partial(self._ask, say))

    def answered(self, worker: WorkerRecord, printed: Iterable[Printed]) -> None:
        """Event: a worker sends what calls have printed with their results."""
        for part in printed:
            run = self._run_of(worker, part.task, part.attempt)
            if run is None:
                # Answered for before it was looked for.
                self._show_strays(part.pieces)
                continue
            self._count_on(worker, run)
            if part.over:
                run.ends_with(part.pieces)
                self._strays.pop(worker.address, None)
            self._take(worker, run, part.pieces, run.positions(part.lo, part.hi))

    @property
    def incomplete(self) -> bool:
        """Whether something is on its way that was printed before what has come."""
        return any(run.gap for runs in self._runs.values() for run in runs)

    def is_ending(self, address: bytes) -> None:
        """Event: a worker is dead: whoever waits for what it ran waits for `ended`, too."""
        for run in self._runs.get(address, ()):
            run.output.awaited.add(run.attempt)

    def ended(self, worker: WorkerRecord) -> None:
        """Event: nothing more comes from a worker."""
        self._strays.pop(worker.address, None)
        for run in self._runs.pop(worker.address, ()):
            self._give_out(run, run.give_up())
            self._finish(run)

    def close(self) -> None:
        """Event: nothing more comes at all. Returns when all that has come is written."""
        for address in list(self._runs):
            for run in self._runs.pop(address):
                self._give_out(run, run.give_up())
                self._finish(run)

    # ------------------------------------------------------------------ whose it is

    def _run_at(self, worker: WorkerRecord, position: int) -> OutputRun | None:
        for run in self._runs.get(worker.address, ()):
            if run.first <= position < run.end:
                return run
        for chunk in worker.outstanding:
            if chunk.position <= position < chunk.position + chunk.hi - chunk.lo:
                return self._begin(worker, chunk)
        return None

    def _run_of(self, worker: WorkerRecord, task: int, attempt: int) -> OutputRun | None:
        for run in self._runs.get(worker.address, ()):
            if run.task.id == task and run.attempt == attempt:
                return run
        for chunk in worker.outstanding:
            if chunk.task.id == task and chunk.attempt == attempt:
                return self._begin(worker, chunk)
        return None

    def _begin(self, worker: WorkerRecord, chunk: Chunk) -> OutputRun:
        counted = self._strays.get(worker.address, (0, 0))
        run = OutputRun(chunk, self._output_of(chunk.task), counted)
        self._runs.setdefault(worker.address, []).append(run)
        return run

    def _output_of(self, task: Task) -> TaskOutput:
        known = task.output
        if isinstance(known, TaskOutput):
            # Of a job the latest attempt counts.
            if task.mode is Mode.CALL:
                known.begin_again()
            return known
        policy = self._policy if known is None else known._replace(mode=known.mode or self._mode)
        kept = self._kept if task.mode is Mode.CALL else min(self._kept, _KEPT_OF_A_MAP)
        output = task.output = TaskOutput(policy, kept)
        if policy.open_log is not None:
            output.log = policy.open_log(task)
        elif policy.logs:
            output.log = JobLog(policy.logs, task, keep=policy.keep_logs)
        return output

    def _count_on(self, worker: WorkerRecord, run: OutputRun) -> None:
        """Has a run go on from those before it whose end was not looked at.

        After calls that were quick the worker does not look at once, and its supervisor may have
        read what they have printed. It would have said before this if it had begun at 0 again.
        """
        runs = self._runs[worker.address]
        if len(runs) == 1:
            return
        unended = [each for each in runs if each.first < run.first and not each.is_ending]
        unended.sort(key=operator.attrgetter("first"))
        for before, after in itertools.pairwise([*unended, run]):
            self._give_out(before, before.give_up())
            runs.remove(before)
            self._finish(before)
            self._give_out(after, after.goes_on_from(before))

    # ------------------------------------------------------------------ what becomes of it

    def _take(
        self,
        worker: WorkerRecord,
        run: OutputRun,
        pieces: list[Piece],
        calls: tuple[int, int],
    ) -> None:
        if self._prefixed:
            run.prefix = _prefix(worker, run, calls)
        self._give_out(run, run.take(pieces))
        awaited = run.output.awaited
        if run.gap:
            awaited.add(run.attempt)
        else:
            awaited.discard(run.attempt)
        if run.complete:
            self._runs[worker.address].remove(run)
            self._finish(run)

    def _give_out(self, run: OutputRun, parts: Iterable[tuple[int, bytes]]) -> None:
        output = run.output
        for stream, data in parts:
            if not data:
                continue
            output.add(data)
            if output.log is not None:
                output.log.write(data, stream)
            if output.policy.mode == STREAM:
                lines = run.lines(stream, data)
                if lines is not None:
                    _show(stream, lines, run.prefix)

    def _finish(self, run: OutputRun) -> None:
        for stream in range(2):
            if rest := run.rest(stream):
                _show(stream, rest, run.prefix)
        run.output.awaited.discard(run.attempt)
        if run.task.mode is not Mode.CALL:
            # It was there for those who watch what runs.
            run.output.begin_again()

    def _take_strays(self, worker: WorkerRecord, pieces: list[Piece]) -> None:
        """Takes in what was printed when nothing ran, or what has run was answered for."""
        for piece in pieces:
            for run in self._runs.get(worker.address, ()):
                if run.follows(piece):
                    # It had begun, and that was heard first.
                    self._take(worker, run, [piece], (run.first, run.end))
                    break
            else:
                counts = self._strays.setdefault(worker.address, [0, 0])
                counts[piece.error] = piece.start + len(piece.data)
                self._show_strays([piece])

    def _show_strays(self, pieces: Iterable[Piece]) -> None:
        if self._mode == STREAM:
            for piece in pieces:
                if piece.data:
                    _show(int(piece.error), piece.data.removesuffix(b"\n"), "")


def new_job_output(
    scheduler: Scheduler,
    settings: Settings,
    connections: Connections,
    state: DispatcherState,
    ask: Callable[[Callable[[], None]], None],
) -> JobOutput:
    """Returns what takes in the output of a new dispatcher's jobs.

    Raises:
        TypeError, ValueError: What the scheduler has as ``output`` is nothing that can be done.
    """

    def say_heard(address: bytes, nbytes: int) -> None:
        connections.send(address, OutputHeard(nbytes))

    # Looked at once more: it may have been set since.
    mode = checked_output(scheduler.output)
    return JobOutput(settings, mode, state.ledger.workers, say_heard, ask)


#: Whatever becomes of the dispatchers, what they have handed over is shown.
after_all(printer.finish)


def _prefix(worker: WorkerRecord, run: OutputRun, calls: tuple[int, int]) -> str:
    task, host = run.task, worker.place.host
    if task.mode is Mode.CALL:
        return f"[{task.name} {host}] "
    first, last = run.numbers(calls)
    return f"[{task.name} #{first}{f'-{last}' if last > first else ''} {host}] "


def _show(stream: int, lines: bytes, prefix: str) -> None:
    text = lines.decode("utf-8", errors="replace")
    if prefix or "\r" in text:
        text = "\n".join(prefix + _as_it_ends(line) for line in text.split("\n"))
    printer.show(_STREAMS[stream], f"{text}\n")


def _as_it_ends(line: str) -> str:
    """Returns what a terminal shows of a line when it is complete: the last of a progress bar."""
    return line.rstrip("\r").rpartition("\r")[2]
