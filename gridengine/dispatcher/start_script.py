"""The shell script by which a queue job starts its Python.

An interpreter that needs a variable to start cannot read it from the launch file; and the
environment of a queue job, in which it could travel otherwise, every user of a cluster can read
(``qstat -j``). So it stands in a file of the private folder. On the node something else may lie
there, so the queue job's shell looks at that folder before it reads it.
"""

from __future__ import annotations

import os
import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What the loader and the interpreter look at before the first line of Python runs. All else is
#: set by the supervisor, from the launch file.
_NEEDED = ("LD_LIBRARY_PATH", "PYTHONHOME")

#: What a queue job's shell does, with the script as ``$0``. What it is in is what it has looked at,
#: whatever another user renames: into a folder that is this user's alone nobody else can put a
#: script. A link may still lead to another private folder of this user's, so the name of the
#: script is one that no other file has. Special bits may be inherited; an access control list that
#: lets others in shows as bits of the group. A shell without ``-O``, which is not of POSIX but is
#: in dash, bash, ksh, zsh, busybox and that of FreeBSD, runs nothing.
_RUN = (
    'cd -P "${0%/*}" && [ -O . ] && '
    "case $(PATH=/bin:/usr/bin:${PATH:-/bin} ls -ldn .) "
    "in d???--[-S]--[-T]*) ;; *) false ;; esac && "
    '[ -f "./${0##*/}" ] && . "./${0##*/}"; '
    'echo "gridengine: nothing is run, for ${0%/*} is not on this host, or has no start script, or '
    "is not a folder of this user's with mode 700: all hosts must see the same folder there "
    '(GRIDENGINE_RUN_DIR)" >&2; exit 1'
)


def script_in(folder: str) -> str:
    """Returns where the script of a program lies whose private folder this is.

    The name has that of the folder, and so the program's, for nothing else is to be found by it.
    """
    return os.path.join(folder, f"start-{os.path.basename(folder)}")


def start_command(script: str, *arguments: str) -> Sequence[str]:
    """Returns what a queue job runs: a script in a folder of this user's alone, or nothing.

    Args:
        script: Its absolute path.
        arguments: They are handed to it.
    """
    return ["/bin/sh", "-c", _RUN, script, *arguments]


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
    # Nobody shall keep the program's folder from being removed by standing in it.
    return "\n".join(["cd /", *settings, f'exec {shlex.join(command)} "$@"', ""])
