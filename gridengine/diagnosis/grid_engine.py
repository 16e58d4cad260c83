"""What the doctor asks a Grid Engine: by its DRMAA library, and by qconf and qstat."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from collections.abc import Collection, Mapping, Sequence

from ..errors import SchedulerUnavailable
from ..extras import command
from ..schedulers.grid_engine import drmaa_library, way
from ..schedulers.grid_engine.batch_system import ge_commands, obstacles, queue_instances
from ..schedulers.grid_engine.request import Request
from ..schedulers.grid_engine.session import GridEngineSession
from ..schedulers.queue_session.process import commands
from .report import Check

_SECONDS = 8.0  # for one command; the master of a large site is busy at times
_NAMES = 12  # names of a list that are shown
_FEW_JOBS = 20


def library(through: str) -> Check:
    """The DRMAA library: where it is, and what it needs to be loaded; or what is used instead."""
    path = drmaa_library.find()
    problem = drmaa_library.problem(path)
    if through == "commands" or (problem is not None and through == "auto"):
        reason = "" if through == "commands" else f"{problem}; "
        if (no_commands := way.commands_problem()) is None:
            told = f"{reason}qsub, qstat, qdel and qacct are used instead"
            return Check("DRMAA library", "ok", told)
        problem = f"{reason}{no_commands}"
    if path is None or problem is not None:
        return Check("DRMAA library", "failed", f"{problem}", _advice(path))
    told = f"{path}, drmaa {importlib.metadata.version('drmaa')}"
    environ = drmaa_library.environment(path)
    if preloaded := environ.get("LD_PRELOAD", ""):
        told += f"; loaded in a process of its own, with LD_PRELOAD={preloaded}"
    return Check("DRMAA library", "ok", f"{told}; SGE_ROOT={environ.get('SGE_ROOT')}")


def _advice(path: object) -> str:
    if path is None:
        return (
            "load the cluster's module, or set DRMAA_LIBRARY_PATH=/path/to/libdrmaa.so; on Debian "
            "it comes with the package gridengine-drmaa1.0"
        )
    if importlib.util.find_spec("drmaa") is None:
        return command("cluster")
    return "load the cluster's module, or set SGE_ROOT"


def master(session: GridEngineSession, seconds: float) -> Check:
    """The master: whether it answers."""
    try:
        system = session.system(seconds)
    except SchedulerUnavailable as error:
        return Check(
            "master", "failed", str(error),
            "see that `qstat` works here; $SGE_ROOT/$SGE_CELL/common/act_qmaster names the host",
        )  # fmt: skip
    return Check("master", "ok", f"{system} answers; {commands.user()} may open a session")


def environ() -> Mapping[str, str]:
    """Returns the environment in which the Grid Engine's commands find their files."""
    try:
        return way.environment(way.chosen("auto"))
    except SchedulerUnavailable:
        return os.environ


def queues(wanted: Request) -> Check:
    """The queues: which there are, and which of them are in trouble."""
    text = _run("qstat", "-f", "-explain", "aAcE")
    instances = re.findall(r"^(\S+)@(\S+)\s+\S+\s+(?:\d+/)?(\d+)/(\d+)\s", text, re.MULTILINE)
    if not instances:
        return _no("queues", text)
    asked = {each.partition("@")[0] for each in (wanted.queue or "").split(",") if each}
    slots: dict[str, list[int]] = {}
    for name, _, used, total in instances:
        counts = slots.setdefault(name, [0, 0])
        counts[0] += int(used)
        counts[1] += int(total)
    told = _some(
        [f"{name} ({used} of {total} slots taken)" for name, (used, total) in slots.items()]
    )
    if missing := sorted(each for each in asked - slots.keys() if not re.search(r"[*?!&|]", each)):
        advice = f"ask for one of {', '.join(slots)}"
        return Check("queues", "failed", f"there is no queue {', '.join(missing)}; {told}", advice)
    troubled = {
        name: trouble
        for name, trouble in queue_instances.troubles(text).items()
        if not asked or name.partition("@")[0] in asked
    }
    if not troubled:
        return Check("queues", "ok", told)
    own = [each for each in instances if not asked or each[0] in asked]
    state = "failed" if len(troubled) >= len(own) else "warning"
    words = [
        f"queue {name} {what}{f' ({note})' if note else ''}"
        for name, (what, note) in troubled.items()
    ]
    cure = _cure({what for what, _ in troubled.values()})
    return Check("queues", state, f"{_some(words, '; ')}; in all: {told}", cure)  # type: ignore[arg-type]


def _cure(troubles: Collection[str]) -> str:
    said = []
    if "is in error" in troubles:
        said.append(
            "in error: a job could not be started there; an administrator ends it by qmod -c QUEUE"
        )
    if "does not answer" in troubles:
        said.append("does not answer: see that the node is up, and its sge_execd runs")
    if "is overloaded" in troubles:
        said.append("overloaded: the node is above its load thresholds, and takes jobs later")
    if "is disabled" in troubles:
        said.append(
            "disabled: try another queue, or wait until an administrator enables it (qmod -e QUEUE)"
        )
    return "; ".join(said)


def parallel_environments(wanted: Request) -> Check:
    """The parallel environments, of which one is needed for workers of several slots."""
    names = _run("qconf", "-spl").split()
    name = "parallel environments"
    if wanted.parallel_environment and wanted.parallel_environment not in names:
        told = f"there is no {wanted.parallel_environment}; there are: {', '.join(names)}"
        return Check(name, "failed", told, "ask for one of these")
    # Where there is none it says so in words.
    if not names or "no" in names:
        return Check(name, "ok", "none: workers of several slots cannot be had")
    rules = []
    for each in names[:_NAMES]:
        rule = _values(_run("qconf", "-sp", each)).get("allocation_rule", "?")
        one_host = rule == "$pe_slots"
        rules.append(f"{each} ({'slots of one host' if one_host else rule})")
    return Check(name, "ok", ", ".join(rules))


def memory_resources(wanted: Request) -> Check:
    """The resources that limit memory, and those that a job has to ask for."""
    rows = [line.split() for line in _run("qconf", "-sc").splitlines() if line[:1] not in ("", "#")]
    rows = [row for row in rows if len(row) >= 8]
    if not rows:
        return _no("resources", "")
    consumed = [r[0] for r in rows if r[2] == "MEMORY" and r[5] in ("YES", "JOB")]
    known = {"h_vmem", "s_vmem", "h_rss", "mem_free", "virtual_free"}
    limits = [r[0] for r in rows if r[2] == "MEMORY" and r[4] != "NO" and r[0] in known]
    forced = [r for r in rows if r[4] == "FORCED"]
    told = f"to be asked for: {', '.join(limits) or 'none'}"
    told += f"; reserved for the job: {', '.join(consumed) or 'none'}"
    given = wanted.resources.keys()
    left = [r[0] for r in forced if not {r[0], r[1]} & given and r[0] not in (wanted.native or "")]
    if left:
        told += f"; a job has to ask for {', '.join(left)}"
        return Check("resources", "warning", told, f"-l {left[0]}=…, else queues with it are out")
    return Check("resources", "ok", told)


def site_limits(wanted: Request) -> Check:
    """How many jobs and tasks a user may have."""
    values = _values(_run("qconf", "-sconf"))
    scheduler = _values(_run("qconf", "-ssconf"))
    if "max_u_jobs" not in values:
        return _no("site limits", "")
    jobs, running = int(values["max_u_jobs"]), int(scheduler.get("maxujobs", 0))
    tasks, at_once = (int(values.get(f"max_aj_{name}", 0)) for name in ("tasks", "instances"))
    told = [
        f"{_or_any(jobs)} jobs of a user, {_or_any(running)} running",
        f"arrays of {_or_any(tasks)} tasks, {_or_any(at_once)} at once",
    ]
    quotas = _run("qconf", "-srqsl").split()
    if quotas and "no" not in quotas:
        told.append(f"resource quotas: {', '.join(quotas[:_NAMES])} (qquota -u $USER)")
    interval = scheduler.get("schedule_interval", "")
    told.append(f"the scheduler looks every {interval}")
    if 0 < (few := min(filter(None, (jobs, running)), default=0)) < _FEW_JOBS:
        advice = f"max_workers={few}, or rely on it that the others wait"
        return Check("site limits", "warning", "; ".join(told), advice)
    return Check("site limits", "ok", "; ".join(told))


def why_it_waits(queue_job: str) -> str:
    """Returns the Grid Engine's reasons why a queue job has not started."""
    job = queue_job.partition(".")[0]
    return obstacles.why(job, held=False, user=commands.user(), ask=_run)


def _or_any(number: int) -> str:
    return str(number) if number else "any number of"


def _no(name: str, said: str) -> Check:
    told = " ".join(said.split())[:200] or "the Grid Engine's commands do not tell it here"
    return Check(name, "unknown", told, "have qstat and qconf in the PATH")


def _some(words: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(words) - _NAMES} more" if len(words) > _NAMES else ""
    return between.join(words[:_NAMES]) + more


def _run(program: str, *arguments: str) -> str:
    try:
        return ge_commands.run(program, *arguments, seconds=_SECONDS, environ=environ())
    except commands.CommandFailed as error:
        return error.output
    except (commands.CommandMissing, commands.CommandSlow):
        return ""


def _values(text: str) -> dict[str, str]:
    """Returns what qconf shows of a configuration, in which a backslash continues a line."""
    lines = (line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines())
    return {each[0]: each[1].strip() for each in lines if len(each) == 2}
