"""With `-W error` and `-X dev`, nothing of gridengine's own warns, though schedulers come and go.

On: cores, cluster

$ python -W error warnings_as_errors.py
[1, 4] 9
[1, 4] 9
$ python -X dev -W error -bb warnings_as_errors.py
[1, 4] 9
[1, 4] 9
"""

import gc

import gridengine


def square(x):
    return x * x


def main():
    with gridengine.schedulers.best_available() as scheduler:
        values = gridengine.map(square, [1, 2], scheduler=scheduler)
        job = gridengine.Job(target=square, args=(3,), scheduler=scheduler)
        job.start()
        print(values, job.result)


if __name__ == "__main__":
    main()
    gc.collect()  # What was left open would warn now.
    main()
