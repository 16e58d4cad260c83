"""Commands that print what a Slurm 22.05 has printed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from gridengine.schedulers.queue_session.process.messages import Submit
from gridengine.schedulers.slurm import presence

CONFIG = """\
Configuration data as of 2026-11-26T17:43:02
AccountingStorageType   = accounting_storage/none
ClusterName             = tests
MaxArraySize            = 11
SchedulerParameters     = batch_sched_delay=0
SLURM_VERSION           = 22.05.8
"""

#: Notes how it was called, and says what it finds in a file of its name.
_COMMAND = """\
#!/bin/sh
cd "$(dirname "$0")"
name=$(basename "$0")
{ printf '%s' "$name"; printf '|%s' "$@"; echo; } >> calls
env | sort > "$name.env"
[ "$name" = sbatch ] && cat > script
if [ -e "$name.hangs" ]; then cat "$name.err" >&2; sleep 60; fi
[ -e "$name.err" ] && cat "$name.err" >&2
[ -e "$name.out" ] && cat "$name.out"
exit $(cat "$name.status" 2>/dev/null || echo 0)
"""


class FakeSlurm(NamedTuple):
    """Commands that do nothing."""

    folder: Path

    def says(self, name: str, out: str = "", *, error: str = "", status: int = 0) -> None:
        """Has a command say something from now on."""
        (self.folder / f"{name}.out").write_text(out)
        (self.folder / f"{name}.err").write_text(error)
        (self.folder / f"{name}.status").write_text(str(status))

    def calls(self, name: str) -> list[list[str]]:
        """Returns the arguments with which a command was called."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [line.split("|")[1:] for line in lines if line.startswith(f"{name}|")]


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """Returns a Slurm whose commands are in the path, answer, and take one array."""
    for name in (*presence.NEEDED, "sinfo", "sacct"):
        path = folder / name
        path.write_text(_COMMAND)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    (folder / "calls").touch()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    made = FakeSlurm(folder)
    made.says("scontrol", CONFIG)
    made.says("sbatch", "12\n")
    made.says("sinfo", "node1\nnode2\nnode3\n")
    return made


def order(options: str = "", count: int = 3) -> Submit:
    """Returns an order of one batch."""
    return Submit(1, ("/bin/echo", "a b", "$HOME"), count, "square", options, "/logs")
