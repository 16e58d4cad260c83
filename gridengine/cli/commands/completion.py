"""``gridengine completion``: has a shell complete the commands and options."""

from __future__ import annotations

import argparse
import sys

from ... import extras

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_EPILOG = """\
examples:
  gridengine completion bash > ~/.local/share/bash-completion/completions/gridengine
  gridengine completion zsh > ~/.zfunc/_gridengine    # a folder of your fpath
  gridengine completion tcsh > ~/.gridengine.csh      # and source it in ~/.tcshrc

exit status: 0; 1 if shtab is missing: pip install 'gridengine[completion]'
"""


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "completion",
        help="print what has a shell complete these commands",
        description="Prints a script that has a shell complete the commands and their options.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    parser.set_defaults(action=_complete)


def _complete(given: argparse.Namespace) -> int:
    from ..main import parser

    with extras.needed("completion", "the completion of a shell"):
        import shtab
    sys.stdout.write(shtab.complete(parser(), given.shell) + "\n")
    return 0
