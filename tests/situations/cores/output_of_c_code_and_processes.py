"""What C code and other processes of a job print is seen and kept, and goes to a log where asked.

On: cores, cluster

$ python output_of_c_code_and_processes.py 2> err | sort; cat err
by C
by Python
by another process
kept: 3 lines
$ cat logs/*.log | sort
by C
by Python
by another process
to standard error
$ python output_of_c_code_and_processes.py 2>&1 | true
$ GRIDENGINE_OUTPUT=discard python output_of_c_code_and_processes.py
kept: 0 lines
"""

import ctypes
import subprocess
import sys

import gridengine


def talk(fails):
    print("by Python")
    ctypes.CDLL(None).puts(b"by C")
    subprocess.run(["echo", "by another process"])
    if fails:
        print("to standard error", file=sys.stderr)
        raise ValueError


if __name__ == "__main__":
    job = gridengine.Job(target=talk, args=(False,))
    job.start()
    job.join()
    print("kept:", len(job.output.splitlines()), "lines")
    for fails in (False, True):
        job = gridengine.Job(
            target=talk, args=(fails,), logs="logs", keep_logs=False, output="collect"
        )
        job.start()
        assert (job.exception is None) is not fails
