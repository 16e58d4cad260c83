"""What ``scontrol show job`` and ``sacct`` print about queue jobs that are over."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Of a line of scontrol, in which names and comments are the users': the first of each counts.
_KEYS = (
    "JobId", "ArrayJobId", "ArrayTaskId", "JobName", "UserId", "JobState", "Reason", "ExitCode",
    "Restarts", "RunTime", "TimeLimit", "SubmitTime", "NodeList",
)  # fmt: skip
#: Paths have spaces: one goes as far as the next key.
_PAIR = re.compile(rf"(?:^|\s)(?:({'|'.join(_KEYS)})=(\S*)|(StdOut)=(.*?)(?=\s+[A-Z]\w*=|\s*$))")

_OVER_MEMORY = re.compile(
    r"(?:StepId=\S+|[Ss]tep \S+|[Jj]ob \S+) exceeded memory limit \((\d+) > (\d+)\)"
)
_OOM_KILLED = re.compile(r"oom[-_]kill event|cgroup out-of-memory handler|Out Of Memory", re.I)

SACCT_FORMAT = "JobID,State,ExitCode,ElapsedRaw,MaxRSS,NodeList,Reason"


def shown(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the names of queue jobs and what ``scontrol show job --oneliner`` has of them."""
    for line in text.splitlines():
        record: dict[str, str] = {}
        for match in _PAIR.finditer(line):
            record.setdefault(match[1] or match[3], match[2] or match[4] or "")
        if "JobId" not in record:
            continue
        job, task = record.get("ArrayJobId", record["JobId"]), record.get("ArrayTaskId", "")
        yield (f"{job}.{task}" if task.isdigit() else job), record


def accounted(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the names of queue jobs and what ``sacct --parsable2`` has of them.

    By the names of scontrol, and ``MaxRSS`` of the step that used most.
    """
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        fields = line.split("|")
        if len(fields) != len(SACCT_FORMAT.split(",")):
            continue
        number, state, code, elapsed, peak, nodes, reason = fields
        job, _, step = number.partition(".")
        name = job.replace("_", ".")
        if step:
            # Its batch script is a step, which uses what it uses.
            if name in found and peak:
                found[name].setdefault("MaxRSS", peak)
            continue
        if not re.fullmatch(r"\d+(\.\d+)?", name):
            continue  # the part of an array that waits
        found[name] = {
            "JobState": state.partition(" ")[0].rstrip("+"),
            "ExitCode": code,
            "Elapsed": elapsed,
            "NodeList": nodes,
            "Reason": reason,
        }
        if " by " in state:
            found[name]["CancelledBy"] = state.partition(" by ")[2]
    yield from found.items()


def memory_in(printed: str) -> dict[str, str]:
    """Returns what a queue job's output says of the memory for which it was killed.

    Without control groups Slurm tells it nowhere else.
    """
    if matches := _OVER_MEMORY.findall(printed):
        used, allowed = matches[-1]
        return {"UsedMemory": used, "AllowedMemory": allowed}
    return {"OutOfMemory": "yes"} if _OOM_KILLED.search(printed) else {}
