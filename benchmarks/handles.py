"""What is run on our Pool, Executor, joblib backend, asyncio and imap: ``--handles``."""

from __future__ import annotations

import asyncio
import functools
import operator
import statistics
import time
from pathlib import Path

import gridengine

from . import tasks
from .peers import Peer
from .rows import EXECUTOR, JOBLIB, OURS, POOL
from .workloads import (
    MEGA,
    WORKLOADS,
    Case,
    Figures,
    Workload,
    median_time,
    numbers,
    peak_memory,
    shared,
    single_jobs,
    take_times,
    there_and_back,
    trivial_imap,
    trivial_map,
    warm,
)

# ---------------------------------------------------------------------- joblib


def tiny(case: Case) -> Figures:
    """Trivial calls, as joblib batches them."""
    peer = case.start()
    calls = case.size(10_000, 200)
    warm(peer, case.workers)

    def action() -> None:
        assert len(peer.map(tasks.same, range(calls))) == calls

    # Of the first batches joblib learns how large the next ones may be.
    take_times(action, 2)
    rate = calls / median_time(action, case.size(7, 1))
    peer.close()
    return {"tiny_rate": rate}


def grid_search(case: Case) -> Figures:
    """A search whose fits take some milliseconds each."""
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    peer = case.start()
    warm(peer, case.workers)
    inputs, classes = load_iris(return_X_y=True)
    grid = {"C": [0.1, 1, 10, 100][: case.size(4, 1)], "gamma": [0.001, 0.01, 0.1]}

    def action() -> None:
        search = GridSearchCV(SVC(), grid, cv=5, n_jobs=case.workers)
        assert search.fit(inputs, classes).best_score_ > 0.5

    # The workers import scikit-learn.
    take_times(action, case.size(2, 1))
    seconds = median_time(action, case.size(7, 1))
    peer.close()
    return {"grid_search": seconds}


# ---------------------------------------------------------------------- asyncio


def awaiting(case: Case) -> Figures:
    """One job at a time, there and back: awaited, and in turn with that asked for its result."""
    peer = case.start()
    warm(peer, case.workers)
    calls = case.size(100, 10)
    awaited: list[float] = []
    plain: list[float] = []
    for _ in range(case.size(20, 2)):
        awaited += asyncio.run(_times_awaited(peer, calls))
        plain += take_times(functools.partial(there_and_back, peer), calls)
    peer.close()
    seconds = statistics.median(awaited)
    return {"await": seconds, "await_ratio": seconds / statistics.median(plain)}


async def _times_awaited(peer: Peer, calls: int) -> list[float]:
    times = []
    for _ in range(calls):
        begin = time.perf_counter()
        await peer.submit(tasks.same, 1)
        times.append(time.perf_counter() - begin)
    return times


# ---------------------------------------------------------------------- imap


def endless(case: Case) -> Figures:
    """An imap over a generator: how much more memory the program has in it than before it."""
    calls = case.size(10 * MEGA, 20_000)
    with gridengine.schedulers.ProcessScheduler(case.workers) as scheduler:

        def action(calls: int) -> None:
            values = gridengine.imap(tasks.same, numbers(calls), scheduler=scheduler)
            assert all(map(operator.eq, values, range(calls)))

        action(1_000)
        before = _memory_now()
        action(calls)
        more = peak_memory() - before
    return {"imap_memory": more / MEGA}


def _memory_now() -> float:
    # From here on the peak is counted anew.
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory()


# ---------------------------------------------------------------------- their names

HANDLE_WORKLOADS = {
    "executor": Workload(single_jobs, "submit", peers=(EXECUTOR, "cf")),
    "pool_map": Workload(trivial_map, peers=(POOL, "pool")),
    "pool_imap": Workload(trivial_imap, "imap", peers=(POOL, "pool")),
    "joblib_tiny": Workload(tiny, "joblib", (JOBLIB, "joblib"), ("joblib",)),
    "joblib_shared": Workload(shared, "joblib", (JOBLIB, "joblib"), ("joblib", "numpy")),
    "grid_search": Workload(grid_search, "joblib", (JOBLIB, "joblib"), ("joblib", "sklearn")),
    "await": Workload(awaiting, "submit", peers=(OURS,)),
    "imap_memory": Workload(endless, "imap", peers=(OURS,)),
}

#: All that a child can be asked to run.
EVERY = {**WORKLOADS, **HANDLE_WORKLOADS}
