"""A program can be profiled: cProfile's `__main__` is not the program's.

On: cores

$ python -m cProfile -o stats profiled_by_cprofile.py
[1, 4]
$ python -m pstats stats <<< 'stats profiled_by.*main' | grep -c '(main)'
1
"""

import gridengine


def square(x):
    return x * x


def main():
    print(gridengine.map(square, [1, 2]))


if __name__ == "__main__":
    main()
