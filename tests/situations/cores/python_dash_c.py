"""What is defined on the command line can be a job.

On: cores, cluster

$ python -c 'import gridengine; print(gridengine.map(lambda x: x + 1, [1, 2]))'
[2, 3]
$ python -c 'import gridengine
> FACTOR = 3
> def times(x):
>     return x * FACTOR
> print(gridengine.map(times, [1, 2]))'
[3, 6]
"""
