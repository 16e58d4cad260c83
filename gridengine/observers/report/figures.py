"""The figures of a report, worked out of what was heard of a run."""

from __future__ import annotations

import collections
import re
import time
from typing import Any, NamedTuple

import numpy as np

from ...logs import printable
from ...serialization.by_value.explain import short_repr
from ..encoding import failure_text
from ..view_records import failure_line
from . import requests
from .records import About, SlowCall
from .run_facts import RunFacts
from .units import bytes_text, clock_text, duration_text

#: Rows of each table that are shown.
_ROWS = 20

#: Letters of a failure above its text.
_HEADING = 200


class FunctionFigures(NamedTuple):
    """What the calls of one function took; texts, but for ``seconds``, which all took together."""

    name: str
    calls: str
    seconds: float
    total: str
    median: str
    p99: str
    longest: str
    memory_p99: str
    memory: str
    h_rt: str
    h_vmem: str


class FailureFigures(NamedTuple):
    """Failures that say the same: the last line of them all, how many, the first one's text."""

    summary: str
    alike: int
    where: str
    text: str


class Figures:
    """What the page shows.

    Args:
        facts: What was heard.
        about: What the run was.

    Attributes:
        facts: As given.
        about: As given.
        ended: When it was over, in seconds since 1970.
        held: Seconds for which workers were held, all together.
        busy: Seconds for which they had calls.
        limit: Bytes that a worker could have, 0 if none had a limit.
        time_limit: Seconds for which a worker could be there, 0 if none had a limit.
        functions: The figures of each function, the one that took longest first.
        columns: The answers as arrays of numpy, by the names that they have in
            `records.AnswerTable`.
    """

    def __init__(self, facts: RunFacts, about: About) -> None:
        self.facts, self.about = facts, about
        self.ended = max(facts.began, facts.now if about.ended is None else about.ended)
        self.columns = _columns(facts)
        workers = facts.workers
        lefts = [self.ended if each.left is None else each.left for each in workers]
        self.held = sum(
            max(0.0, left - each.joined) for left, each in zip(lefts, workers, strict=True)
        )
        self.busy = min(float(self.columns["walls"].sum()), self.held)
        self.limit = max((each.memory_limit for each in workers), default=0)
        self.time_limit = max((each.time_limit for each in workers), default=0.0)
        self.functions = self._functions()

    def summary(self) -> list[tuple[str, str]]:
        """Returns what is said first: names and values."""
        facts = self.facts
        rows = [
            ("program", self.about.program),
            ("host", self.about.host),
            ("scheduler", self.about.scheduler),
            ("began", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(facts.began))),
            ("took", duration_text(self.ended - facts.began)),
            ("calls done", f"{facts.done:,}"),
            ("failed", f"{facts.failed:,}" if facts.failed else ""),
            ("tried again", f"{facts.retried:,}" if facts.retried else ""),
            ("not done", f"{facts.not_done:,}" if facts.not_done else ""),
            ("workers", self._workers()),
            *self._queue(),
            ("remark", self.about.remark),
        ]  # fmt: skip
        return [(name, value) for name, value in rows if value]

    def _workers(self) -> str:
        workers = self.facts.workers
        hosts = len({each.host for each in workers})
        if not workers:
            return "none"
        return f"{len(workers):,} on {hosts:,} {'host' if hosts == 1 else 'hosts'}"

    def _queue(self) -> list[tuple[str, str]]:
        facts = self.facts
        # Supervisors of this computer's cores are queue jobs too, to the dispatcher.
        if not facts.remote and facts.workers:
            return []
        wait = "" if facts.wait is None else f"{duration_text(facts.wait)} until the first started"
        return [
            ("queue jobs", f"{facts.queue_jobs:,}" if facts.queue_jobs else ""),
            ("in the queue", wait),
        ]

    def efficiency(self) -> list[str]:
        """Returns sentences that say how well the cores that were held were used."""
        if not self.held:
            return ["No worker was there."]
        slots = self.about.slots
        cores = self.held * slots
        busy = f"{self.busy / self.held:.0%}".replace("%", " %")
        of_cores = f"{min(1.0, self.facts.cpu / cores):.0%}".replace("%", " %")
        each = f", with {slots} cores each" if slots > 1 else ""
        held = f"Workers were held for {duration_text(self.held)}, all together{each}."
        cpu = f"which took {duration_text(self.facts.cpu)} of processor time."
        return [
            f"Your calls used {of_cores} of the cores that you held.",
            f"{held} For {busy} of that they had calls, {cpu}",
        ]

    def limit_text(self) -> str:
        """Returns what a worker could have, as far as that is known."""
        parts = [duration_text(self.time_limit)] if self.time_limit else []
        parts += [bytes_text(self.limit)] if self.limit else []
        return " and ".join(parts)

    def _functions(self) -> list[FunctionFigures]:
        columns = self.columns
        found = []
        for number, name in enumerate(self.facts.functions):
            chosen = columns["functions"] == number
            if chosen.any():
                found.append(self._function(name, *(columns[each][chosen] for each in _OF_A_CALL)))
        return sorted(found, key=lambda each: each.seconds, reverse=True)

    def _function(self, name: str, walls: Any, calls: Any, peaks: Any) -> FunctionFigures:
        each = walls / calls
        median, p99 = quantiles(each, calls, 0.5, 0.99)
        (memory_p99,) = quantiles(peaks, calls, 0.99)
        seconds, longest, memory = float(walls.sum()), float(each.max()), int(peaks.max())
        h_rt = requests.time_to_request(p99, longest)
        h_vmem = requests.memory_to_request(int(memory_p99), memory, self.about.slots)
        return FunctionFigures(
            name, f"{int(calls.sum()):,}", seconds, duration_text(seconds),
            duration_text(median), duration_text(p99), duration_text(longest),
            bytes_text(int(memory_p99)) if memory else "", bytes_text(memory) if memory else "",
            requests.time_text(h_rt), requests.memory_text(h_vmem) if memory else "",
        )  # fmt: skip

    def slowest(self) -> list[tuple[str, str, str, str]]:
        """Returns rows of what took longest: time, call, input, host."""
        return [
            (_each(slow), self._call(slow.name, slow.first, slow.calls), _input(slow), slow.host)
            for slow in self.facts.slowest
        ]

    def _call(self, name: str, first: int, calls: int = 1) -> str:
        if name not in self.facts.maps:
            return name
        if calls > 1:
            return f"{name}, calls {first:,} to {first + calls - 1:,}"
        return f"{name}, call {first:,}"

    def failures(self) -> list[FailureFigures]:
        """Returns what has failed, put together by what it says in its last line."""
        groups: dict[str, list[Any]] = {}
        for failure in self.facts.failures:
            text = failure_text(failure.failure).strip()
            summary = failure_line(text)
            # Most texts differ in a number at most.
            alike = re.sub(r"\d+", "0", summary)
            if alike not in groups:
                call = self._call(failure.name, failure.call)
                where = f"{call}, on {failure.host}" if failure.host else call
                groups[alike] = [_heading(summary), 0, where, text]
            groups[alike][1] += 1
        rows = [FailureFigures(*each) for each in groups.values()]
        return sorted(rows, key=lambda row: row.alike, reverse=True)[:_ROWS]

    def events(self) -> list[tuple[str, str]]:
        """Returns what else has happened, with the time since the beginning."""
        facts = self.facts
        happened = [(when, text) for when, text in facts.notices]
        happened += [
            (worker.left, f"worker {worker.pid} on {worker.host} was lost: {worker.cause}")
            for worker in facts.workers
            if worker.cause and worker.left is not None
        ]
        rows = [(clock_text(when - facts.began), text) for when, text in sorted(happened)]
        return rows[: 5 * _ROWS]

    def reasons(self) -> list[tuple[str, int]]:
        """Returns why queue jobs have waited, and how many of them."""
        return collections.Counter(self.facts.reasons.values()).most_common(_ROWS)


#: What is looked at of the answers of a function.
_OF_A_CALL = ("walls", "calls", "peaks")


def quantiles(values: Any, weights: Any, *wanted: float) -> list[float]:
    """Returns the values below which these parts of the weight lie; nothing between two of them."""
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    places = np.searchsorted(sums, np.asarray(wanted) * sums[-1])
    return [float(values[order[min(place, len(order) - 1)]]) for place in places]


def _columns(facts: RunFacts) -> dict[str, Any]:
    answers = facts.answers
    return {
        name: np.array(column, dtype=np.float64 if column.typecode == "d" else np.int64)
        for name, column in vars(answers).items()
    }


def _each(slow: SlowCall) -> str:
    seconds = duration_text(slow.seconds)
    return seconds if slow.calls == 1 else f"{seconds} on average"


def _heading(summary: str) -> str:
    # All of it stands below.
    return summary if len(summary) <= _HEADING else f"{summary[: _HEADING - 1]}…"


def _input(slow: SlowCall) -> str:
    if slow.items is None or not len(slow.items):
        return ""
    text = printable(short_repr(slow.items[0]))
    return text if slow.calls == 1 else f"{text}, …"
