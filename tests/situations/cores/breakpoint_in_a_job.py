"""`breakpoint()` in a job, which has no keyboard, says what to do; in the program itself it works.

On: cores, cluster

$ python breakpoint_in_a_job.py >prompts
breakpoint() in halve, ...breakpoint_in_a_job.py:23: a job has no keyboard. ...error.replay()...
$ PYTHONBREAKPOINT=pdb.set_trace python breakpoint_in_a_job.py >prompts
breakpoint() in halve, ...
$ PYTHONBREAKPOINT=builtins.print python breakpoint_in_a_job.py >prompts
[1.0, 2.0]
$ PYTHONBREAKPOINT=0 python breakpoint_in_a_job.py
[1.0, 2.0]
$ echo continue | python breakpoint_in_a_job.py here >prompts
1.0
"""

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
    except gridengine.BreakpointError as error:
        return error


if __name__ == "__main__":
    # Where debuggers do not write.
    print(main(), file=sys.stderr)
