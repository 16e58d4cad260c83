"""A class and a name will do as scheduler; of what will not do it is said what to write.

On: cores
Needs: numpy

$ python what_is_not_what_it_looks_like.py
[1]
[1]
ValueError: scheduler is 'proces'; the names are 'process', 'grid_engine', 'slurm', 'inline', 'htcondor', 'lsf', 'pbs'; did you mean 'process'?
TypeError: scheduler is <function <lambda>...>, which made 5; make one: ...
TypeError: scheduler is 4, which is none; make one: gridengine.schedulers.ProcessScheduler() ...
TypeError: dispatch() takes jobs, but number 0 is <built-in function abs>; a call becomes one by gridengine.Job(target=..., args=...)
TypeError: dispatch() takes an iterable of jobs: dispatch([job]) for one of them
TypeError: resources is '4G'; it takes a dict of requests, such as {"h_vmem": "4G"}
TypeError: max_workers is '2'; it takes a whole number
ProcessScheduler(max_workers=2)
"""

import numpy

import gridengine
from gridengine import Job, JobDispatcher
from gridengine.schedulers import ProcessScheduler


def show(attempt):
    try:
        print(attempt())
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    show(lambda: gridengine.map(abs, [1], scheduler=ProcessScheduler))
    show(lambda: gridengine.map(abs, [1], scheduler="process"))
    show(lambda: Job(target=abs, args=(1,), scheduler="proces"))
    show(lambda: JobDispatcher(lambda: 5))
    show(lambda: JobDispatcher(4))
    show(lambda: JobDispatcher().dispatch([abs]))
    show(lambda: JobDispatcher().dispatch(Job(target=abs, args=(1,))))
    show(lambda: Job(target=abs, args=(1,), resources="4G"))
    show(lambda: ProcessScheduler("2"))
    show(lambda: ProcessScheduler(numpy.int64(2)))
