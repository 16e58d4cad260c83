"""A program that Python reads from standard input has functions too.

On: cores

$ python - < a_program_from_standard_input.py
[2, 4, 6]
$ cat a_program_from_standard_input.py | python
[2, 4, 6]
"""

import gridengine

FACTOR = 2


def times(x):
    return x * FACTOR


print(gridengine.map(times, [1, 2, 3]))
