"""A program that only maps leaves nothing; jobs are waited for at its end, daemons are not.

$ python the_end_of_a_program.py maps; find "$TMPDIR" "$HOME" -name '*gridengine-*' -o -name 'run-*'
[1, 2]
$ python the_end_of_a_program.py job; ls done
done
$ python the_end_of_a_program.py daemon; ls done
ls: cannot access 'done': No such file or directory
[status 2]
$ python the_end_of_a_program.py atexit
the end of the program
at exit: [3]
"""

import atexit
import pathlib
import sys
import time

import gridengine


def work(seconds):
    time.sleep(seconds)
    pathlib.Path("done").touch()


def maps():
    print(gridengine.map(abs, [-1, -2]))


def job():
    gridengine.Job(target=work, args=(1,)).start()


def daemon():
    pathlib.Path("done").unlink(missing_ok=True)
    gridengine.Job(target=work, args=(600,), daemon=True).start()


def at_exit():
    # Registered by the user after the import: it comes first, and everything still works.
    atexit.register(lambda: print("at exit:", gridengine.map(abs, [-3])))
    gridengine.map(abs, [1])
    print("the end of the program")


if __name__ == "__main__":
    {"maps": maps, "job": job, "daemon": daemon, "atexit": at_exit}[sys.argv[1]]()
