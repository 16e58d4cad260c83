"""`breakpoint()` in a job: there is no keyboard, so it ends the job; in the program itself it works.

On: cores, cluster

$ python breakpoint_in_a_job.py 2>&1 | grep -v -e '^> ' -e '^-> ' -e '^(Pdb)'
BdbQuit, from call 0 of halve
$ PYTHONBREAKPOINT=0 python breakpoint_in_a_job.py
[1.0, 2.0]
$ echo continue | python breakpoint_in_a_job.py here | tail -1
(Pdb) 1.0
"""

import bdb
import sys

import gridengine


def halve(x):
    breakpoint()
    return x / 2


if __name__ == "__main__":
    if "here" in sys.argv:
        print(halve(2))
    else:
        try:
            print(gridengine.map(halve, [2, 4], chunksize=2))
        except bdb.BdbQuit as error:
            print("BdbQuit, from call 0 of halve" if "call 0" in str(error.__notes__) else error)
