"""The benchmarks run, and write what they have measured. Their times are nobody's promise."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return run_module("benchmarks", *args)


def run_child(workload: str, peer: str, file: Path) -> None:
    done = run_module("benchmarks.child", str(file), workload, peer, "2", "1")
    assert done.returncode == 0, done.stderr


def run_module(module: str, *args: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "GRIDENGINE_SCHEDULER": "process"}
    return subprocess.run(
        [sys.executable, "-m", module, *args],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_short_run_measures_us_and_a_peer_and_writes_it_down(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = run(
        "--quick",
        "--peers",
        "pool",
        "--only",
        "map,imap,single",
        "--workers",
        "2",
        "--json",
        str(file),
    )
    assert done.returncode == 0, done.stderr
    assert "map of 100,000 trivial calls" in done.stdout
    written = json.loads(file.read_text())
    assert written["machine"]["workers"] == 2
    rows = {row["figure"]: row for row in written["rows"]}
    maps = {"map_rate", "map_list_rate", "map_tuples_rate"}
    imaps = {"imap_1_rate", "imap_100_rate"}
    assert rows.keys() == {*maps, *imaps, "single_rate"}
    for row in rows.values():
        assert row["medians"].keys() == {"gridengine", "pool"}
        assert all(value > 0 for value in row["medians"].values())
        assert row["ratio"] > 0
    for name in ("map_rate", "single_rate"):
        assert rows[name]["reached"] in (True, False)


def test_a_short_run_measures_each_handle_beside_what_it_stands_in_for(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    names = "executor,pool_map,pool_imap,await,imap_memory"
    done = run("--handles", "--quick", "--only", names, "--workers", "2", "--json", str(file))
    assert done.returncode == 0, done.stderr
    assert "| Executor.submit of 10,000 " in done.stdout
    rows = {row["figure"]: row for row in json.loads(file.read_text())["rows"]}
    assert rows["single_rate"]["medians"].keys() == {"gridengine-executor", "cf"}
    for name in ("map_rate", "map_list_rate", "map_tuples_rate", "imap_1_rate", "imap_100_rate"):
        assert rows[name]["medians"].keys() == {"gridengine-pool", "pool"}
        assert rows[name]["ratio"] > 0
    for name in ("await", "await_ratio", "imap_memory"):
        assert rows[name]["medians"].keys() == {"gridengine"}
    assert all(row["reached"] in (True, False) for row in rows.values() if row["reach"])


needs_joblib = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("joblib", "numpy", "sklearn"))),
    reason="joblib, numpy and scikit-learn are not all installed",
)


@needs_joblib
@pytest.mark.slow
def test_a_short_run_measures_joblib_on_our_workers_and_on_its_own(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    names = "joblib_tiny,joblib_shared"
    done = run("--handles", "--quick", "--only", names, "--workers", "2", "--json", str(file))
    assert done.returncode == 0, done.stderr
    rows = {row["figure"]: row for row in json.loads(file.read_text())["rows"]}
    assert rows.keys() == {"tiny_rate", "shared"}
    for row in rows.values():
        assert row["medians"].keys() == {"gridengine-joblib", "joblib"}
        assert row["ratio"] > 0


@needs_joblib
@pytest.mark.slow
def test_a_grid_search_is_measured_on_our_workers(tmp_path: Path) -> None:
    # On ours alone: each process that imports scikit-learn takes seconds for it.
    file = tmp_path / "figures.json"
    run_child("grid_search", "gridengine-joblib", file)
    assert json.loads(file.read_text())["grid_search"] > 0


def test_a_workload_that_does_not_exist_is_refused() -> None:
    done = run("--only", "nonsense")
    assert done.returncode == 2
    assert "'nonsense' is none of map," in done.stderr
