"""The Debian packages that the clusters are made of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from .shell import CommandError, run

_HOSTS = ("iproute2", "nftables")
GRID_ENGINE = (
    *_HOSTS,
    "gridengine-master",
    "gridengine-exec",
    "gridengine-client",
    "gridengine-drmaa1.0",
)
SLURM = (
    *_HOSTS,
    "munge",
    "slurmctld",
    "slurmd",
    "slurm-client",
    "slurm-wlm-basic-plugins",
    # Its accounting. The database alone: `mariadb-server` would set one up on the machine.
    "slurmdbd",
    "mariadb-server-core",
    "mariadb-client-core",
)

# Without these answers the packages ask questions, or set up a cluster of their own.
_PRESEED = """\
gridengine-common shared/gridenginemaster string HEAD
gridengine-common shared/gridenginecell string default
gridengine-common shared/gridengineconfig boolean false
postfix postfix/main_mailer_type select No configuration
"""

_LIMIT = 600.0  # seconds, for a slow mirror


def unavailable(wanted: Sequence[str]) -> str | None:
    """Say why packages cannot be had here, or None if they are here or can be installed."""
    if not _missing(wanted):
        return None
    if shutil.which("apt-get") is None:
        return "not Debian: there is no apt-get to install the batch system with"
    return None


def _missing(wanted: Sequence[str]) -> list[str]:
    """Name those packages that are not installed."""
    if shutil.which("dpkg-query") is None:
        return list(wanted)
    # dpkg-query fails if it has never heard of one of them, and still tells of the others.
    told = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *wanted],
        capture_output=True,
        check=False,
        text=True,
    )
    installed = {
        line.split()[0] for line in told.stdout.splitlines() if line.endswith(" installed")
    }
    return [package for package in wanted if package not in installed]


def install(wanted: Sequence[str]) -> None:
    """Install those of the packages that are missing."""
    missing = _missing(wanted)
    if not missing:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["debconf-set-selections"], stdin=_PRESEED, env=env)
    apt_get = ["apt-get", "--yes", "--no-install-recommends", "install", *missing]
    try:
        run(apt_get, env=env, limit=_LIMIT)
    except CommandError:
        # Old package lists, or none at all, as in a fresh container.
        run(["apt-get", "update"], env=env, limit=_LIMIT)
        run(apt_get, env=env, limit=_LIMIT)
