"""What is run, on any library that can do it. A workload returns figures by name (see `rows`)."""

from __future__ import annotations

import dataclasses
import functools
import operator
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import tasks
from .peers import Peer, peer_class

Figures = dict[str, float]

#: Seconds that one repetition may take, about; a slow library gets fewer calls.
_PATIENCE = 1.0

#: Seconds after which nothing is repeated any more.
_ENOUGH = 4.0

MEGA = 1_000_000


@dataclasses.dataclass(frozen=True)
class Case:
    """One library with a number of workers.

    Attributes:
        quick: Whether to make it small: to see that it runs, not how fast.
    """

    peer: str
    workers: int
    quick: bool = False

    def start(self) -> Peer:
        """Starts the library's workers."""
        return peer_class(self.peer)(self.workers)

    def size(self, full: int, quick: int) -> int:
        """Returns how much work to do."""
        return quick if self.quick else full

    def calls(self, full: int, quick: int) -> int:
        """Returns how many trivial calls to do: as many as the library does in a while."""
        pace = peer_class(self.peer).calls_per_second
        return self.size(min(full, int(pace * _PATIENCE)), quick)


def take_times(action: Callable[[], object], repetitions: int) -> list[float]:
    """Returns the seconds of each repetition; fewer than asked for if they take long."""
    times: list[float] = []
    while len(times) < repetitions and sum(times) < _ENOUGH:
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return times


def median_time(action: Callable[[], object], repetitions: int) -> float:
    """Returns the median of the seconds of the repetitions."""
    return statistics.median(take_times(action, repetitions))


def warm(peer: Peer, workers: int) -> None:
    """Has every worker started, and what it needs imported."""
    for _ in range(3):
        peer.map(tasks.same, range(16 * workers))
    peer.map(tasks.burn, [0.02] * (4 * workers))


# ---------------------------------------------------------------------- calls


def trivial_map(case: Case) -> Figures:
    """Maps of trivial calls with default settings, over items of three kinds."""
    peer = case.start()
    calls = case.calls(100_000, 2_000)
    kinds: dict[str, Sequence[Any]] = {
        "map_rate": range(calls),
        "map_list_rate": list(range(calls)),
        "map_tuples_rate": [(index, "text") for index in range(calls)],
    }
    warm(peer, case.workers)
    figures = {}
    for figure, items in kinds.items():
        peer.map(tasks.same, items[: calls // 2])

        def action(items: Sequence[Any] = items) -> None:
            assert len(peer.map(tasks.same, items)) == calls

        figures[figure] = calls / median_time(action, case.size(7, 1))
    peer.close()
    return figures


def trivial_imap(case: Case) -> Figures:
    """Trivial calls whose values are taken one by one, in small and in larger chunks."""
    peer = case.start()
    warm(peer, case.workers)
    figures = {}
    for chunksize, full in ((1, 10_000), (100, 100_000)):
        items = range(case.calls(full, 2_000))

        def action(items: Sequence[int] = items, chunksize: int = chunksize) -> None:
            values = peer.imap(tasks.same, items, chunksize)
            assert all(map(operator.eq, values, items))

        take_times(action, 1)
        seconds = median_time(action, case.size(7, 1))
        figures[f"imap_{chunksize}_rate"] = len(items) / seconds
    peer.close()
    return figures


def single_jobs(case: Case) -> Figures:
    """Jobs that are submitted one by one, then asked for their results one by one."""
    peer = case.start()
    calls = case.calls(10_000, 200)
    warm(peer, case.workers)

    def action() -> None:
        handles = [peer.submit(tasks.same, index) for index in range(calls)]
        assert sum(map(peer.result, handles)) == calls * (calls - 1) // 2

    take_times(action, 1)
    rate = calls / median_time(action, case.size(5, 1))
    peer.close()
    return {"single_rate": rate}


def round_trip(case: Case) -> Figures:
    """One job at a time, there and back."""
    peer = case.start()
    warm(peer, case.workers)
    action = functools.partial(there_and_back, peer)
    take_times(action, case.size(100, 10))
    seconds = median_time(action, case.calls(2_000, 50))
    peer.close()
    return {"round_trip": seconds}


def there_and_back(peer: Peer) -> None:
    """Has a trivial call run, and waits for it."""
    peer.result(peer.submit(tasks.same, 1))


def million(case: Case) -> Figures:
    """A map over a generator, and the most memory that the program had in it."""
    peer = case.start()
    calls = case.size(MEGA, 20_000)
    warm(peer, case.workers)
    begin = time.perf_counter()
    values = peer.map(tasks.same, numbers(calls))
    seconds = time.perf_counter() - begin
    assert len(values) == calls
    peak = peak_memory()
    peer.close()
    return {"million_rate": calls / seconds, "million_memory": peak / MEGA}


def numbers(count: int) -> Iterator[int]:
    """Yields what a range has, from a generator, whose length nobody knows."""
    yield from range(count)


def peak_memory() -> float:
    """Returns the most memory that this process has had, in bytes."""
    # Not getrusage's: that one starts with the peak of the process that forked this one.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell the peak memory of a process")


# ---------------------------------------------------------------------- time at work


def even(case: Case) -> Figures:
    """Equal calls that need a core each."""
    calls = case.size(80, 8)
    return {"even": _efficiency(case, [0.1 if not case.quick else 0.01] * calls)}


def skewed(case: Case) -> Figures:
    """Calls of very different length, the shortest first."""
    return {"skewed": _efficiency(case, _skewed(case))}


def skewed_down(case: Case) -> Figures:
    """Calls of very different length, the longest first."""
    return {"skewed_down": _efficiency(case, _skewed(case)[::-1])}


def _skewed(case: Case) -> list[float]:
    count = case.size(4_000, 40)
    return [0.0001 * 200 ** (index / (count - 1)) for index in range(count)]


def _efficiency(case: Case, durations: list[float]) -> float:
    peer = case.start()
    warm(peer, case.workers)
    seconds = median_time(lambda: peer.map(tasks.burn, durations), 1)
    peer.close()
    return sum(durations) / case.workers / seconds


# ---------------------------------------------------------------------- data


def arrays_in(case: Case) -> Figures:
    """Large arrays to the workers, a number back."""
    return {"arrays_in": _throughput(case, tasks.look)}


def arrays_in_out(case: Case) -> Figures:
    """Large arrays to the workers, and new ones back. The bytes are counted once."""
    return {"arrays_in_out": _throughput(case, tasks.plus_one)}


def _throughput(case: Case, task: Callable[[Any], Any]) -> float:
    import numpy

    count, size = case.size(32, 4), case.size(16 * MEGA, MEGA)
    peer = case.start()
    warm(peer, case.workers)
    times: list[float] = []
    while len(times) < case.size(6, 2) and sum(times) < _ENOUGH:
        # New arrays each time: joblib, for one, keeps those that it has seen.
        arrays = [numpy.full(size // 8, float(len(times) + index)) for index in range(count)]
        begin = time.perf_counter()
        values = peer.map(task, arrays)
        times.append(time.perf_counter() - begin)
        assert len(values) == count
        del arrays, values
    seconds = statistics.median(times[1:] or times)
    peer.close()
    return count * size / seconds / 1e9


def shared(case: Case) -> Figures:
    """Calls that share a large array through `functools.partial`."""
    import numpy

    peer = case.start()
    warm(peer, case.workers)
    calls, length = case.size(64, 8), case.size(100 * MEGA, MEGA) // 8

    times: list[float] = []
    while len(times) < case.size(3, 1) and sum(times) < _ENOUGH:
        # A new array each time: what a library remembers of the last one is no help.
        value = float(len(times))
        array = numpy.full(length, value)
        begin = time.perf_counter()
        values = peer.map(functools.partial(tasks.pick, array), range(calls))
        times.append(time.perf_counter() - begin)
        assert values == [value] * calls
    peer.close()
    return {"shared": statistics.median(times)}


# ---------------------------------------------------------------------- fresh interpreters

_COLD = """\
import time
begin = time.perf_counter()
{define}
if __name__ == "__main__":
{body}
    seconds = time.perf_counter() - begin
    assert list(values) == [0, 1, 2, 3, 4], values
    print("seconds", seconds, flush=True)
{close}
"""

_OWN = "def f(x):\n    return x\n"
_IMPORTED = "from benchmarks.tasks import same as f\n"


def cold(case: Case) -> Figures:
    """Import, start and a map of five calls, in a program of its own."""
    return {
        "cold": _cold(case, _OWN),
        "cold_import": _cold(case, _IMPORTED),
    }


def _cold(case: Case, define: str) -> float:
    imports, body, close = peer_class(case.peer).cold
    text = _COLD.format(
        define=imports + "\n" + define,
        body="\n".join("    " + line for line in body.format(workers=case.workers).splitlines()),
        close="\n".join("    " + line for line in close.splitlines()),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(text)
        return _seconds([sys.executable, str(path)])


def import_time(case: Case) -> Figures:
    """Imports, compared with that of ``zmq``, each in a fresh interpreter."""
    texts = {
        "zmq": "import zmq",
        "bare": "import gridengine",
        "all": "from gridengine import Job, map",
    }
    times: dict[str, list[float]] = {name: [] for name in texts}
    for _ in range(case.size(11, 1)):
        for name, text in texts.items():
            program = (
                f"import time\nbegin = time.perf_counter()\n{text}\n"
                "print('seconds', time.perf_counter() - begin)"
            )
            times[name].append(_seconds([sys.executable, "-c", program]))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "import_zmq": medians["zmq"],
        "import_all": medians["all"] - medians["zmq"],
        "import_bare": medians["bare"] - medians["zmq"],
    }


def _seconds(command: list[str]) -> float:
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)  # noqa: S603
    for line in answer.stdout.splitlines():
        if line.startswith("seconds "):
            return float(line.split()[1])
    raise RuntimeError(f"the program said: {answer.stderr[-2000:] or answer.stdout}")


# ---------------------------------------------------------------------- their names


@dataclasses.dataclass(frozen=True)
class Workload:
    """A workload and who can do it.

    Attributes:
        needs: Abilities of a library without which it cannot (see `benchmarks.peers.Peer`).
        peers: The only libraries that it is for; empty for all.
    """

    run: Callable[[Case], Figures]
    needs: str = "map"
    peers: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def suits(self, peer: str) -> bool:
        """Returns whether a library can do it."""
        if self.peers and peer not in self.peers:
            return False
        return self.needs in peer_class(peer).abilities


WORKLOADS = {
    "map": Workload(trivial_map),
    "imap": Workload(trivial_imap, "imap"),
    "single": Workload(single_jobs, "submit"),
    "round_trip": Workload(round_trip, "submit"),
    "cold": Workload(cold, "cold"),
    "arrays_in": Workload(arrays_in, modules=("numpy",)),
    "arrays_in_out": Workload(arrays_in_out, modules=("numpy",)),
    "shared": Workload(shared, modules=("numpy",)),
    "even": Workload(even),
    "skewed": Workload(skewed),
    "skewed_down": Workload(skewed_down),
    # The others need minutes for it, call by call.
    "million": Workload(million, peers=("gridengine", "pool", "joblib", "mpire")),
    "import": Workload(import_time, peers=("gridengine",)),
}
