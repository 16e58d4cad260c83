"""``gridengine journal``: what is in the journals of maps and jobs."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from ...errors import GridEngineError, format_bytes
from ...logs import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...client.journal.contents import Contents
    from . import Commands

_DESCRIPTION = """\
Reads a journal, the file in which map(..., journal="run.journal") keeps results.

ls lists the functions in it, with the number and size of their results; show prints results, the
last of them if there are many; export writes all as lines of JSON to standard output.
"""

_EPILOG = """\
examples:
  gridengine journal ls run.journal
  gridengine journal show run.journal simulate
  gridengine journal export run.journal simulate > results.jsonl

Results are unpickled, which runs what is in them, as the program itself does: read your own alone.
What the classes of a script are needed for cannot be rebuilt here, and is said to be so; what JSON
has no words for is written as Python shows it.

exit status: 0, be it that there are no results in it yet; 1 if there is no journal, or results of
other functions alone.
"""

#: Results that ``show`` prints, and letters of each.
_SHOWN, _LETTERS = 20, 100


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "journal",
        help="read what maps and jobs have kept",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["ls", "show", "export"], help="see above")
    parser.add_argument("journal", help="the file")
    parser.add_argument("function", nargs="?", default="", help="its name, or its digest; or all")
    parser.set_defaults(action=_journal)


def _journal(given: argparse.Namespace) -> int:
    from ...client.journal.contents import Contents

    path = os.path.abspath(given.journal)
    with Contents(
        os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    ) as (contents):
        known = contents.functions()
        if not known:
            # As long as the first calls of a program run, or their queue jobs wait.
            sys.stderr.write(printable(f"there are no results in {path} yet\n"))
            return 0
        if given.function and not any(
            given.function == each.name or each.digest.startswith(given.function) for each in known
        ):
            names = ", ".join(sorted({each.name for each in known}))
            raise GridEngineError(f"{path} has nothing of {given.function}, but of {names}")
        {"ls": _list, "show": _show, "export": _export}[given.what](contents, given.function)
    return 0


def _list(contents: Contents, which: str) -> None:
    for each in contents.functions():
        if which and which != each.name and not each.digest.startswith(which):
            continue
        latest = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each.latest))
        text = f"{each.digest[:8]}  {latest}  {each.results:>9}  {format_bytes(each.size):>9}"
        sys.stdout.write(printable(f"{text}  {each.name}\n"))


def _show(contents: Contents, which: str) -> None:
    import collections

    last = collections.deque(enumerate(contents.results(which), 1), maxlen=_SHOWN)
    if last and last[0][0] > 1:
        sys.stdout.write(f"... {last[0][0] - 1} before\n")
    for _, each in last:
        value = f"cannot be rebuilt here: {each.error}" if each.error else repr(each.value)
        text = f"{each.name}  {_cut(repr(each.item))}  {_cut(value)}"
        sys.stdout.write(printable(f"{text}\n"))


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 3]}..."


def _export(contents: Contents, which: str) -> None:
    for each in contents.results(which):
        line: dict[str, Any] = {"function": each.name, "code": each.function, "item": each.item}
        line |= {"error": each.error} if each.error else {"value": each.value}
        sys.stdout.write(json.dumps(line, default=repr) + "\n")
