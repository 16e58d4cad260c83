"""The first map of the README.

$ python readme_map.py
[0, 1, 4, 9]
"""

import gridengine


def square(x):
    return x * x


if __name__ == "__main__":
    print(gridengine.map(square, range(4)))
