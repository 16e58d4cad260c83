"""A program whose standard streams are closed has its values, and its jobs print to nowhere.

On: cores

$ python standard_output_is_closed.py >&-
[0, 2, 4]
$ python standard_output_is_closed.py >&- <&-
[0, 2, 4]
$ python standard_output_is_closed.py >&- <&- 2>&-
$ cat values
[0, 2, 4]
"""

import sys

import gridengine


def double(x):
    print("a job prints")
    return 2 * x


if __name__ == "__main__":
    values = gridengine.map(double, range(3))
    with open("values", "w") as file:
        print(values, file=file)
    if sys.stderr is not None:
        print(values, file=sys.stderr)
