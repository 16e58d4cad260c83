"""What does not fit `h_vmem` fails its own job, and says what was needed.

A text is encoded to be sent, so it needs its room twice. Bytes are not copied: 600 MB of them fit
1 GB.

Slow: sends some hundred megabytes

$ python what_does_not_fit_h_vmem_says_so.py
450 MB as the argument at h_vmem=500M: JobDied, out of memory, needed ...M of 500M requested
  ask for more memory (memory=, or h_vmem on a Grid Engine; ulimit -v here)
400 MB of text as the result at h_vmem=700M: JobDied, out of memory, needed ...M of 700M requested
  ask for more memory (memory=, or h_vmem on a Grid Engine; ulimit -v here)
600 MB of bytes as the result at h_vmem=1G: they are there
"""

import re

import gridengine
from gridengine.schedulers import GridEngineScheduler


def text(size: int) -> str:
    return "x" * size


def outcome(h_vmem: str, target: object, *args: object) -> object:
    with GridEngineScheduler(max_workers=1, h_vmem=h_vmem) as scheduler:
        job = gridengine.Job(target=target, args=args, scheduler=scheduler)
        job.start()
        return job.exception or job.result


def say(what: str, outcome: object) -> None:
    if isinstance(outcome, gridengine.JobDied):
        needed = re.search(r"needed \S+ of \S+ requested", str(outcome))
        print(f"{what}: JobDied, {outcome.cause.value}, {needed and needed[0]}")
        advice = re.search(r"ask for more memory \(.*?\)", outcome.advice)
        print(f"  {advice[0] if advice else outcome}")
    else:
        print(f"{what}: {'they are there' if outcome == bytes(600_000_000) else outcome}")


if __name__ == "__main__":
    say("450 MB as the argument at h_vmem=500M", outcome("500M", len, bytes(450_000_000)))
    say("400 MB of text as the result at h_vmem=700M", outcome("700M", text, 400_000_000))
    say("600 MB of bytes as the result at h_vmem=1G", outcome("1G", bytes, 600_000_000))
