"""Why a queue job waits, in words: the codes of ``squeue`` (``%r``) and what they mean to a user.

The codes are those of https://slurm.schedmd.com/job_reason_codes.html.
"""

from __future__ import annotations

import re

#: What is asked for, in the codes of limits: ``QOSMaxCpuPerUserLimit``, ``AssocGrpMemLimit``.
_KINDS = (
    ("submit", "jobs that may be in the queue"),
    ("cpurunminutes", "core minutes of running jobs"),
    ("cpuminutes", "core minutes"),
    ("cpu", "cores"),
    ("jobs", "jobs that may run"),
    ("gres", "devices"),
    ("gpu", "devices"),
    ("mem", "memory"),
    ("node", "nodes"),
    ("wall", "running time"),
    ("energy", "energy"),
    ("billing", "billing units"),
    ("bb", "burst buffers"),
    ("license", "licenses"),
)

_WORDS = {
    "Resources": "the nodes that it could run on are busy",
    "Priority": "others in its partition come first",
    "Dependency": "it is held until the jobs that it depends on are over",
    "DependencyNeverSatisfied": "it depends on a job that ended otherwise: it can never start",
    "BeginTime": "it is not to start yet (--begin, or Slurm has put it back)",
    "JobArrayTaskLimit": "as many of its array run as may at one time (--array=...%N)",
    "JobHeldUser": "it is held; `scontrol release {job}` releases it",
    "JobHeldAdmin": "it is held by an administrator, who alone can release it",
    "Licenses": "the licenses that it asks for are taken",
    "NodeDown": "a node that it needs is down",
    "PartitionDown": "partition {partition} is down: it takes jobs and starts none",
    "PartitionInactive": "partition {partition} is inactive: it starts no jobs",
    "PartitionNodeLimit": "it asks for more nodes than partition {partition} allows, or its nodes "
    "are down",
    "PartitionTimeLimit": "it asks for more time than partition {partition} allows: give less "
    "time=...",
    "PartitionConfig": "it asks for more than any node of partition {partition} has: it can never "
    "start",
    "Reservation": "its reservation has not begun",
    "ReservationDeleted": "its reservation has been deleted: it can never start",
    "BadConstraints": "no node has what it asks for (constraint=..., gres=..., memory=...): it can "
    "never start",
    "InvalidAccount": "its account is none: give another account=...",
    "InvalidQOS": "its quality of service is none: give another qos=...",
    "QOSNotAllowed": "its quality of service is not allowed in partition {partition}",
    "AccountNotAllowed": "its account is not allowed in partition {partition}",
    "QOSUsageThreshold": "its quality of service has used up what it may",
    "QOSTimeLimit": "its quality of service allows less time: give less time=...",
    "AssociationTimeLimit": "its account allows less time: give less time=...",
    "AssociationJobLimit": "its account has as many jobs as it may",
    "AssociationResourceLimit": "its account has used up what it may",
    "FrontEndDown": "the front end that would start it is down",
    "Cleaning": "it is cleaned up after an earlier start, and starts anew then",
    "SystemFailure": "Slurm, the file system or the network has failed",
    "JobLaunchFailure": "it could not be started on its node",
    "Prolog": "what the site runs before it has not ended",
    "DeadLine": "its deadline cannot be kept",
    "MaxRequeueLimit": "it was put back into the queue too often",
    "NonZeroExitCode": "it has failed",
    "RaisedSignal": "a signal has ended it",
    "TimeLimit": "it has run over its time",
    "InactiveLimit": "it was inactive for too long",
    "None": "the scheduler has not looked at it yet",
}

#: Those with which it never starts by itself, whatever others do.
_HOPELESS = frozenset(
    {
        "DependencyNeverSatisfied",
        "ReservationDeleted",
        "InvalidAccount",
        "InvalidQOS",
        "BadConstraints",
        "MaxRequeueLimit",
        "DeadLine",
    }
)


def code_of(reason: str) -> str:
    """Returns the code in what squeue prints: behind it some have more, such as which nodes."""
    return re.split(r"[,;:( ]", reason.strip().strip("()"), maxsplit=1)[0]


def in_words(reason: str, *, job: str = "JOB", partition: str = "") -> str:
    """Returns why a queue job waits, empty if Slurm does not say it yet.

    Args:
        reason: What squeue prints.
        job: Its name.
        partition: Its partition.
    """
    code = code_of(reason)
    if not code or code == "None":
        return ""
    if code.startswith("ReqNodeNotAvail"):
        nodes = reason.partition("UnavailableNodes:")[2].strip(") ")
        which = f" ({nodes})" if nodes else ""
        return (
            f"nodes that it could run on are down, drained or reserved{which} (Slurm: "
            "ReqNodeNotAvail)"
        )
    words = _WORDS.get(code) or _limit(code)
    if words is None:
        # Such as "launch failed requeued held", and those of later versions.
        return f"Slurm says {reason.strip().strip('()')}"
    return f"{words.format(job=job, partition=partition or 'of it')} (Slurm: {code})"


def is_hopeless(reason: str) -> bool:
    """Tells whether a queue job with this reason never starts by itself."""
    return code_of(reason) in _HOPELESS or "requeued held" in reason.replace("_", " ")


def is_held(reason: str) -> bool:
    """Tells whether somebody has put a queue job on hold."""
    return code_of(reason) in ("JobHeldUser", "JobHeldAdmin")


def _limit(code: str) -> str | None:
    """Words for ``QOSMaxJobsPerUserLimit``, ``AssocGrpCPUMinutesLimit`` and their hundred kin."""
    match = re.match(r"(QOS|Assoc|Max)(Grp|Max|Min)?", code)
    if match is None:
        return None
    whose = {"QOS": "its quality of service", "Assoc": "its account"}.get(match[1], "its account")
    lower = code.lower()
    what = next((words for part, words in _KINDS if part in lower), "what it allows")
    if match[2] == "Min":
        return f"it asks for less than {whose} wants ({what})"
    who = ""
    if "PerUser" in code:
        who = " for each user"
    elif "PerAccount" in code:
        who = " for each account"
    if "PerJob" in code or "PerNode" in code:
        return f"it asks for more {what} than {whose} allows for one job"
    return f"{whose} has a limit{who} on {what}, which is reached"
