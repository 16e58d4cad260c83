"""The command of the doctor's queue job: a shell, and in it a Python, that tell what they see.

What they find comes back by three ways, of which one at least is open: the folder of the program,
its port, and the exit status, for which the batch system is asked.
"""

from __future__ import annotations

import base64
import json
import os
import pkgutil
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..dispatcher.start_script import start_script
from ..transport import private_files
from ..transport.interpreter import isolation

_PACKAGES = Path(__file__).parents[2]

_BASE = 64
_NO_FOLDER, _NO_PYTHON, _NOT_REACHED = 1, 2, 4

#: ``$0`` is the program's folder, and behind it stands what is run if that folder is not seen.
#: Of a folder of somebody else's nothing is run. Where the program's Python does not start another
#: one tells the rest.
_SHELL = (
    'unseen=0; cd -P "$0" 2>/dev/null && [ -O . ] && [ -f ./start ] || { unseen=1; cd /; }; '
    "if [ $unseen = 0 ]; then (set --; . ./start) >./printed 2>&1 </dev/null; "
    'else "$@" >/dev/null 2>&1 </dev/null; fi; status=$?; '
    "[ $unseen = 1 ] || { echo $status >./.over && mv ./.over ./over; }; "
    f"case $status in 0) told=0 ;; 3) told={_NOT_REACHED} ;; *) told={_NO_PYTHON}; shift; "
    'PATH=$PATH:/usr/bin:/usr/local/bin; python3 "$@" instead >/dev/null 2>&1 </dev/null ;; esac; '
    f"told=$((told + unseen)); [ $told = 0 ] || exit $(({_BASE} + told)); exit 0"
)


class ExitFacts(NamedTuple):
    """What the exit status of the queue job says.

    Attributes:
        folder: Whether the node saw the program's folder.
        python: Whether its Python ran.
        reached: Whether an address of the program was reached; False too if no Python ran.
    """

    folder: bool
    python: bool
    reached: bool


def exit_facts(status: int | None) -> ExitFacts | None:
    """Returns what an exit status says, None if it is not one of the doctor's queue job."""
    if status == 0:
        return ExitFacts(True, True, True)
    if status is None or not _BASE < status < _BASE + 8:
        return None
    told = status - _BASE
    python = not told & _NO_PYTHON
    return ExitFacts(not told & _NO_FOLDER, python, python and not told & _NOT_REACHED)


def prepare(
    folder: str,
    endpoints: Sequence[tuple[str, int]],
    token: str,
    packages: Sequence[str],
) -> Sequence[str]:
    """Writes into the program's folder what the queue job reads there, and returns its command.

    Args:
        folder: The program's.
        endpoints: Addresses and ports at which the program listens.
        token: What tells its connections from others; anybody can read it in the queue.
        packages: What to import on the node.
    """
    asked = {
        "sys_path": _sys_path(),
        "cwd": _cwd(),
        "packages": list(packages),
    }
    private_files.write_file(os.path.join(folder, "asked"), json.dumps(asked))
    told = json.dumps({"folder": folder, "endpoints": endpoints, "token": token})
    command = [sys.executable, *isolation(), "-S", "-c", _code(), told]
    script = start_script(command, os.environ, isolated=bool(sys.flags.ignore_environment))
    private_files.write_file(os.path.join(folder, "start"), script)
    return ["/bin/sh", "-c", _SHELL, folder, *command]


def _sys_path() -> list[str]:
    # A folder of this host's own, such as that of a program in a zip archive, stays in it.
    folders = [os.path.abspath(path or ".") for path in sys.path if _is_there(path)]
    # An editable installation is found by an import hook, of which the node's Python knows nothing.
    # Workers find this package by where their program lies.
    own = str(_PACKAGES)
    return folders if own in folders else [*folders, own]


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        # It was removed; that is this program's affair.
        return "/"


def _is_there(path: str) -> bool:
    return os.path.exists(path or ".")


def _code() -> str:
    """Returns the script for a node in one line: some batch systems cut off an argument at its end.

    It is packed, for an argument's length is limited too.
    """
    source = pkgutil.get_data(__package__, "node_script.py")
    assert source is not None
    packed = base64.b64encode(zlib.compress(source, 9)).decode()
    return f"import zlib,base64;exec(zlib.decompress(base64.b64decode('{packed}')))"
