"""Under a limit of memory, an argument or a result that does not fit fails its own job, with words.

`ulimit -v` limits the address space of the program and of each worker, as `h_vmem` does in a queue
job. What is bytes takes its room twice when it is unpacked.

On: cores
Slow: it fills the memory that it may have

$ (ulimit -v 700000; python what_does_not_fit_in_memory_says_so.py)
JobDied: job 'argument' with ... died: out of memory (exit status 1)
needed 8...M of 68...M requested: ask for more memory (memory=, or h_vmem on a Grid Engine; ulimit -v here)
UnpackingError: ... 'result' cannot be rebuilt here: ShortOfMemory: no memory for 429M at once
MemoryError of the function's own
and after all that: 9
"""

import re

import gridengine
from gridengine.schedulers import ProcessScheduler

SIZE = 450_000_000
scheduler = ProcessScheduler(1)


def outcome(name: str, target: object, *args: object) -> object:
    job = gridengine.Job(target=target, args=args, name=name, scheduler=scheduler)
    job.start()
    return job.exception or job.result


def main() -> None:
    died = outcome("argument", len, b"x" * SIZE)
    print(f"{type(died).__name__}: {str(died).splitlines()[0]}")
    needed = re.search(r"needed \S+ of \S+ requested", str(died))
    advice = re.search(r"ask for more memory \(.*?\)", str(died))
    print(f"{needed and needed[0]}: {advice and advice[0]}")
    lost = outcome("result", bytes, SIZE)
    print(f"{type(lost).__name__}: {lost}")
    print(f"{type(outcome('greedy', bytearray, 10**10)).__name__} of the function's own")
    print("and after all that:", outcome("square", pow, 3, 2))


if __name__ == "__main__":
    with scheduler:
        main()
