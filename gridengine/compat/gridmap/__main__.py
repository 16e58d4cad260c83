"""``python -m gridengine.compat.gridmap (SCRIPT | -m MODULE) [ARGUMENTS ...]``.

Runs a program as Python does, with ``import gridmap`` finding `gridengine.compat.gridmap`.
"""

from __future__ import annotations

import os
import runpy
import sys

from .names import install

_USAGE = "usage: python -m gridengine.compat.gridmap (SCRIPT | -m MODULE) [ARGUMENTS ...]\n"


def main() -> None:
    """Runs the program that the command line names.

    Raises:
        SystemExit: It names none; or as the program has it.
    """
    arguments = sys.argv[1:]
    is_module = arguments[:1] == ["-m"]
    program = arguments[is_module : is_module + 1]
    if not program or (program[0].startswith("-") and not is_module):
        sys.stderr.write(_USAGE)
        raise SystemExit(0 if program in (["-h"], ["--help"]) else 2)
    install()
    sys.argv = arguments[is_module:]
    if is_module:
        runpy.run_module(program[0], run_name="__main__", alter_sys=True)
        return
    # Where Python would look for the program's own modules; with ``-m`` that is this folder. It
    # would look in neither with ``-P`` or ``-I``.
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = os.path.dirname(os.path.realpath(program[0]))
    runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    main()
