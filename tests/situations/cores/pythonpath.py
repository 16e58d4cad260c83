"""Modules that PYTHONPATH leads to are imported by workers too.

On: cores, cluster

$ mkdir lib && echo 'def half(x): return x / 2' > lib/halves.py
$ PYTHONPATH=lib python pythonpath.py
[0.5, 1.0]
$ mkdir sub && cp pythonpath.py sub/ && cd sub && PYTHONPATH=.:../lib python pythonpath.py
[0.5, 1.0]
"""

import halves

import gridengine

print(gridengine.map(halves.half, [1, 2]))
