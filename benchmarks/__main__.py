"""The command line: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import measure, report
from .peers import PEERS, is_installed
from .rows import LAPTOP, OURS
from .workloads import WORKLOADS


def main() -> int:
    """Does what the command line says and returns the exit status."""
    arguments = _parser().parse_args()
    peers, missing = _present(arguments.peers)
    for peer in missing:
        _say(f"{peer}: left out, it is not installed")
    workloads = arguments.only or list(WORKLOADS)
    host = report.machine(peers, arguments.workers)
    results = measure.run(
        workloads,
        peers,
        LAPTOP,
        workers=arguments.workers,
        rounds=arguments.rounds or (1 if arguments.quick else 5),
        quick=arguments.quick,
        say=_say,
    )
    entries = report.summary(results, LAPTOP)
    return _tell(arguments, host, entries, peers)


def _tell(
    arguments: argparse.Namespace,
    host: dict[str, object],
    entries: list[dict[str, object]],
    peers: Sequence[str],
) -> int:
    _print(", ".join(f"{key}: {value}" for key, value in host.items() if key != "versions"))
    _print("")
    _print(report.table(entries))
    _print("")
    _print(report.all_medians(entries, peers))
    if arguments.json:
        report.write_json(arguments.json, host, entries)
    if arguments.picture and not report.draw(arguments.picture, host, entries):
        _say("no picture: matplotlib is not installed")
    return 0 if entries else 1


def _present(wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the libraries to measure, ours first, and those which are not installed."""
    peers = [OURS, *(peer for peer in wanted if peer != OURS)]
    present = [peer for peer in peers if is_installed(peer)]
    if "pool" in present and "pool-spawn" not in present:
        present.insert(present.index("pool") + 1, "pool-spawn")
    return present, [peer for peer in peers if peer not in present]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures gridengine and its peers side by side.",
        epilog="See benchmarks/README.md for what the figures mean.",
    )
    parser.add_argument("--quick", action="store_true", help="small and once: does it run?")
    parser.add_argument(
        "--only",
        type=_names(tuple(WORKLOADS)),
        metavar="NAME,…",
        help=f"these workloads alone: {', '.join(WORKLOADS)}",
    )
    parser.add_argument(
        "--peers",
        type=_names(PEERS),
        default=[peer for peer in PEERS if peer != "pool-spawn"],
        metavar="NAME,…",
        help=f"beside these: {', '.join(PEERS)}; by default all that are installed",
    )
    parser.add_argument("--workers", type=int, default=4, help="processes of each (4)")
    parser.add_argument("--rounds", type=int, help="times that each is measured (5)")
    parser.add_argument("--json", metavar="FILE", help="write all figures into this file")
    parser.add_argument("--picture", metavar="FILE", help="draw them: a .png or an .svg")
    return parser


def _names(known: tuple[str, ...]):
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r}: it is one of {', '.join(known)}")
        return names

    return parse


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
