"""Real batch systems on one machine, for the tests: a Grid Engine and a Slurm.

`python -m tests.cluster up` brings the Grid Engine up and `down` takes it down; tests have it as a
`Cluster`. Slurm is a `SlurmCluster`, and `--slurm` on the command line. Both may be up at a time.
They need Linux, root and Debian's packages, which they install.

The rooms, lowest floor first:

- `waiting` and `shell`: polling with a limit; running commands
- `packages`, `account`, `hosts`: what they are made of: Debian's packages, an ordinary user, and a
  network namespace per host
- `grid` and `slurm`: Grid Engine and Slurm on these hosts
- `base`, `cluster` and `slurm_cluster`: the whole, as the tests see it
- `pythons` and `site`: the cluster as a site has it
- `__main__`: the whole, from the command line
"""

from __future__ import annotations

from .base import BatchCluster, ClusterUnavailable, InsideClusterError
from .cluster import Cluster, QueueJob
from .hosts import Host
from .shell import CommandError
from .slurm_cluster import SlurmCluster, SlurmJob
from .waiting import WaitTimeout, wait_until

__all__ = [
    "BatchCluster",
    "Cluster",
    "ClusterUnavailable",
    "CommandError",
    "Host",
    "InsideClusterError",
    "QueueJob",
    "SlurmCluster",
    "SlurmJob",
    "WaitTimeout",
    "wait_until",
]
