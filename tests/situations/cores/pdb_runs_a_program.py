"""A map in a program that pdb runs, and one that is typed at pdb's prompt.

On: cores

$ printf 'break 21\\ncontinue\\np gridengine.map(square, [5, 6])\\ncontinue\\nquit\\n' > typed
$ python -m pdb pdb_runs_a_program.py < typed 2>&1 | grep -o '\\[[0-9, ]*\\]'
[25, 36]
[1, 4]
"""

import gridengine


def square(x):
    return x * x


def main():
    numbers = [1, 2]
    # pdb is to stop in this function, in line 21.
    print(gridengine.map(square, numbers))


if __name__ == "__main__":
    main()
