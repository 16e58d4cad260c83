"""The table: which figures there are, in which unit, and what is to be reached."""

from __future__ import annotations

import dataclasses

OURS = "gridengine"
POOL = "gridengine-pool"
EXECUTOR = "gridengine-executor"
JOBLIB = "gridengine-joblib"


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        figure: Its key in what a workload returns.
        title: What people call it.
        unit: ``/s``, ``s``, ``GB/s``, ``MB`` or empty for a ratio.
        more: Whether more is better.
        against: The peer to beat; empty for the best one.
        factor: The figure shall be at least (at most, if less is better) so many times the
            peer's; 0 if there is no such target.
        limit: The figure itself shall be at least (at most) so much, or None.
        ours: Which interface of ours it is about.
    """

    figure: str
    title: str
    unit: str
    more: bool = True
    against: str = ""
    factor: float = 0.0
    limit: float | None = None
    ours: str = OURS

    def better(self, a: float, b: float) -> bool:
        """Returns whether ``a`` is better than ``b``."""
        return a > b if self.more else a < b

    @property
    def reach(self) -> str:
        """The target in words, empty if there is none."""
        sign = "≥" if self.more else "≤"
        if self.limit is not None:
            return f"{sign} {amount(self.limit, self.unit)}"
        if self.factor:
            return f"{sign} {self.factor:g} × {self.against or 'best'}"
        return ""


LAPTOP = (
    Row("map_rate", "map of 100,000 trivial calls", "/s", against="pool", factor=1.0),
    Row("map_list_rate", "the same, from a list of numbers", "/s", against="pool", factor=1.0),
    Row("map_tuples_rate", "the same, from a list of tuples", "/s", against="pool", factor=1.0),
    Row(
        "imap_1_rate", "imap of 10,000 trivial calls, one by one", "/s", against="pool", factor=2.0
    ),
    Row("imap_100_rate", "imap of 100,000 in chunks of 100", "/s", against="pool", factor=1.0),
    Row("single_rate", "10,000 single jobs", "/s", against="pool", factor=5.0),
    Row("round_trip", "one job there and back", "s", False, "cf", 1.0),
    Row("cold", "first result from cold, map of 5", "s", False, "pool-spawn", 1.0),
    Row("cold_import", "the same, function of an imported module", "s", False, "pool-spawn"),
    Row("arrays_in", "32 arrays of 16 MB in, a number out", "GB/s", against="ray", factor=1.3),
    Row("arrays_in_out", "32 arrays of 16 MB in and out", "GB/s", against="ray", factor=1.5),
    Row("shared", "64 calls that share a 100 MB array", "s", False, "joblib", 1.0),
    Row("even", "80 calls of 0.1 s: ideal / time", "", limit=0.99),
    Row("skewed", "4,000 calls of 0.1–20 ms, sorted: ideal / time", "", factor=1.0),
    Row("skewed_down", "the same, longest first: ideal / time", "", factor=1.0),
    Row("million_rate", "map of 1,000,000 from a generator", "/s", against="pool", factor=1.0),
    Row("million_memory", "its peak memory in the program", "MB", False, "pool", 1.0),
    Row("import_all", "import of map and Job, over import zmq", "s", False, limit=0.010),
    Row("import_bare", "import gridengine alone, over import zmq", "s", False, limit=0.010),
)

#: What people hold already, each beside the library that it stands in for.
HANDLES = (
    Row("single_rate", "Executor.submit of 10,000", "/s", True, "cf", 4.0, ours=EXECUTOR),
    Row("map_rate", "Pool.map of 100,000, a range", "/s", True, "pool", 1.0, ours=POOL),
    Row("map_list_rate", "the same, a list of numbers", "/s", True, "pool", 1.0, ours=POOL),
    Row("map_tuples_rate", "the same, a list of tuples", "/s", True, "pool", 1.0, ours=POOL),
    Row("imap_1_rate", "Pool.imap of 10,000, one by one", "/s", True, "pool", 2.0, ours=POOL),
    Row("imap_100_rate", "the same, 100,000 by 100", "/s", True, "pool", 1.0, ours=POOL),
    Row("tiny_rate", "joblib: 10,000 tiny calls", "/s", True, "joblib", 1.0, ours=JOBLIB),
    Row("shared", "joblib: 64 that share 100 MB", "s", False, "joblib", 1.0, ours=JOBLIB),
    Row("grid_search", "GridSearchCV, 60 small fits", "s", False, "joblib", 1.0, ours=JOBLIB),
    Row("await", "await of a job, there and back", "s", False),
    Row("await_ratio", "the same / with job.result", "", False, limit=1.3),
    Row("imap_memory", "imap of 10,000,000: memory more", "MB", False, limit=20.0),
)


def amount(value: float, unit: str) -> str:
    """Returns a figure for people: three digits and a unit of fitting size."""
    if unit == "s":
        if abs(value) < 0.001:
            return f"{value * 1e6:.0f} µs"
        return f"{value * 1e3:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    if unit == "/s":
        for size, letter in ((1e6, " M"), (1e3, " k")):
            if value >= size:
                return f"{value / size:.3g}{letter}/s"
        return f"{value:.3g}/s"
    if not unit:
        return f"{value:.3f}"
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"
