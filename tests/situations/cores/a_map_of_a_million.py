"""A map of a million calls, drawn from a generator.

$ python a_map_of_a_million.py
1000000 True
"""

import gridengine


def square(x):
    return x * x


if __name__ == "__main__":
    values = gridengine.map(square, (x for x in range(1_000_000)))
    print(len(values), values == [x * x for x in range(1_000_000)])
