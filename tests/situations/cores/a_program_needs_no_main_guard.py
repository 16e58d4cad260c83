"""A script may map at its top level: workers do not run it again.

$ python a_program_needs_no_main_guard.py
the script runs
[0, 1, 4, 9]
"""

import gridengine

print("the script runs")


def square(x):
    return x * x


print(gridengine.map(square, range(4)))
