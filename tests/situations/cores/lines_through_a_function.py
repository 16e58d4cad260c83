"""From the shell each line of a file is given to a function of a program, which knows nothing of it.

On: cores, cluster
Slow: the command starts several times, as in tests/cli/test_map_command.py

$ seq 3 | gridengine map lines_through_a_function.py:square
1
4
9
$ printf '1\\nx\\n\\n"a"' | gridengine map lines_through_a_function.py:square --keep-going -o squares
{"line": 2, "error": "it is no JSON: ..."}
{"line": 4, "error": "TypeError: ...", "traceback": "Traceback..."}
gridengine: 2 of 3 lines failed
[status 3]
$ cat squares
1
$ echo 'a b' | gridengine map str:upper
gridengine: there is no module 'str' here, nor in sys.path
[status 1]
$ echo 'a b' | gridengine map builtins:str.upper --text --raw
A B
$ seq 100000 | gridengine map lines_through_a_function.py:square | head -2
1
4
$ gridengine run --workers 2 lines_through_a_function.py 3
[9]
"""

import sys

import gridengine


def square(number):
    return number * number


if __name__ == "__main__":
    print(gridengine.map(square, map(int, sys.argv[1:])))
