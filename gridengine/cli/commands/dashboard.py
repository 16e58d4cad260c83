"""``gridengine dashboard``: a web page that shows what this user's programs do."""

from __future__ import annotations

import argparse
import os
import sys

from ... import extras
from ...errors import GridEngineError
from ...settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_DESCRIPTION = """\
Shows what your programs on this host do, live, on a web page: how far they are, what each worker
does, memory, queue jobs and why they wait, failures, the slowest calls. It finds programs by
itself, also those that begin later; a program needs nothing for it.

It prints the address to open, with a token, without which nobody sees anything. It listens on
127.0.0.1 alone: from another computer open a tunnel with the `ssh -L` that it prints.
"""

_EPILOG = """\
examples:
  gridengine dashboard
  gridengine dashboard --port 9000
  gridengine dashboard --allow-host login.example.org     behind a proxy of that name
  curl -H "Authorization: Bearer TOKEN" http://127.0.0.1:8787/metrics

GRIDENGINE_DASHBOARD_TOKEN has a token to take instead of a new one, for Prometheus say.

exit status: 0 after Ctrl-C; 1 if it could not begin: the port is in use, or a library is missing.
"""


#: By how much it stands back behind the programs that it shows.
_NICE = 10


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "dashboard",
        help="show what your programs do, on a web page",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=_port, help="where it listens on 127.0.0.1 (the first free one from 8787 on)"
    )
    parser.add_argument(
        "--prefix",
        default="",
        help="what paths begin with, for a proxy that leaves that there (none)",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name under which browsers ask for it; may be given again",
    )
    parser.set_defaults(action=_dashboard)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r}; it takes a number up to 65535")
    return int(text)


def _dashboard(given: argparse.Namespace) -> int:
    try:
        with extras.needed("dashboard", "gridengine dashboard"):
            import bokeh.server  # noqa: F401
            import prometheus_client  # noqa: F401
    except ModuleNotFoundError as error:
        raise GridEngineError(str(error)) from None
    from ...dashboard.server import Dashboard

    dashboard = Dashboard(
        Settings.read().run_dir,
        port=given.port,
        prefix=given.prefix,
        token=os.environ.get("GRIDENGINE_DASHBOARD_TOKEN", ""),
        names=given.allow_host,
    )

    # What it shows is not to be slowed down by being shown, where all cores are at work.
    os.nice(_NICE)

    def say() -> None:
        sys.stdout.write(
            f"gridengine dashboard: {dashboard.url}\n"
            f"from elsewhere: ssh -N -L {dashboard.port}:127.0.0.1:{dashboard.port} "
            f"{os.uname().nodename}, and open the same address there\n"
            "Ctrl-C ends it.\n"
        )
        sys.stdout.flush()

    dashboard.run(say)
    return 0
