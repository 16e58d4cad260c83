"""A module that is edited and reloaded: from then on no worker runs what the program has no more.

`first` calls `second`, which alone is edited.

On: cores, cluster

$ python importlib_reload.py
as it was          [1, 1, 1, 1, 1, 1, 1, 1]
edited, reloaded   [20, 20, 20, 20, 20, 20, 20, 20]
a job              20
imported again     [3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000]
"""

import importlib
import sys
from pathlib import Path

import gridengine

# What is edited twice within a second Python would take for the same.
sys.dont_write_bytecode = True

SECOND = Path("second.py")


def main():
    Path("first.py").write_text("import second\ndef f(x): return second.g()\n")
    SECOND.write_text("def g(): return 1\n")
    import first
    import second

    def show(what):
        print(f"{what:18}", gridengine.map(first.f, range(8), chunksize=1))

    show("as it was")
    SECOND.write_text("def g(): return 20\n")
    importlib.reload(second)
    show("edited, reloaded")
    job = gridengine.Job(target=first.f, args=(0,))
    job.start()
    print("a job             ", job.result)
    SECOND.write_text("def g(): return 3000\n")
    del sys.modules["second"]
    importlib.import_module("second")
    importlib.reload(first)
    show("imported again")


if __name__ == "__main__":
    main()
