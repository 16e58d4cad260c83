"""A Python that starts only with LD_LIBRARY_PATH, as of `module load`, starts on the nodes too.

Site: library-path, submit-nodes

$ LD_LIBRARY_PATH= python -c ""
python: error while loading shared libraries: libpython...: cannot open...
[status 127]
$ python a_python_that_needs_a_library_path_starts_on_the_nodes.py
LD_LIBRARY_PATH on the node as here: True
what others can read of the queue job has it: False
"""

import os
import subprocess

import gridengine


def library_path(x):
    told = subprocess.run(
        ["qstat", "-j", os.environ["JOB_ID"]], capture_output=True, text=True, check=True
    )
    return os.environ["LD_LIBRARY_PATH"], "LD_LIBRARY_PATH" in told.stdout


if __name__ == "__main__":
    [(path, public)] = gridengine.map(library_path, [1])
    print("LD_LIBRARY_PATH on the node as here:", path == os.environ["LD_LIBRARY_PATH"])
    print("what others can read of the queue job has it:", public)
