"""What ``gridengine status --json`` writes for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...observers.program_view import ProgramView
from ...observers.view_records import WorkerView
from ...observers.watching import WatchedScheduler


def document(
    programs: Sequence[Sequence[WatchedScheduler]], silent: Sequence[int]
) -> dict[str, Any]:
    """Returns all of it, of values that JSON has."""
    return {"programs": [_program(each) for each in programs], "silent": list(silent)}


def _program(program: Sequence[WatchedScheduler]) -> dict[str, Any]:
    facts = program[0].facts
    return {
        "pid": facts.pid,
        "host": facts.host,
        "program": facts.program,
        "cwd": facts.cwd,
        "version": facts.version,
        "began": facts.began,
        "schedulers": [_scheduler(each) for each in program],
    }


def _scheduler(scheduler: WatchedScheduler) -> dict[str, Any]:
    view = scheduler.view
    return {
        "scheduler": scheduler.facts.scheduler,
        "began": scheduler.facts.began,
        "possible_workers": scheduler.facts.workers,
        "done": view.done,
        "failed": view.failed,
        "retried": view.retried,
        "running": view.running,
        "given": view.given,
        "waiting": view.waiting,
        "why_waiting": view.why_waiting,
        "rate": view.rate,
        "seconds_left": view.seconds_left,
        "workers": [_worker(worker) for worker in view.workers.values()],
        "queue_jobs": _queue_jobs(view),
        "jobs": [
            {
                "name": counts.name,
                "done": counts.done,
                "failed": counts.failed,
                "wall": counts.wall,
                "peak_memory": counts.peak_memory,
            }
            for counts in view.jobs.values()
        ],
        "failures": [failure._asdict() for failure in view.failures],
        "notices": [{"when": when, "text": text} for when, text in view.notices],
    }


def _worker(worker: WorkerView) -> dict[str, Any]:
    sample = worker.sample
    return {
        "host": worker.host,
        "pid": worker.pid,
        "queue_job": worker.queue_job,
        "ends": worker.ends or None,
        "memory_limit": worker.memory_limit or None,
        "memory": sample.rss if sample is not None else None,
        "peak_memory": sample.peak if sample is not None else None,
        "gpu_memory": sample.gpu_memory if sample is not None else None,
        "cpu": sample.cpu if sample is not None else None,
        "cpu_use": sample.cpu_use if sample is not None else None,
        "running": [part._asdict() for part in worker.running.values()],
    }


def _queue_jobs(view: ProgramView) -> list[dict[str, Any]]:
    return [
        {
            "name": job.name,
            "host": job.host,
            "submitted": job.submitted,
            "reason": job.reason,
            "remark": job.remark,
        }
        for job in view.queue_jobs.values()
    ]
