"""The Debian packages that the cluster is made of."""

from __future__ import annotations

import os
import shutil
import subprocess

from .shell import CommandError, run

PACKAGES = (
    "gridengine-master",
    "gridengine-exec",
    "gridengine-client",
    "gridengine-drmaa1.0",
    "iproute2",
    "nftables",
)

# Without these answers the packages ask questions, or set up a cluster of their own.
_PRESEED = """\
gridengine-common shared/gridenginemaster string HEAD
gridengine-common shared/gridenginecell string default
gridengine-common shared/gridengineconfig boolean false
postfix postfix/main_mailer_type select No configuration
"""

_LIMIT = 600.0  # seconds, for a slow mirror


def unavailable() -> str | None:
    """Say why the packages cannot be had here, or None if they are here or can be installed."""
    if not missing():
        return None
    if shutil.which("apt-get") is None:
        return "not Debian: there is no apt-get to install Grid Engine with"
    return None


def missing() -> list[str]:
    """Name those of `PACKAGES` that are not installed."""
    if shutil.which("dpkg-query") is None:
        return list(PACKAGES)
    # dpkg-query fails if it has never heard of one of them, and still tells of the others.
    told = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES],
        capture_output=True,
        check=False,
        text=True,
    )
    installed = {
        line.split()[0] for line in told.stdout.splitlines() if line.endswith(" installed")
    }
    return [package for package in PACKAGES if package not in installed]


def install() -> None:
    """Install what is missing."""
    wanted = missing()
    if not wanted:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["debconf-set-selections"], stdin=_PRESEED, env=env)
    apt_get = ["apt-get", "--yes", "--no-install-recommends", "install", *wanted]
    try:
        run(apt_get, env=env, limit=_LIMIT)
    except CommandError:
        # Old package lists, or none at all, as in a fresh container.
        run(["apt-get", "update"], env=env, limit=_LIMIT)
        run(apt_get, env=env, limit=_LIMIT)
