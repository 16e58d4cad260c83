"""A program, a folder and a module may have names with spaces and letters beyond ASCII.

On: cores, cluster

$ mkdir "my Größen, №1" && cp a_path_*.py "my Größen, №1/my prögram.py" && cp maß.py my*/
$ cd my* && python "my prögram.py"
['1 Öre', '2 Öre']
"""

import gridengine


def price(x):
    import maß

    return maß.with_unit(x)


if __name__ == "__main__":
    print(gridengine.map(price, [1, 2]))
