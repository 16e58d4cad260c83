"""`coverage run` measures the program, and does not break its workers.

On: cores
Needs: coverage
Slow: two programs start, and all that they do is noted

$ coverage run coverage_of_a_program.py
[1, 4]
$ coverage report | grep -c coverage_of_a_program.py
1
$ printf '[run]\\nconcurrency = multiprocessing,thread\\nparallel = true\\n' > .coveragerc
$ coverage run coverage_of_a_program.py
[1, 4]
"""

import gridengine


def square(x):
    return x * x


if __name__ == "__main__":
    print(gridengine.map(square, [1, 2]))
