"""A map shows how far it is, by an argument or by a variable; a log gets lines instead of a bar.

On: cores, cluster
Needs: tqdm, pexpect

$ python progress_of_a_map.py yes
log: 8/8 (100 %) [...calls/s, 2 failed]
[0, 1, 4, 9, 16, 25]
$ GRIDENGINE_PROGRESS=1 python progress_of_a_map.py
[0, 1, 4, 9, 16, 25]
$ GRIDENGINE_PROGRESS=1 python -c "import pexpect; print(pexpect.run('python progress_of_a_map.py').decode())" | grep -c '100%.* 8/8 .*2 failed'
1
"""

import sys

import gridengine


def square(x):
    if x > 5:
        raise ValueError(x)
    return x * x


if __name__ == "__main__":
    asked = {"progress": "log"} if len(sys.argv) > 1 else {}
    got = gridengine.map(square, range(8), reraise=False, **asked)
    print([value for value in got if not gridengine.raised(value)])
