"""mypy, in its strict mode, understands programs, and finds their mistakes.

On: cores
Needs: mypy
Slow: mypy reads much, and tests/test_typing.py asks the same of it

$ export MYPYPATH=$(dirname $(dirname $(python -c 'import gridengine; print(gridengine.__file__)')))
> python -m mypy --strict --follow-imports=silent --cache-dir=cache types_are_checked.py
Success: no issues found in 1 source file
$ export MYPYPATH=$(dirname $(dirname $(python -c 'import gridengine; print(gridengine.__file__)')))
> sed 's/# a mistake: //' types_are_checked.py > wrong.py
> python -m mypy --strict --follow-imports=silent --cache-dir=cache wrong.py
wrong.py:...: error: ...
wrong.py:...: error: "Count" has no attribute "tasks"...
Found ... errors in 1 file (checked 1 source file)
[status 1]
"""

from __future__ import annotations

import gridengine


def length(text: str) -> int:
    return len(text)


class Count(gridengine.Job):
    """A subclass, as of a thread."""

    def run(self) -> int:
        return 3


def main() -> None:
    numbers: list[int] = gridengine.map(length, ["a", "bc"])
    # a mistake: texts: list[str] = gridengine.map(length, ["a", "bc"])
    with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        job = gridengine.Job(target=length, args=("a",), scheduler=scheduler)
        job.start()
        count = Count(scheduler=scheduler)
        count.start()
        # a mistake: count.tasks()
        print(sum(numbers), job.result, count.result, job.exception, job.host)
        with gridengine.JobDispatcher(scheduler) as dispatcher:
            dispatcher.dispatch([gridengine.Job(target=length, args=("a",))])
            print(dispatcher.join())


if __name__ == "__main__":
    main()
