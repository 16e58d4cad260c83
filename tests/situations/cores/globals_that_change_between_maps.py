"""What the program sets between two maps, the second one sees.

On: cores, cluster

$ python globals_that_change_between_maps.py
[1, 2]
[10, 20]
[('list', [1, 2]), ('list', [1, 2])]
[('list', [1, 2, 3]), ('list', [1, 2, 3])]
[100, 200]
"""

import gridengine

factor = 1
items = [1, 2]


def times(x):
    return x * factor


def shown(x):
    return "list", items


if __name__ == "__main__":
    print(gridengine.map(times, [1, 2]))
    factor = 10
    print(gridengine.map(times, [1, 2]))
    print(gridengine.map(shown, [1, 2]))
    items.append(3)
    print(gridengine.map(shown, [1, 2]))

    def times(x):
        return 100 * x

    print(gridengine.map(times, [1, 2]))
