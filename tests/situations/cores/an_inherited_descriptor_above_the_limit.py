"""What a program has inherited is above its limit of open files, and does not reach its workers.

On: cores

$ exec 200>inherited; ulimit -n 128; python an_inherited_descriptor_above_the_limit.py
the program has it: True
a worker has it: False
$ ulimit -n 64; python an_inherited_descriptor_above_the_limit.py
the program has it: False
a worker has it: False
"""

import os

import gridengine


def has_it(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    print("the program has it:", has_it(200))
    print("a worker has it:", gridengine.map(has_it, [200])[0])
