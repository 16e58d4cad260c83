"""The shell script by which a queue job starts its Python.

An interpreter that needs a variable to start cannot read it from the launch file; and the
environment of a queue job, in which it could travel otherwise, every user of a cluster can read
(``qstat -j``). So it stands in a file of the private folder.
"""

from __future__ import annotations

import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What the loader and the interpreter look at before the first line of Python runs. All else is
#: set by the supervisor, from the launch file.
_NEEDED = ("LD_LIBRARY_PATH", "PYTHONHOME")


def start_script(
    command: Sequence[str], environ: Mapping[str, str], *, isolated: bool = False
) -> str:
    """Returns a script that runs a command, with its own arguments behind, as if here.

    Args:
        command: The program and its first arguments.
        environ: The program's own environment.
        isolated: Whether the interpreter is told to pass over what is meant for it there
            (``-E``, ``-I``).
    """
    settings = [
        f"{name}={shlex.quote(environ[name])}; export {name}"
        for name in _NEEDED
        if name in environ and not (isolated and name.startswith("PYTHON"))
    ]
    return "\n".join(["#!/bin/sh", *settings, f'exec {shlex.join(command)} "$@"', ""])
