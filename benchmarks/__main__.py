"""The command line: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import batch_systems, cluster, measure, report, scale
from .handles import HANDLE_WORKLOADS
from .peers import ON_DEMAND, PEERS, is_installed, version
from .rows import HANDLES, LAPTOP, OURS, Row
from .workloads import WORKLOADS


def main() -> int:
    """Does what the command line says and returns the exit status."""
    # An end from outside shall end the measured programs too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = _parser().parse_args()
    if arguments.scale:
        return _scale(arguments)
    if arguments.cluster:
        return _cluster(arguments)
    return _handles(arguments) if arguments.handles else _laptop(arguments)


def _laptop(arguments: argparse.Namespace) -> int:
    peers, missing = _present(arguments.peers)
    for peer in missing:
        _say(f"{peer}: left out, it is not installed")
    return _here(arguments, peers, WORKLOADS, LAPTOP)


def _handles(arguments: argparse.Namespace) -> int:
    wanted = [peer for workload in HANDLE_WORKLOADS.values() for peer in workload.peers]
    peers = [peer for peer in PEERS if peer in wanted and is_installed(peer)]
    return _here(arguments, peers, HANDLE_WORKLOADS, HANDLES)


def _here(
    arguments: argparse.Namespace,
    peers: Sequence[str],
    workloads: Iterable[str],
    rows: Sequence[Row],
) -> int:
    host = report.machine({peer: version(peer) for peer in peers}, arguments.workers)
    results: measure.Results = {}
    for name in _chosen(arguments, workloads):
        results |= measure.run(
            name,
            peers,
            rows,
            workers=arguments.workers,
            rounds=arguments.rounds or (1 if arguments.quick else 5),
            quick=arguments.quick,
            say=_say,
        )
        if arguments.json:
            # A run takes long: what ends it early shall not end it in vain.
            report.write_json(arguments.json, host, report.summary(results, rows))
    return _tell(arguments, host, report.summary(results, rows))


def _cluster(arguments: argparse.Namespace) -> int:
    system = batch_systems.SYSTEMS[arguments.cluster]
    host = report.machine(system.versions(), batch_systems.SLOTS)
    results = cluster.run(
        arguments.cluster,
        _chosen(arguments, cluster.WORKLOADS),
        rounds=arguments.rounds or (1 if arguments.quick else 3),
        quick=arguments.quick,
        say=_say,
    )
    status = _tell(arguments, host, report.summary(results, system.rows))
    if system.earlier:
        _print("\nMeasured earlier, on a like cluster, and not in this run:")
        _print("\n".join(system.told_earlier()))
    return status


def _scale(arguments: argparse.Namespace) -> int:
    answers = scale.run(quick=arguments.quick, say=_say)
    cancelled = scale.run_cancel(quick=arguments.quick, say=_say)
    _print(scale.table(answers))
    _print("")
    _print(scale.cancel_table(cancelled))
    if arguments.json:
        report.write_json(arguments.json, report.machine({}, 0), [*answers, *cancelled])
    return 0 if answers and cancelled else 1


def _tell(
    arguments: argparse.Namespace, host: dict[str, Any], entries: list[dict[str, Any]]
) -> int:
    _print(", ".join(f"{key}: {value}" for key, value in host.items() if key != "versions"))
    _print(", ".join(f"{peer} {text}" for peer, text in host["versions"].items()))
    _print("")
    _print(report.table(entries))
    _print("")
    _print(report.all_medians(entries, list(host["versions"])))
    if arguments.json:
        report.write_json(arguments.json, host, entries)
    if arguments.picture and not report.draw(arguments.picture, host, entries):
        _say("no picture: matplotlib is not installed")
    return 0 if entries else 1


def _chosen(arguments: argparse.Namespace, workloads: Iterable[str]) -> list[str]:
    """Returns the workloads to run, all by default; ends the program if one is not known."""
    known = list(workloads)
    for name in arguments.only or ():
        if name not in known:
            _say(f"--only: {name!r} is none of {', '.join(known)}")
            sys.exit(2)
    return arguments.only or known


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
        "--cluster",
        nargs="?",
        const="gridengine",
        choices=list(batch_systems.SYSTEMS),
        help="the part for the submit host of a batch system instead, a Grid Engine by default",
    )
    parser.add_argument(
        "--handles",
        action="store_true",
        help="the part with Pool, Executor, joblib, asyncio and imap instead",
    )
    parser.add_argument(
        "--scale", action="store_true", help="the part with simulated workers instead"
    )
    parser.add_argument(
        "--only",
        type=_names(()),
        metavar="NAME,…",
        help=f"these workloads alone: {', '.join(WORKLOADS)}; with --handles "
        f"{', '.join(HANDLE_WORKLOADS)}; with --cluster {', '.join(cluster.WORKLOADS)}",
    )
    parser.add_argument(
        "--peers",
        type=_names(PEERS),
        default=[peer for peer in PEERS if peer not in ON_DEMAND],
        metavar="NAME,…",
        help=f"beside these: {', '.join(PEERS)}; by default all libraries that are installed",
    )
    parser.add_argument("--workers", type=int, default=4, help="processes of each (4)")
    parser.add_argument("--rounds", type=int, help="times that each is measured (5)")
    parser.add_argument("--json", metavar="FILE", help="write all figures into this file")
    parser.add_argument("--picture", metavar="FILE", help="draw them: a .png or an .svg")
    return parser


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if known and name not in known:
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
