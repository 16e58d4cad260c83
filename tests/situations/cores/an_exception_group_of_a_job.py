"""Groups of exceptions (of Python 3.11) arrive whole, for `except*` too.

On: cores
Needs: tomllib

$ python an_exception_group_of_a_job.py
ExceptionGroup several [ValueError(1), [KeyError('a')]] caught by except*
"""

import builtins

import gridengine

# As new as `tomllib`, which is above for that reason.
ExceptionGroup = builtins.ExceptionGroup


def fail(x):
    inner = ExceptionGroup("inner", [KeyError("a")])
    raise ExceptionGroup("several", [ValueError(x), inner])


def shown(group):
    return [shown(e) if isinstance(e, ExceptionGroup) else e for e in group.exceptions]


if __name__ == "__main__":
    try:
        gridengine.map(fail, [1])
    except ExceptionGroup as group:
        values, others = group.split(ValueError)
        by = "except*" if values and others else "nobody"
        print(type(group).__name__, group.message, shown(group), "caught by", by)
