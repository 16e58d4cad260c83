"""`breakpoint()` in a job: there is no keyboard, so it ends the job; in the program itself it works.

On: cores, cluster

$ python breakpoint_in_a_job.py >prompts
BdbQuit, from call 0 of halve
$ PYTHONBREAKPOINT=0 python breakpoint_in_a_job.py
[1.0, 2.0]
$ echo continue | python breakpoint_in_a_job.py here >prompts
1.0
"""

import bdb
import sys

import gridengine


def halve(x):
    breakpoint()
    return x / 2


def main():
    if "here" in sys.argv:
        return halve(2)
    try:
        return gridengine.map(halve, [2, 4], chunksize=2)
    except bdb.BdbQuit as error:
        return "BdbQuit, from call 0 of halve" if "call 0" in str(error.__notes__) else error


if __name__ == "__main__":
    # Where debuggers do not write.
    print(main(), file=sys.stderr)
