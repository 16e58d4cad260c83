"""What is handed to sbatch for an array: its script, and options for which hosts must be known."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

ONLY_HOSTS, AVOID_HOSTS = "--only-hosts=", "--avoid-hosts="
"""Options that are none of sbatch, by which a request says which hosts it means.

Slurm's ``--nodelist`` has a job run on all hosts that it names, and ``--exclude`` takes none that
there are not; nodes may call themselves otherwise than Slurm does.
"""

_SCRIPT = """\
#!/bin/sh
# One that Slurm starts once more is not waited for: the program has asked for another.
[ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && exit 0
exec %s
"""


def script_of(command: Sequence[str]) -> str:
    """Returns the script that runs a command, once."""
    return _SCRIPT % shlex.join(command)


def needs_hosts(options: Sequence[str]) -> bool:
    """Tells whether all hosts must be known to submit with some options."""
    return any(option.startswith((ONLY_HOSTS, AVOID_HOSTS)) for option in options)


def with_hosts(options: Sequence[str], hosts: Sequence[str]) -> list[str]:
    """Returns options of sbatch alone.

    Args:
        options: Those of a request.
        hosts: The names of all.
    """
    made, excluded = [], dict[str, None]()
    words = iter(options)
    for option in words:
        # Of several sbatch takes the last one alone.
        if match := re.fullmatch(r"--exclude=(.*)|-x(.+)", option):
            excluded[match[1] or match[2]] = None
        elif option in ("--exclude", "-x"):
            excluded |= dict.fromkeys(filter(None, [next(words, "")]))
        elif option.startswith(AVOID_HOSTS):
            excluded |= dict.fromkeys(h for h in hosts if _is_one_of(h, _names(option)))
        elif option.startswith(ONLY_HOSTS):
            wanted = _names(option)
            excluded |= dict.fromkeys(h for h in hosts if not _is_one_of(h, wanted))
        else:
            made.append(option)
    return [*made, f"--exclude={','.join(excluded)}"] if excluded else made


def _names(option: str) -> set[str]:
    parts = re.split(r",(?![^\[]*\])", option.partition("=")[2])
    return {name for part in parts for name in expanded(part)}


def _is_one_of(host: str, names: set[str]) -> bool:
    # A node tells its name with its domain or without, and so does Slurm.
    return host in names or host.partition(".")[0] in {name.partition(".")[0] for name in names}


def expanded(hosts: str) -> list[str]:
    """Returns the names that ``node[1-3,07]`` stands for."""
    match = re.fullmatch(r"([^\[]*)\[([\d,-]+)\](.*)", hosts)
    if match is None:
        return [hosts]
    head, numbers, tail = match.groups()
    found = []
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        if not first:
            continue
        for number in range(int(first), int(last or first) + 1):
            found += [f"{head}{number:0{len(first)}}{rest}" for rest in expanded(tail)]
    return found
