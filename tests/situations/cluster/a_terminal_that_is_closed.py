"""A program ends with its terminal, and its queue jobs with it; with nohup it stays.

Needs: pexpect

$ python a_terminal_that_is_closed.py
without nohup: ended by SIGHUP, the queue is empty
with nohup: [1, 4]
"""

import os
import signal
import subprocess
import sys
import time

import pexpect

import gridengine


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.02)


def square(x):
    open(f"started-{x}", "w").close()
    wait_for("go on")
    return x * x


def main():
    plain = pexpect.spawn(sys.executable, [__file__, "plain"], timeout=60)
    wait_for("started-1")
    plain.close(force=False)  # As the end of a session does, it hangs up.
    while plain.isalive():
        time.sleep(0.02)
    print("without nohup: ended by", signal.Signals(plain.signalstatus).name, end=", ")
    while subprocess.check_output(["qstat"]):
        time.sleep(0.1)
    print("the queue is empty")
    os.remove("started-1")
    kept = pexpect.spawn("nohup", [sys.executable, __file__, "kept"], timeout=60)
    wait_for("started-1")
    os.close(kept.child_fd)
    open("go on", "w").close()
    wait_for("values")
    with open("values") as file:
        print("with nohup:", file.read(), flush=True)
    os.waitpid(kept.pid, 0)
    os._exit(0)  # pexpect would close its terminal once more.


if len(sys.argv) > 1:
    values = gridengine.map(square, [1, 2])
    with open("unfinished", "w") as file:
        file.write(str(values))
    os.rename("unfinished", "values")
else:
    main()
