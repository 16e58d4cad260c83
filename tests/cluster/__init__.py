"""A real Grid Engine on one machine, for the tests.

`python -m tests.cluster up` brings it up and `down` takes it down; tests have it as a `Cluster`.
It needs Linux, root and Debian's packages, which it installs.

The rooms, lowest floor first:

- `waiting` and `shell`: polling with a limit; running commands
- `packages`, `account`, `hosts`: what it is made of: Debian's packages, an ordinary user, and a
  network namespace per host
- `grid`: Grid Engine on these hosts
- `cluster`: the whole, as the tests see it
- `pythons` and `site`: the cluster as a site has it
- `__main__`: the whole, from the command line
"""

from __future__ import annotations

from .cluster import Cluster, ClusterUnavailable, InsideClusterError, QueueJob
from .hosts import Host
from .shell import CommandError
from .waiting import WaitTimeout, wait_until

__all__ = [
    "Cluster",
    "ClusterUnavailable",
    "CommandError",
    "Host",
    "InsideClusterError",
    "QueueJob",
    "WaitTimeout",
    "wait_until",
]
