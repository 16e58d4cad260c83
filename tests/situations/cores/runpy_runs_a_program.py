"""A program that another one runs with runpy, or with exec, is a program too.

On: cores

$ python -c 'import runpy; runpy.run_path("runpy_runs_a_program.py", run_name="__main__")'
__main__ [1, 4]
$ python -c 'import runpy; runpy.run_path("runpy_runs_a_program.py")'
<run_path> [1, 4]
$ python -c 'import runpy; runpy.run_module("runpy_runs_a_program", run_name="__main__")'
__main__ [1, 4]
$ python -c 'exec(open("runpy_runs_a_program.py").read(), {"__name__": "elsewhere"})'
elsewhere [1, 4]
"""

import gridengine

POWER = 2


def square(x):
    return x**POWER


print(__name__, gridengine.map(square, [1, 2]))
