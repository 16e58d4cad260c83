"""``FOLDER qsub|qstat|qdel …``: what PBS Professional's guide shows of them."""

from __future__ import annotations

import argparse
import json
import re
import sys

from batch import Batch

SERVER = "pbs-server"


def qsub(folder: str, given: list[str]) -> None:
    parser = argparse.ArgumentParser("qsub")
    parser.add_argument("-N", required=True)
    parser.add_argument("-J")
    parser.add_argument("-r", choices="yn")
    parser.add_argument("-l", action="append", required=True)
    for option in ("-q", "-A", "-P", "-S", "-j", "-o"):
        parser.add_argument(option)
    told = parser.parse_args(given)
    if told.q == "nosuch":
        sys.exit("qsub: Unknown queue")
    if not re.fullmatch(r"[A-Za-z][\w.+-]{0,229}", told.N):
        sys.exit("qsub: illegal -N value")
    if told.J and (told.r == "n" or told.J == "1-1"):
        sys.exit("qsub: illegal -J value")
    assert told.l[0].startswith("select=1:ncpus="), told.l
    script = sys.stdin.read()
    with Batch.opened(folder) as batch:
        number = batch.next
        facts = {"asked": told.l, "name": told.N}
        if told.J is None:
            name = f"{number}.{SERVER}"
            batch.add(name, script, {"PBS_JOBID": name}, **facts)
        else:
            name = f"{number}[].{SERVER}"
            first, last = map(int, told.J.split("-"))
            for index in range(first, last + 1):
                own = f"{number}[{index}].{SERVER}"
                variables = {"PBS_JOBID": own, "PBS_ARRAY_INDEX": str(index), "PBS_ARRAY_ID": name}
                batch.add(own, script, variables, array=name, **facts)
        batch.next += 1
    print(name)


def qstat(folder: str, given: list[str]) -> None:
    assert given[:3] == ["-f", "-F", "json"], given
    history, names = "-x" in given, [each for each in given[3:] if not each.startswith("-")]
    if history and _has(folder, "no-history"):
        sys.exit("qstat: PBS is not configured to maintain job history 1234")
    shown, status = {}, 0
    with Batch.opened(folder) as batch:
        for asked in names:
            found = {n: j for n, j in batch.jobs.items() if asked in (n, j.get("array"))}
            if not history:
                found = {n: j for n, j in found.items() if j["state"] != "over"}
            if not found:
                print(f"qstat: Unknown Job Id {asked}", file=sys.stderr)
                status = 153
            for name, job in found.items():
                shown[name] = as_shown(job)
    top = {"timestamp": 1682496699, "pbs_version": "2021.1.3", "pbs_server": SERVER}
    print(json.dumps({**top, "Jobs": shown}, indent=4))
    sys.exit(status)


def as_shown(job: dict) -> dict:
    shown = {
        "Job_Name": job["name"],
        "Job_Owner": "user@login",
        "job_state": {"pending": "Q", "running": "R", "over": "F"}[job["state"]],
        "queue": "workq",
        "server": SERVER,
        "Resource_List": {"ncpus": 1, "mem": "4194304kb", "select": "1:ncpus=1"},
    }
    if job.get("array") and job["state"] == "over":
        shown["job_state"] = "X"
    if job.get("held"):
        shown |= {"job_state": "H", "comment": "job held, too many failed attempts to run"}
    elif job["state"] == "pending":
        shown["comment"] = "Not Running: Insufficient amount of resource: ncpus"
    if job["state"] == "over" and job["status"] is not None:
        status = job["status"]
        shown["Exit_status"] = status + 128 if status > 128 else status
        shown["resources_used"] = {"mem": "5008kb", "vmem": "196804kb", "walltime": "00:01:17"}
    return shown


def qdel(folder: str, given: list[str]) -> None:
    with Batch.opened(folder) as batch:
        for name in given:
            batch.kill(name)


def _has(folder: str, name: str) -> bool:
    with Batch.opened(folder) as batch:
        return (batch.folder / name).exists()


if __name__ == "__main__":
    {"qsub": qsub, "qstat": qstat, "qdel": qdel}[sys.argv[2]](sys.argv[1], sys.argv[3:])
