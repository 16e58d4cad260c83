"""A map on the cores needs no HOME, none that exists, and none that can be written.

On: cores

$ unset HOME; python no_home.py
[1, 4]
$ HOME=/nonexistent python no_home.py
[1, 4]
$ HOME=/proc python no_home.py
[1, 4]
"""

import gridengine


def square(x):
    return x * x


if __name__ == "__main__":
    print(gridengine.map(square, [1, 2]))
