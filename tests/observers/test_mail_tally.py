"""What mails say of a run, by its events alone: counts, kinds of failures, what was used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gridengine.errors import Death
from gridengine.ledger.events import (
    CallFailed,
    CallsDone,
    DispatcherEvent,
    JobOver,
    JobRetried,
    JobsOver,
    Sample,
    WorkerLost,
    WorkersSampled,
)
from gridengine.ledger.task import Task
from gridengine.observers.mails import report_text
from gridengine.observers.mails.tally import Tally
from gridengine.observers.mails.usage_plot import usage_plot
from gridengine.observers.mails.usage_series import UsagePoint, UsageSeries
from gridengine.serialization.exceptions import pack_error
from gridengine.serialization.packed import Function
from gridengine.states import DeathCause, JobState, Mode

FINISHED, FAILED, CANCELLED = JobState.FINISHED, JobState.FAILED, JobState.CANCELLED


def told(tally: Tally, *events: DispatcherEvent) -> Tally:
    for event in events:
        tally(event)
    return tally


def over(task: int, name: str, state: JobState, calls: int = 1, failures: int = 0) -> JobsOver:
    return JobsOver((JobOver(task, name, state, calls, failures, 1.0, 0.5, 1 << 20),))


def done(task: int, name: str, lo: int, hi: int, failures: int = 0) -> CallsDone:
    return CallsDone(task, name, lo, hi, failures, 1.0, 1 << 20, "node", 7)


def failed(call: int, error: BaseException | Death, name: str = "f") -> CallFailed:
    failure = error if isinstance(error, Death) else pack_error(error)
    return CallFailed(1, name, call, "node", 7, failure)


def sample(address: bytes, cpu: float, rss: int) -> Sample:
    return Sample(address, "node", 7, cpu, rss, rss, 0, 0.0)


def test_calls_are_counted_once_in_maps_and_in_jobs() -> None:
    tally = told(
        Tally(),
        done(1, "f", 0, 5, failures=1),
        done(1, "f", 5, 10),
        over(1, "f", FAILED, calls=10, failures=1),
        over(2, "Job-1 (g)", FINISHED),
        over(3, "Job-2 (g)", FAILED, failures=1),
    )
    assert (tally.done, tally.failed, tally.cancelled) == (12, 2, 0)
    assert sorted(tally.counts) == ["f", "g"]


def test_what_ends_as_a_whole_is_counted_from_where_it_was() -> None:
    tally = told(Tally(), done(1, "f", 0, 4), over(1, "f", CANCELLED, calls=10))
    assert (tally.done, tally.failed, tally.cancelled) == (4, 0, 6)
    tally = told(Tally(), done(1, "f", 0, 4), over(1, "f", FAILED, calls=10))
    assert (tally.done, tally.failed) == (10, 6)


def test_of_a_map_only_its_own_tasks_count() -> None:
    task = Task(Function(b"f", b"", (), "f"), Mode.MAP, b"", name="f", size=2)
    tally = Tally(only_expected=True)
    tally.expect([task])
    other = task.id + 1
    told(tally, done(task.id, "f", 0, 2), done(other, "f", 0, 5), JobRetried(other, "f", 0, 1, ""))
    told(tally, over(other, "f", FINISHED), over(task.id, "f", FINISHED, calls=2))
    assert (tally.done, tally.retried) == (2, 0)


def test_failures_of_a_kind_are_told_together_and_once() -> None:
    tally = Tally()
    for call in range(1000):
        tally(failed(call, ValueError(f"no {call}")))
    tally(failed(1000, Death(job="f", index=1000, cause=DeathCause.OUT_OF_MEMORY)))
    text = report_text.failures(tally.kinds.values())
    assert "f: ValueError (1,000 calls)" in text
    assert "ValueError: no 2" in text
    assert "... and 997 more" in text
    assert "ValueError: no 3" not in text
    assert "job 'f' call 1000 died" in text
    assert len(text) < 3000
    assert report_text.failures(tally.kinds.values()) == ""
    tally(failed(1001, ValueError("again")))
    assert "f: ValueError (1 call, 1,001 in all)" in report_text.failures(tally.kinds.values())


def test_a_tally_is_bounded_whatever_happens() -> None:
    tally = Tally()
    for number in range(2000):
        kind = type(f"Error{number}", (Exception,), {})
        tally(failed(number, kind("x" * 100_000), name=f"name-{number}"))
        tally(over(number, f"name-{number}", FAILED, failures=1))
        tally(WorkersSampled((sample(b"%d" % number, 1.0, 100),)))
        tally(WorkerLost(b"%d" % number, "node", 7, "", 0, DeathCause.KILLED))
    assert (tally.done, tally.failed, tally.lost) == (2000, 2000, 2000)
    assert len(tally.counts) < 110
    assert len(tally.kinds) < 40
    assert sum(kind.count for kind in tally.kinds.values()) == 2000
    assert len(report_text.failures(tally.kinds.values())) < 120_000


def test_what_workers_use_adds_up() -> None:
    series = UsageSeries()
    series.add(10.0, [sample(b"a", 1.0, 100), sample(b"b", 0.0, 50)])
    series.add(12.0, [sample(b"a", 3.0, 200), sample(b"b", 1.0, 50)])
    series.forget(b"b")
    series.add(14.0, [sample(b"a", 3.0, 100)])
    assert series.points == [
        (10.0, 2, 150, 100, 0.0),
        (12.0, 2, 250, 200, 1.5),
        (14.0, 1, 100, 100, 0.0),
    ]


def test_a_long_run_keeps_the_peaks_and_few_points() -> None:
    series = UsageSeries()
    for second in range(100_000):
        series.add(float(second), [sample(b"a", second / 2, 77 if second == 31_415 else 5)])
    assert len(series.points) < 600
    assert max(point.memory for point in series.points) == 77
    assert series.points[0].when < 1000
    assert series.points[-1].when > 99_000


def test_a_plot_is_a_picture_where_there_is_something_to_see() -> None:
    pytest.importorskip("matplotlib")
    points = [UsagePoint(1e9 + second, 2, second << 28, second << 27, 1.5) for second in range(10)]
    assert usage_plot(points[:2]) == b""
    # By itself: matplotlib keeps its fonts open.
    code = f"import {usage_plot.__module__} as m, sys; P = m.UsagePoint; "
    code += (
        f"sys.stdout.buffer.write(m.usage_plot([P(*each) for each in {list(map(tuple, points))}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.startswith(b"\x89PNG"), done.stderr
