"""What a queue job runs: a program that sets all as it was where the map was called.

It is a text by itself, for the batch system may run it under any Python that has gridengine. The
environment comes first, before any module is imported that may look at it; what the dynamic linker
reads counts from the next start of the interpreter only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

#: What ld.so(8) reads as a program starts.
_LINKER = "LD_LIBRARY_PATH"

_HEAD = """#!{python}
# Runs one chunk of a map of gridengine: its argument is the chunk's file.
import os
import sys

"""

_MAIN = """
path = {path!r}
# Another interpreter has a standard library of its own.
same = (sys.version, sys.prefix) == {interpreter!r}
sys.path[:] = path if same else [*sys.path[1:], *(each for each in path if each not in sys.path)]
try:
    os.chdir({cwd!r})
except OSError as error:
    sys.stderr.write(f"the program's working directory cannot be entered here: {{error}}\\n")

from gridengine.compat.queue_pools import node

sys.exit(node.main({tasks}))
"""

_ARRAY = 'os.path.join({folder!r}, "%09d.pkl" % int(os.environ["SLURM_ARRAY_TASK_ID"]))'


def script_of(python: str, environ: Mapping[str, str], array_in: str = "") -> str:
    """Returns the text.

    Args:
        python: The interpreter.
        environ: What is set there.
        array_in: The folder of the chunks, where the number of a task of an array says which one;
            else empty, and the file is the program's argument.
    """
    tasks = _ARRAY.format(folder=array_in) if array_in else "sys.argv[1]"
    # Of `python -c` and a prompt: where the program is.
    path = [entry or os.getcwd() for entry in sys.path]
    return (
        _HEAD.format(python=python)
        + _environment(environ)
        + _MAIN.format(
            path=path, interpreter=(sys.version, sys.prefix), cwd=os.getcwd(), tasks=tasks
        )
    )


def _environment(environ: Mapping[str, str]) -> str:
    # As Python writes it: whatever quotes, new lines or bytes are in a value.
    lines = [f"os.environ.update({dict(sorted(environ.items()))!r})\n"]
    if wanted := environ.get(_LINKER):
        lines = [
            f"linker = os.environ.get({_LINKER!r})\n",
            *lines,
            f"if linker != {wanted!r}:\n",
            "    os.execv(sys.executable, [sys.executable, *sys.argv])\n",
        ]
    return "".join(lines)


def script_of_module(python: str | None, module: str, name: str, environ: Mapping[str, str]) -> str:
    """Returns the text for a function that is known by its module and name alone.

    Only the standard library is imported, beside that module.
    """
    return (
        _HEAD.format(python=python or "/usr/bin/env python3")
        + _environment(environ)
        + _BY_MODULE.format(module=module, name=name)
    )


_BY_MODULE = """
import importlib
import pickle
import traceback

function = importlib.import_module({module!r})
for part in {name!r}.split("."):
    function = getattr(function, part)
with open(sys.argv[1], "rb") as file:
    tasks = pickle.load(file)
results = []
for number, task in enumerate(tasks):
    try:
        results.append(function(task))
    except Exception:
        sys.stderr.write(f"[task {{number: 3d}}, in chunk]\\n{{traceback.format_exc()}}")
        results.append(None)
with open(sys.argv[1] + ".out.tmp", "wb") as file:
    pickle.dump(results, file)
os.replace(sys.argv[1] + ".out.tmp", sys.argv[1] + ".out")
"""
