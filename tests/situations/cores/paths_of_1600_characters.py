"""Working directory, HOME and TMPDIR may be longer than a socket's name can be.

On: cores

$ python paths_of_1600_characters.py
[1, 4] True
"""

import os
import subprocess
import sys

import gridengine


def square(x):
    return x * x


if __name__ == "__main__" and len(sys.argv) == 1:
    for _ in range(8):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    here = os.getcwd()
    program = os.path.join(here, "program.py")
    with open(program, "w") as copy, open(sys.path[0] + "/" + os.path.basename(__file__)) as text:
        copy.write(text.read())
    for name in ("home", "tmp"):
        os.mkdir(name)
    environ = {**os.environ, "HOME": f"{here}/home", "TMPDIR": f"{here}/tmp"}
    subprocess.run([sys.executable, program, "again"], env=environ, check=True)
elif __name__ == "__main__":
    print(gridengine.map(square, [1, 2]), len(os.getcwd()) > 1600)
