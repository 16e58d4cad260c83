"""A job on a node has the program's umask and arguments, and PWD says where it is.

$ umask 027; python umask_argv_and_pwd.py one two
mode of a new file  0o640
arguments           ['one', 'two']
PWD is the cwd      True
the program's       True
after a chdir       True
"""

import os
import sys

import gridengine


def make(name):
    open(name, "w").close()
    return oct(os.stat(name).st_mode & 0o777)


if __name__ == "__main__":
    print("mode of a new file ", *gridengine.map(make, ["file"]))
    print("arguments          ", *gridengine.map(lambda _: sys.argv[1:], [0]))
    [(pwd, cwd)] = gridengine.map(lambda _: (os.environ["PWD"], os.getcwd()), [0])
    print("PWD is the cwd     ", pwd == cwd)
    print("the program's      ", cwd == os.getcwd())
    os.chdir("..")
    print("after a chdir      ", gridengine.map(lambda _: os.getcwd(), [0]) == [os.getcwd()])
