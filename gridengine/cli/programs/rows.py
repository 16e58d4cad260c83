"""What is known of a program, as rows of text.

All that may hold others' text, names of jobs say, is made printable here.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...errors import format_bytes
from ...logs import printable
from ...observers.map_counts import clock
from ...observers.program_view import ProgramView
from ...observers.view_records import JobCounts, QueueJobView, Running, WorkerView
from ...observers.watching import WatchedScheduler
from ...transport.viewer_messages import ProgramFacts

NOTHING = "-"
"""Stands for what nobody has said."""

#: Letters of a name, a reason or a command line that are shown.
_LONGEST = 60

WORKERS: tuple[str, ...] = (
    "WORKER",
    "PROCESS",
    "RUNS",
    "FOR",
    "CPU",
    "MEMORY",
    "LIMIT",
    "TIME LEFT",
    "QUEUE JOB",
)
QUEUE_JOBS: tuple[str, ...] = ("QUEUE JOB", "HOST", "AGE", "WORKERS", "STATE")
JOBS: tuple[str, ...] = ("JOBS", "DONE", "FAILED", "EACH TOOK", "PEAK MEMORY")
NOTICES: tuple[str, ...] = ("AT", "NOTICE")
FAILURES: tuple[str, ...] = ("FAILED", "AT", "HOST", "WHY")


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        key: By which it is found again.
        cells: Its texts.
        path: The socket of the scheduler that it is about.
        task: Number of the job that it is about, -1 if it is about none.
    """

    key: str
    cells: tuple[str, ...]
    path: str = ""
    task: int = -1


def short(text: str, longest: int = _LONGEST) -> str:
    """Returns a text as one line that can be shown, its end left out if it is long."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def command(facts: ProgramFacts) -> str:
    """Returns a program's command line, without the folder of its interpreter."""
    first, space, rest = facts.program.partition(" ")
    return f"{first.rpartition('/')[2]}{space}{rest}"


def heading(program: Sequence[WatchedScheduler]) -> str:
    """Returns which program it is."""
    facts = program[0].facts
    since = f"since {_time(facts.began)} ({clock(max(0.0, time.time() - facts.began))})"
    return f"process {facts.pid}, {short(command(facts))}, in {short(facts.cwd)}, {since}"


def summary(facts: ProgramFacts, view: ProgramView) -> Iterator[str]:
    """Yields lines about all jobs of a scheduler."""
    yield short(facts.scheduler, 100)
    parts = [f"{view.done:,} done", f"{view.running:,} running", f"{waiting(view):,} waiting"]
    parts += [f"{view.failed:,} failed"] if view.failed else []
    parts += [f"{view.retried:,} tried again"] if view.retried else []
    parts.append("1 worker" if len(view.workers) == 1 else f"{len(view.workers):,} workers")
    parts += speed(facts, view)
    yield ", ".join(parts)
    if (view.waiting or view.given) and (why := waits_for(view)):
        yield why


def waiting(view: ProgramView) -> int:
    """Returns how many calls have not begun: workers are given some ahead."""
    return view.waiting + max(0, view.given - view.running)


def speed(facts: ProgramFacts, view: ProgramView) -> Iterator[str]:
    """Yields how fast it is, and how long the rest takes, as far as that is known."""
    if not (view.waiting or view.given):
        return
    if view.rate:
        yield per_second(view.rate)
    elif view.done:
        mean = view.done / max(1.0, view.now - facts.began)
        yield f"{per_second(mean)} since its begin"
    left = view.seconds_left
    if left is not None:
        yield f"{clock(left)} left"


def per_second(rate: float) -> str:
    """Returns a rate as text."""
    return f"{rate:,.0f} calls/s" if rate >= 100 else f"{rate:.3g} calls/s"


def waits_for(view: ProgramView) -> str:
    """Returns why jobs wait, empty if they do not, or workers are on their way."""
    queued = [job for job in view.queue_jobs.values() if not job.host]
    if not queued:
        why = short(view.why_waiting, 200)
        return f"queue jobs are not submitted yet: {why}" if why else ""
    some = f"{len(queued)} queue jobs wait" if len(queued) > 1 else "1 queue job waits"
    why = f": {short(view.why_waiting, 200)}" if view.why_waiting else ""
    return f"{some} in the batch system's queue{why}"


def worker_rows(path: str, view: ProgramView) -> list[Row]:
    """Returns the workers of a scheduler, those of one host together."""
    workers = sorted(view.workers.values(), key=lambda worker: (worker.host, worker.pid))
    return [_worker(path, worker, view.now) for worker in workers]


def _worker(path: str, worker: WorkerView, now: float) -> Row:
    running, sample = next(iter(worker.running.values()), None), worker.sample
    cells = (
        short(worker.host),
        str(worker.pid),
        _what(worker) if running is not None else "idle",
        clock(max(0.0, now - running.since)) if running is not None else "",
        NOTHING if sample is None else f"{100 * sample.cpu_use:.0f} %",
        NOTHING if sample is None else format_bytes(sample.rss),
        format_bytes(worker.memory_limit) if worker.memory_limit else NOTHING,
        clock(max(0.0, worker.ends - now)) if worker.ends else NOTHING,
        short(worker.queue_job),
    )
    task = running.task if running is not None else -1
    return Row(f"{path}:{worker.host}:{worker.pid}", cells, path, task)


def _what(worker: WorkerView) -> str:
    parts = list(worker.running.values())
    text = _name(parts[0])
    more = sum(part.hi - part.lo for part in parts[1:])
    return f"{text} and {more:,} more" if more else text


def _name(part: Running) -> str:
    calls = part.hi - part.lo
    text = short(part.name, 40)
    if calls > 1:
        text += f" ({calls:,} calls)"
    return f"{text}, attempt {part.attempt}" if part.attempt > 1 else text


def queue_job_rows(path: str, view: ProgramView) -> list[Row]:
    """Returns the queue jobs of a scheduler, at the end those that wait.

    Tasks of one array that wait for the same are one row.
    """
    counts = {each.name: each.workers for each in view.state.queue_jobs} if view.state else {}
    jobs = sorted(view.queue_jobs.values(), key=lambda job: (not job.host, _by_number(job.name)))
    rows = []
    for _, group in itertools.groupby(jobs, key=_waits_with):
        first, *others = group
        name = short(first.name)
        if others:
            name = f"{name} … {short(others[-1].name)} ({1 + len(others)})"
        cells = (
            name,
            short(first.host) or NOTHING,
            clock(max(0.0, view.now - first.submitted)),
            str(counts.get(first.name, NOTHING)),
            _state(first),
        )
        rows.append(Row(f"{path}:{first.name}", cells, path))
    return rows


def _waits_with(job: QueueJobView) -> tuple[str, str]:
    """Returns what queue jobs that are shown in one row have in common."""
    if job.host:
        return "", job.name
    array, _ = re.split(r"\D|$", job.name, maxsplit=1)
    return array, _state(job)


def _by_number(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def _state(job: QueueJobView) -> str:
    state = "running" if job.host else "waits"
    why = job.remark or ("" if job.host else job.reason)
    return f"{state}: {short(why, 100)}" if why else state


def job_rows(path: str, view: ProgramView) -> list[Row]:
    """Returns what is known of jobs by their names, the latest first."""
    return [_jobs(path, counts) for counts in reversed(view.jobs.values())]


def _jobs(path: str, counts: JobCounts) -> Row:
    each = f"{counts.wall / counts.done:.3g} s" if counts.done else NOTHING
    peak = format_bytes(counts.peak_memory) if counts.peak_memory else NOTHING
    cells = (short(counts.name, 40), f"{counts.done:,}", f"{counts.failed:,}", each, peak)
    return Row(f"{path}:{counts.name}", cells, path)


def failure_rows(path: str, view: ProgramView) -> list[Row]:
    """Returns the last calls that have failed, the latest first."""
    rows = []
    for failure in reversed(view.failures):
        call = f", call {failure.call}" if failure.call >= 0 else ""
        why = short(failure.line, 100)
        name = f"{short(failure.name, 40)}{call}"
        cells = (name, _time(failure.when), short(failure.host) or NOTHING, why)
        rows.append(Row(f"{id(failure)}", cells, path))
    return rows


def failure_text(view: ProgramView, row: Row) -> str:
    """Returns all that is known of what a row of `failure_rows` is about."""
    found = (failure.text for failure in view.failures if f"{id(failure)}" == row.key)
    return printable(next(found, ""))


def notice_rows(path: str, view: ProgramView) -> list[Row]:
    """Returns what the program would tell a person who waits, the latest first."""
    return [
        Row(f"{number}", (_time(when), short(text, 200)), path)
        for number, (when, text) in reversed(list(enumerate(view.notices)))
    ]


def _time(when: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(when))
