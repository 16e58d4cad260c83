"""GridMap's ``gridmap_web``, which is gridengine's dashboard here: it finds programs by itself.

To be run as ``python -m gridengine.compat.gridmap.web``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ... import extras
from ...errors import GridEngineError
from ...settings import Settings
from .version import __version__

_PORT = 8076


def main(argv: Sequence[str] | None = None) -> None:
    """Serves the dashboard until it is interrupted.

    Args:
        argv: The arguments; by default those of this process.

    Raises:
        SystemExit: An argument is wrong, the port is taken, or a library is missing.
    """
    given = _parser().parse_args(argv)
    sys.path += given.module_dir
    try:
        _serve(given.port)
    except (GridEngineError, ModuleNotFoundError) as error:
        sys.exit(f"gridmap_web: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gridmap_web",
        description="Shows what your programs on this host do, on a web page. It prints the "
        "address to open, and listens on 127.0.0.1 alone.",
    )
    parser.add_argument(
        "module_dir", nargs="*", help="folders of modules; not needed, and taken as they are"
    )
    parser.add_argument("-p", "--port", type=int, default=_PORT, help=f"where it listens ({_PORT})")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _serve(port: int) -> None:
    with extras.needed("dashboard", "gridmap_web"):
        from ...dashboard.server import Dashboard

    dashboard = Dashboard(Settings.read().run_dir, port=port)

    def say() -> None:
        sys.stdout.write(f"gridmap_web: {dashboard.url}\nCtrl-C ends it.\n")
        sys.stdout.flush()

    dashboard.run(say)


if __name__ == "__main__":
    main()
