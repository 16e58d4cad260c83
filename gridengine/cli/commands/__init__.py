"""The commands of ``gridengine``, one in each file.

Each has a function ``add_to`` that adds its parser, with ``action=`` what it does: a function that
takes what was given and returns the exit status. What that needs is imported there: `--help` and
completion import all of these files.
"""

from __future__ import annotations

from . import (
    completion,
    dashboard,
    doctor,
    journal,
    mail,
    map,
    reap,
    report,
    run,
    settings,
    status,
    top,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TypeAlias

    #: What `argparse` returns of ``add_subparsers``; it has no public name.
    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

COMMANDS: tuple[Callable[[Commands], object], ...] = (
    map.add_to,
    run.add_to,
    status.add_to,
    top.add_to,
    dashboard.add_to,
    doctor.add_to,
    mail.add_to,
    report.add_to,
    journal.add_to,
    settings.add_to,
    reap.add_to,
    completion.add_to,
)
"""They, in the order in which ``--help`` lists them."""
