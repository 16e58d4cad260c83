"""Starts the children in turn and gathers their figures."""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .handles import EVERY
from .rows import Row

ROOT = Path(__file__).resolve().parent.parent

#: Seconds for one measurement of one library, start and all.
_CHILD_PATIENCE = 180.0

#: A peer so many times slower than the best is measured in two rounds: that will do.
_HOPELESS = 8.0

#: figure → library → its values, one for each round (None where it was not run).
Results = dict[str, dict[str, list[float | None]]]


class MeasurementError(Exception):
    """A measurement did not come to its end; says why."""


def run(
    name: str,
    peers: Sequence[str],
    rows: Sequence[Row],
    *,
    workers: int,
    rounds: int,
    quick: bool,
    say: Callable[[str], None],
) -> Results:
    """Measures a workload, the libraries in turn.

    Returns:
        All values; one library's of a round are at the same index as another's.
    """
    results: Results = collections.defaultdict(lambda: collections.defaultdict(list))
    missing = [m for m in EVERY[name].modules if importlib.util.find_spec(m) is None]
    if missing:
        say(f"{name}: left out, {', '.join(missing)} is not installed")
        return {}
    able = [peer for peer in peers if EVERY[name].suits(peer)]
    for index in range(rounds):
        # Everybody gets to be the first after everybody else.
        shift = index % len(able) if able else 0
        for peer in able[shift:] + able[:shift]:
            if index >= 2 and _is_hopeless(peer, results, rows):
                continue
            command = ["benchmarks.child", name, peer, str(workers), "1" if quick else "0"]
            try:
                figures = run_child(command, _CHILD_PATIENCE)
            except MeasurementError as error:
                say(f"{name}: {peer} failed: {error}")
                continue
            note(results, peer, index, figures)
        say(f"{name}: round {index + 1} of {rounds}: {_so_far(results)}")
    return {figure: dict(of) for figure, of in results.items()}


def note(results: Results, library: str, index: int, figures: dict[str, float]) -> None:
    """Adds what a library has done in the round number ``index``."""
    for figure, value in figures.items():
        values = results.setdefault(figure, {}).setdefault(library, [])
        values.extend([None] * (index - len(values)))
        values.append(value)


def _so_far(results: Results) -> str:
    """Returns the medians up to now: who waits for a long run wants to see something."""
    parts = []
    for figure, of in results.items():
        medians = {peer: median(values) for peer, values in of.items()}
        parts.append(f"{figure} {', '.join(f'{p} {v:.4g}' for p, v in medians.items())}")
    return "; ".join(parts)


def _is_hopeless(peer: str, results: Results, rows: Sequence[Row]) -> bool:
    """Returns whether a peer is far behind, and neither ours nor the one that is to be beaten."""
    far = []
    for row in rows:
        if row.figure not in results:
            continue
        if peer in (row.ours, row.against):
            return False
        medians = {p: median(v) for p, v in results[row.figure].items()}
        if peer not in medians:
            continue
        best = max(medians.values()) if row.more else min(medians.values())
        ratio = best / medians[peer] if row.more else medians[peer] / best
        far.append(ratio > _HOPELESS)
    return bool(far) and all(far)


def run_child(command: Sequence[str], patience: float) -> dict[str, float]:
    """Runs a module of ours, which writes its figures into a file that it is given.

    Args:
        command: The module and its arguments, but for the first, which is the file.
        patience: Seconds until it is killed.

    Raises:
        MeasurementError: It did not write them.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer, output = Path(folder, "answer"), Path(folder, "output")
        module, *arguments = command
        with output.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-m", module, str(answer), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment(),
                start_new_session=True,
            )
            try:
                status = process.wait(patience)
            except subprocess.TimeoutExpired:
                raise MeasurementError(f"not done in {patience:g} s") from None
            finally:
                # What a library has left behind shall not slow the next one down.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if status or not answer.exists():
            lines = output.read_text(errors="replace").strip().splitlines()
            raise MeasurementError(f"status {status}: {lines[-1] if lines else 'no word'}")
        figures: dict[str, float] = json.loads(answer.read_text())
    return figures


def environment() -> dict[str, str]:
    """Returns the variables that every measured program shall have."""
    environ = dict(os.environ)
    # Otherwise every start of every interpreter compiles all its modules.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    path = environ.get("PYTHONPATH", "")
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [path])])
    # One thread each: the workers share the cores, not the array library's threads.
    environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    return environ


def median(values: Sequence[float | None]) -> float:
    """Returns the median of what was measured."""
    return statistics.median(value for value in values if value is not None)


def ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> float:
    """Returns ours / theirs, by the median of the rounds in which both were measured.

    A machine that slows down between two rounds slows both down.
    """
    pairs = [
        a / b
        for a, b in zip(ours, theirs, strict=False)
        if a is not None and b is not None and b != 0
    ]
    return statistics.median(pairs) if pairs else median(ours) / median(theirs)
