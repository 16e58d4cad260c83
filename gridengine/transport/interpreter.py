"""The flags with which this interpreter was started, for those that it starts.

``python -I`` shall not read ``PYTHONPATH``, in the processes that work for it as little as itself.
Imported before the first worker of a program is on its way.
"""

from __future__ import annotations

import os
import sys

#: What `subprocess` makes arguments of, beside `sys.warnoptions` and `sys._xoptions`.
_FLAGS = (
    "debug",
    "optimize",
    "dont_write_bytecode",
    "no_user_site",
    "no_site",
    "ignore_environment",
    "verbose",
    "bytes_warning",
    "quiet",
    "isolated",
    "dev_mode",
    "safe_path",
)


def flags(*, inherits: bool = False) -> list[str]:
    """Returns the arguments by which another interpreter gets the flags of this one.

    They are those that `multiprocessing` gives to what it spawns: ``-I -E -s -P -S -B -O -b -d -q
    -v -W`` and some of ``-X``; not ``-u``, which Python does not tell.

    Args:
        inherits: Whether it has this one's environment, too.
    """
    differing = {name for name in _FLAGS if getattr(sys.flags, name, 0)}
    if inherits and os.environ.get("PYTHONDONTWRITEBYTECODE"):
        # As in many a container: it need not wait until `subprocess` is imported.
        differing -= {"dont_write_bytecode"}
    if not (differing or sys.warnoptions or getattr(sys, "_xoptions", None)):
        return []
    # It takes milliseconds to import.
    from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]

    arguments: list[str] = _args_from_interpreter_flags()
    return arguments


def isolation() -> list[str]:
    """Returns, of `flags`, what says from where modules are taken.

    For processes that run nobody's code but this package's.
    """
    if sys.flags.isolated:
        return ["-I"]
    return [
        option
        for option, name in (
            ("-E", "ignore_environment"),
            ("-s", "no_user_site"),
            ("-P", "safe_path"),
        )
        if getattr(sys.flags, name, 0)
    ]
