"""``FOLDER bsub|bjobs|bkill …``: what the reference of LSF 10.1 shows of them."""

from __future__ import annotations

import argparse
import json
import re
import sys

from batch import Batch


def bsub(folder: str, given: list[str]) -> None:
    parser = argparse.ArgumentParser("bsub")
    parser.add_argument("-J", required=True)
    parser.add_argument("-rn", action="store_true")
    parser.add_argument("-R", action="append", default=[])
    for option in ("-q", "-P", "-W", "-M", "-n", "-o"):
        parser.add_argument(option)
    told = parser.parse_args(given)
    if told.q == "nosuch":
        sys.exit("nosuch: No such queue. Job not submitted.")
    array = re.fullmatch(r"([\w.-]+)\[1-(\d+)\]", told.J)
    assert array is not None, told.J
    if int(array[2]) > 1000:
        sys.exit("Job array index too large. Job not submitted.")
    script = sys.stdin.read()
    with Batch.opened(folder) as batch:
        number = batch.next
        for index in range(1, int(array[2]) + 1):
            variables = {"LSB_JOBID": str(number), "LSB_JOBINDEX": str(index)}
            batch.add(f"{number}[{index}]", script, variables, asked=given)
        batch.next += 1
    print(f"Job <{number}> is submitted to queue <{told.q or 'normal'}>.")


def bjobs(folder: str, given: list[str]) -> None:
    assert given[:2] == ["-a", "-o"], given
    assert given[3] == "-json", given
    fields, numbers = given[2].split(), given[4:]
    records, status = [], 0
    with Batch.opened(folder) as batch:
        for number in numbers:
            found = {n: j for n, j in batch.jobs.items() if n.startswith(f"{number}[")}
            if not found:
                records.append({"JOBID": number, "ERROR": f"Job <{number}> is not found"})
                status = 255
            for name, job in found.items():
                whole = as_shown(name, job)
                records.append({field.upper(): whole[field] for field in fields})
    print(json.dumps({"COMMAND": "bjobs", "JOBS": len(records), "RECORDS": records}, indent=2))
    sys.exit(status)


def as_shown(name: str, job: dict) -> dict:
    number, index = name.rstrip("]").split("[")
    state, status = job["state"], job.get("status")
    stat = {"pending": "PEND", "running": "RUN"}.get(state) or ("EXIT" if status != 0 else "DONE")
    killed = state == "over" and "killed" in job
    return {
        "jobid": number,
        "jobindex": index,
        "stat": "PSUSP" if job.get("held") else stat,
        "exit_code": str(status) if stat == "EXIT" and status is not None else "",
        "exit_reason": "TERM_OWNER: job killed by owner" if killed else "",
        "pend_reason": "New job is waiting for scheduling;" if state == "pending" else "",
        "run_time": "77 second(s)" if "started" in job else "",
        "max_mem": "4.9 Mbytes" if state == "over" else "",
    }


def bkill(folder: str, given: list[str]) -> None:
    status = 0
    with Batch.opened(folder) as batch:
        for name in given:
            if batch.jobs[name]["state"] == "over":
                print(f"Job <{name}>: Job has already finished", file=sys.stderr)
                status = 255
            else:
                batch.kill(name)
                print(f"Job <{name}> is being terminated")
    sys.exit(status)


if __name__ == "__main__":
    {"bsub": bsub, "bjobs": bjobs, "bkill": bkill}[sys.argv[2]](sys.argv[1], sys.argv[3:])
