"""Python's own options hold for the program, and do not break its workers.

On: cores
Slow: eight programs start, and tests/system/test_interpreter_flags.py looks at the same

$ for option in -O -OO -I -B -u -bb -E -s
> do echo "$option $(python $option options_of_python.py)"; done
-O [1, 4]
-OO [1, 4]
-I [1, 4]
-B [1, 4]
-u [1, 4]
-bb [1, 4]
-E [1, 4]
-s [1, 4]
"""

import gridengine


def square(x):
    return x * x


if __name__ == "__main__":
    print(gridengine.map(square, [1, 2]))
