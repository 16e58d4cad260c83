"""What the doctor asks a Slurm: by scontrol and sinfo."""

from __future__ import annotations

import os
import re
import shutil

from ..errors import SchedulerUnavailable
from ..schedulers.queue_session.process import commands
from ..schedulers.queue_session.process.batch_system import Denied, Unreachable
from ..schedulers.slurm import presence
from ..schedulers.slurm.amounts import seconds_told, time_option
from ..schedulers.slurm.batch_system import reasons, slurm_commands
from ..schedulers.slurm.request import SlurmRequest
from ..schedulers.slurm.session import SlurmSession
from .report import Check

_SECONDS = 8.0  # for one command; the controller of a large site is busy at times
_NAMES = 12  # names of a list that are shown
_UP = ("idle", "mixed", "allocated", "completing", "mix", "alloc", "comp")


def slurm_tools() -> Check:
    """Slurm's commands: where they are."""
    if (name := presence.missing(os.environ)) is not None:
        return Check(
            "Slurm's commands", "failed", f"there is no {name} in the PATH",
            "load the cluster's module, or log in to one of its hosts",
        )  # fmt: skip
    where = os.path.dirname(shutil.which("sbatch") or "")
    configured = os.environ.get("SLURM_CONF")
    told = f"in {where}" + (f"; SLURM_CONF={configured}" if configured else "")
    return Check("Slurm's commands", "ok", told)


def controller(session: SlurmSession, seconds: float) -> Check:
    """The controller: whether it answers."""
    try:
        system = session.system(seconds)
    except SchedulerUnavailable as error:
        advice = "see that `scontrol ping` and `squeue` work here (slurmctld, munged, slurm.conf)"
        return Check("controller", "failed", str(error), advice)
    return Check("controller", "ok", f"{system} answers {commands.user()}")


def partitions(wanted: SlurmRequest) -> Check:
    """The partitions: which there are, how many of their nodes are up, for how long they allow."""
    rows = [
        line.split("|")
        for line in _asked("sinfo", "--noheader", "--format=%P|%a|%l|%D|%T").splitlines()
    ]
    rows = [row for row in rows if len(row) == 5]
    if not rows:
        return Check("partitions", "unknown", "sinfo lists none", "have sinfo in the PATH")
    names = dict.fromkeys(row[0].rstrip("*") for row in rows)
    default = next((row[0].rstrip("*") for row in rows if row[0].endswith("*")), "")
    told = "; ".join([_partition(name, rows, default) for name in names][:_NAMES])
    asked = wanted.partition.split(",") if wanted.partition else [default] if default else []
    if not asked:
        return Check("partitions", "failed", f"there is no default; {told}", "give partition=...")
    if missing := [name for name in asked if name not in names]:
        advice = f"ask for one of {', '.join(names)}"
        return Check("partitions", "failed", f"there is no {', '.join(missing)}; {told}", advice)
    own = [row for row in rows if row[0].rstrip("*") in asked]
    if not any(row[1] == "up" and _is_up(row[4]) for row in own):
        advice = "nothing starts there now: ask for another one, or wait until it is up again"
        return Check("partitions", "failed", told, advice)
    limits = [seconds_told(row[2]) for row in own]
    longest = 0.0 if 0.0 in limits else max(limits)
    if longest and wanted.time_limit > longest:
        advice = f"give time='{time_option(longest)}' at most"
        return Check("partitions", "failed", f"more time is asked for than allowed: {told}", advice)
    return Check("partitions", "ok", told)


def _partition(name: str, rows: list[list[str]], default: str) -> str:
    own = [row for row in rows if row[0].rstrip("*") == name]
    nodes = sum(int(row[3]) for row in own)
    up = sum(int(row[3]) for row in own if _is_up(row[4]))
    is_default = ", the default" if name == default else ""
    limit = "any time" if not seconds_told(own[0][2]) else f"{own[0][2]} at most"
    state = "" if own[0][1] == "up" else f", {own[0][1]}"
    return f"{name} ({up} of {nodes} nodes up, {limit}{is_default}{state})"


def _is_up(state: str) -> bool:
    return re.sub(r"[^a-z]", "", state.lower()) in _UP and not state.endswith("*")


def slurm_limits(_: SlurmRequest) -> Check:
    """How many jobs and tasks there may be, and what the site has noted about those that ended."""
    text = _asked("scontrol", "show", "config")
    values = dict(re.findall(r"^(\S+)\s*=\s*(.*?)\s*$", text, re.MULTILINE))
    if "MaxArraySize" not in values:
        return Check("site limits", "unknown", "scontrol does not tell them", "")
    accounting = values.get("AccountingStorageType", "")
    told = [
        f"arrays of {int(values['MaxArraySize']) - 1} tasks",
        f"{values.get('MaxJobCount', '?')} jobs of all users",
        f"ended jobs are known for {values.get('MinJobAge', '?')}, "
        + ("then by sacct" if "slurmdbd" in accounting else "then by nobody (no slurmdbd)"),
    ]
    if int(values["MaxArraySize"]) < 2:
        advice = "an administrator sets MaxArraySize in slurm.conf: workers are tasks of arrays"
        return Check("site limits", "failed", "; ".join(told), advice)
    return Check("site limits", "ok", "; ".join(told))


def why_it_waits(queue_job: str) -> str:
    """Returns Slurm's reason why a queue job has not started."""
    name = queue_job.replace(".", "_")
    told = _asked("squeue", "--me", "--noheader", "--array", "--format=%i|%P|%r")
    for line in told.splitlines():
        listed, partition, reason = [*line.split("|", 2), "", ""][:3]
        if listed == name:
            return reasons.in_words(reason, job=name, partition=partition)
    return ""


def _asked(program: str, *arguments: str) -> str:
    try:
        return slurm_commands.asked(program, *arguments, seconds=_SECONDS)
    except (Denied, Unreachable):
        return ""
