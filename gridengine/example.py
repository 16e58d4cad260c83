"""Does it work here? ``python -m gridengine.example`` runs some jobs, and says where they ran.

That is on the Grid Engine of this host, if it has one, and else on its cores, as for any program
that names no scheduler. ``GRIDENGINE_SCHEDULER=process`` or ``=grid_engine`` decides instead.
"""

from __future__ import annotations

import collections
import platform
import socket
import time

import gridengine

_CALLS = 8


def primes(below: int) -> tuple[int, str]:
    """Counts the primes below a number; returns the host that did it, too."""
    found = sum(all(n % divisor for divisor in range(2, int(n**0.5) + 1)) for n in range(2, below))
    return found, socket.gethostname()


def main() -> None:
    """Runs a map, a job, and a job that fails."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    with gridengine.schedulers.current() as scheduler:
        print(f"gridengine {gridengine.__version__} with {python} on {scheduler}")
        begin = time.perf_counter()
        hosts = collections.Counter(host for _, host in gridengine.map(primes, [10_000] * _CALLS))
        took = time.perf_counter() - begin
        where = ", ".join(f"{count} on {host}" for host, count in sorted(hosts.items()))
        print(f"map: {_CALLS} calls in {took:.2f} s, {where}")

        job = gridengine.Job(target=primes, args=(10_000,))
        job.start()
        print(f"job: {job.result[0]} primes below 10,000, counted on {job.host}")

        failing = gridengine.Job(target=primes, args=("ten",))
        failing.start()
        print(f"job that fails: {failing.exception!r}")


if __name__ == "__main__":
    main()
