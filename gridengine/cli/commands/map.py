"""``gridengine map``: calls a function with each line of a file."""

from __future__ import annotations

import argparse
import os

from .. import scheduler_options
from ..scheduler_options import count, count_or_none, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_DESCRIPTION = """\
Calls a function with each line of INPUTS, on as many workers as there are, and prints the results:
for each line of JSON that comes in a line of JSON goes out, in the same order, as they come. The
input may be of any length, and come slowly.

FUNCTION is called as PACKAGE.MODULE:FUNCTION, looked for from this directory, or by its file,
work.py:FUNCTION. What it prints goes to standard error.
"""

_EPILOG = """\
examples:
  gridengine map work.py:score INPUTS.jsonl > results.jsonl
  seq 10 | gridengine map math:sqrt
  seq 10 | gridengine map math:sqrt --queue short.q --resources h_vmem=2G,h_rt=0:10:00
  ls | gridengine map os.path:getsize --text
  echo '["4f", 16]' | gridengine map builtins:int --star
  gridengine map work.py:score INPUTS.jsonl --journal run.journal > results.jsonl
  gridengine map work.py:score INPUTS.jsonl --keep-going --errors failed.jsonl -o results.jsonl

lines:
  Empty lines of JSON are left out, as nothing comes of them; with --text they are texts, too. A
  result is written as JSON, numbers and arrays of numpy's as numbers and lists. What JSON cannot
  have, such as NaN, in a line or as a result, is a failure of that line.

exit status:
  0    all lines are done
  1    a call has failed, standard error says of which line and why, and the others are taken
       back; or something else did not work
  2    the command line is wrong
  3    with --keep-going: all lines are done, and the calls of some have failed
  130  it was interrupted by Ctrl-C
  141  nobody reads its output any more, as behind "| head"; the rest is taken back
"""


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "map",
        help="call a function with each line of a file",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="what is called")
    parser.add_argument(
        "inputs", metavar="INPUTS", nargs="?", default="-",
        help="the file of lines; standard input by default, and for -",
    )  # fmt: skip
    add = parser.add_argument_group("lines").add_argument
    add("--text", action="store_true", help="lines are texts, and no JSON")
    add("--raw", action="store_true", help="write results that are texts as they are, not as JSON")
    add("--star", action="store_true", help="a line is a list of arguments, or an object of them")
    add("--unordered", action="store_true", help="write results as they are done")
    add("-o", "--output", metavar="FILE", help="write to FILE, called FILE.part until it is whole")
    add = parser.add_argument_group("calls").add_argument
    add("--chunksize", metavar="N", type=count, help="lines that go to a worker together")
    add("--retries", metavar="N", type=count_or_none, help="further attempts of a call that failed")
    add("--timeout", metavar="SECONDS", type=seconds, help="how long each call may take")
    add("--keep-going", action="store_true", help="go on when calls fail; the default is to end")
    add("--errors", metavar="FILE", help="with --keep-going: write failures to FILE, as JSON")
    add(
        "--journal", metavar="FILE", type=_journal,
        help="keep results in FILE: run again with it, what is done is not done again",
    )  # fmt: skip
    add(
        "--progress", action=argparse.BooleanOptionalAction, default=None,
        help="show on standard error how far it is; by default where that is a terminal and "
        "standard output is none",
    )  # fmt: skip
    scheduler_options.add_to(parser)
    parser.set_defaults(action=_map, parser=parser)


def _map(given: argparse.Namespace) -> int:
    from ..lines.map_lines import map_lines

    if given.errors is not None and not given.keep_going:
        given.parser.error("--errors is for --keep-going")
    if given.journal is not None:
        _refuse_to_overwrite_the_journal(given)
    return map_lines(given, scheduler_options.variables(given))


def _refuse_to_overwrite_the_journal(given: argparse.Namespace) -> None:
    for option, path in (("-o", given.output), ("--errors", given.errors)):
        if path in (None, "-"):
            continue
        # Until it is whole, the one of -o is called otherwise.
        for each in (path, f"{os.path.realpath(path)}.part") if option == "-o" else (path,):
            if _are_same(each, given.journal):
                given.parser.error(
                    f"--journal and {option} name the same file; {given.journal} would be "
                    "overwritten: name another"
                )


def _are_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        # One of them is not there yet.
        return os.path.realpath(path) == os.path.realpath(other)


def _journal(path: str) -> str:
    from ...client.journal.request import journal_request

    try:
        return journal_request(path, None).path
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
