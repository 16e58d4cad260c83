"""A pipe that any child inherits comes to its end, for no worker holds it open.

On: cores

$ timeout 20 python a_pipe_that_a_child_would_inherit.py
workers are there: 2
the pipe has ended: True
"""

import os

import gridengine

if __name__ == "__main__":
    read, write = os.pipe()
    os.set_inheritable(write, True)
    with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        values = gridengine.map(abs, [-1, -2], scheduler=scheduler)
        print("workers are there:", len(values))
        os.close(write)
        print("the pipe has ended:", os.read(read, 1) == b"")
