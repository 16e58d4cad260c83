"""Commands of a batch system whose queue jobs are processes of this host.

``fill(folder)`` puts ``qsub``, ``qstat``, ``qdel``, ``sbatch``, ``squeue`` and ``scancel`` there.
Each queue job is a file beside them; what ends is in no list any more, as on a real one. A file
``evil`` has names of queue jobs: each is in error once for each time that it is there.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMES = ("qsub", "qstat", "qdel", "sbatch", "squeue", "scancel")


def fill(folder: Path) -> dict[str, str]:
    """Puts the commands there; returns them as arguments of pools are called."""
    (folder / "jobs").mkdir(parents=True)
    for name in NAMES:
        path = folder / name
        # -S: they are started often.
        path.write_text(f"#!{sys.executable} -S\n{Path(__file__).read_text()}\nmain()\n")
        path.chmod(0o755)
    return {f"{name}_path": str(folder / name) for name in NAMES}


def standing(folder: Path) -> list[dict[str, Any]]:
    """Returns the queue jobs that wait or run."""
    jobs = [json.loads(path.read_text()) for path in sorted((folder / "jobs").iterdir())]
    return [job for job in jobs if job["state"] != "r" or _lives(job["pid"])]


def submitted(folder: Path) -> list[str]:
    """Returns the names of all queue jobs that there were, in their order."""
    return [json.loads(path.read_text())["name"] for path in sorted((folder / "jobs").iterdir())]


def kill(job: dict[str, Any]) -> None:
    """Ends the process of a queue job, and what it has started."""
    os.killpg(job["pid"], signal.SIGKILL)


def main() -> None:
    name = Path(sys.argv[0]).name
    folder = Path(sys.argv[0]).parent
    {"qsub": _qsub, "qstat": _qstat, "qdel": _delete, "sbatch": _sbatch, "squeue": _squeue,
     "scancel": _delete}[name](folder, sys.argv[1:])  # fmt: skip


def _options(arguments: list[str], known: set[str]) -> tuple[dict[str, str], list[str]]:
    found = {}
    while arguments and arguments[0].startswith("-"):
        option, value, *arguments = arguments
        assert option in known, option
        found[option] = value
    return found, arguments


def _qsub(folder: Path, arguments: list[str]) -> None:
    given, command = _options(arguments, {"-q", "-o", "-e", "-N", "-S"})
    assert not re.match(r"\d", given["-N"]), "a name that begins with a digit"
    _submit(folder, given["-N"], [given["-S"], *command], given["-o"], given["-e"], "")


def _sbatch(folder: Path, arguments: list[str]) -> None:
    known = {"--clusters", "--job-name", "--output", "--error", "--array"}
    given, command = _options(arguments, known)
    numbers: list[str] = [""]
    if "--array" in given:
        parts = given["--array"].partition("%")[0].split(",")
        ends = [(part.split("-")[0], part.split("-")[-1]) for part in parts]
        numbers = [str(n) for first, last in ends for n in range(int(first), int(last) + 1)]
    for number in numbers:
        out, errors = (given[each].replace("%a", number) for each in ("--output", "--error"))
        _submit(folder, given["--job-name"], command, out, errors, number)


def _submit(folder: Path, name: str, command: list[str], out: str, errors: str, task: str) -> None:
    number = len(list((folder / "jobs").iterdir())) + 1
    job = {"name": name, "number": number, "task": task, "state": "r", "pid": 0}
    evil = (folder / "evil").read_text().split() if (folder / "evil").exists() else []
    if (word := task or name.partition("#")[2]) in evil:
        evil.remove(word)
        (folder / "evil").write_text("\n".join(evil))
        job["state"] = "Eqw"
    else:
        with open(out, "wb") as stdout, open(errors, "wb") as stderr:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                start_new_session=True, env={**os.environ, "SLURM_ARRAY_TASK_ID": task},
            )  # fmt: skip
        job["pid"] = process.pid
    _write(folder, job)


def _write(folder: Path, job: dict[str, Any]) -> None:
    # At once: others read all that lies there at any time.
    new = folder / f"new-{os.getpid()}"
    new.write_text(json.dumps(job))
    new.rename(folder / "jobs" / f"{job['number']:06d}")


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _qstat(folder: Path, arguments: list[str]) -> None:
    assert arguments == ["-xml"], arguments
    entry = (
        "<job_list><JB_job_number>{number}</JB_job_number><JB_name>{name}</JB_name>"
        "<state>{state}</state></job_list>"
    )
    jobs = standing(folder)
    running = "".join(entry.format(**job) for job in jobs if job["state"] == "r")
    waiting = "".join(entry.format(**job) for job in jobs if job["state"] != "r")
    print(f"<?xml version='1.0'?>\n<job_info><queue_info>{running}</queue_info>"
          f"<job_info>{waiting}</job_info></job_info>")  # fmt: skip


def _squeue(folder: Path, arguments: list[str]) -> None:
    assert "--me" in arguments, arguments
    print("ACCOUNT|JOBID|NAME|STATE|REASON|PRIORITY|ARRAY_TASK_ID|ACCOUNT")
    for job in standing(folder):
        state, reason = ("RUNNING", "None") if job["state"] == "r" else ("PENDING", "JobHeldAdmin")
        number = f"{job['number']}_{job['task']}" if job["task"] else job["number"]
        print(f"me|{number}|{job['name']}|{state}|{reason}|0.5|{job['task']}|you")


def _delete(folder: Path, arguments: list[str]) -> None:
    path = folder / "jobs" / f"{int(arguments[-1].partition('_')[0]):06d}"
    job = json.loads(path.read_text())
    if job["pid"]:
        if not _lives(job["pid"]):
            sys.exit(f"job {arguments[-1]} does not exist")
        os.killpg(job["pid"], signal.SIGKILL)
    job["state"] = "r"
    _write(folder, job)
