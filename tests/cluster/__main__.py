"""The clusters from the command line: ``python -m tests.cluster up|down|status|env|run|own``.

It is the Grid Engine's; with ``--slurm`` after the action, Slurm's.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from . import packages
from .base import BatchCluster, ClusterUnavailable, InsideClusterError
from .cluster import Cluster
from .slurm_cluster import SlurmCluster


def main() -> int:
    """Do what the command line says and give the exit status."""
    arguments = _parser().parse_args()
    try:
        status: int = arguments.action(arguments)
    except ClusterUnavailable as error:
        print(f"no test cluster here: {error}", file=sys.stderr)
        return 1
    except InsideClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster", description="The test clusters."
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for action, text in (
        (_up, "bring the cluster up, or to health if it is up"),
        (_down, "take down whatever is up"),
        (_status, "tell how it is"),
        (_env, "print the variables that its users have set, for a shell's eval"),
        (_own, "run a program on the submit host of a cluster of its own, which ends with it"),
        (_run, "run a program on its submit host"),
    ):
        subparser = actions.add_parser(action.__name__.strip("_"), help=text, description=text)
        subparser.set_defaults(action=action, cluster=Cluster)
        if action is not _down:
            what = "Slurm's cluster instead of the Grid Engine's"
            subparser.add_argument(
                "--slurm", dest="cluster", action="store_const", const=SlurmCluster, help=what
            )
        if action is _run:
            subparser.add_argument("--user", help="as this user instead of root")
        if action in (_own, _run):
            what = "the program and its arguments"
            subparser.add_argument("argv", nargs=argparse.REMAINDER, help=what)
    return parser


def _up(arguments: argparse.Namespace) -> int:
    arguments.cluster.up()
    return _status(arguments)


def _down(arguments: argparse.Namespace) -> int:
    BatchCluster.down()
    return 0


def _status(arguments: argparse.Namespace) -> int:
    cluster: BatchCluster = arguments.cluster()
    trouble = cluster.unavailable() or cluster.trouble()
    if trouble is not None:
        print(f"the test cluster is not well: {trouble}")
        return 1
    nodes = ", ".join(f"{node} ({node.address})" for node in cluster.nodes)
    print(f"the test cluster is up: {cluster.submit_host} and {nodes}, {cluster.slots} slots each")
    for job in cluster.queue_jobs():
        print(job)
    return 0


def _env(arguments: argparse.Namespace) -> int:
    for name, value in arguments.cluster().environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


#: Has for itself what two clusters on one machine cannot share: places for files, and process ids,
#: since the nodes know processes of queue jobs by numbers that are the same on all of them. The
#: shell stays as the first process, which takes in what others have left.
_APART = """
for folder in "$@"; do
    [ "$folder" = -- ] && break
    mkdir -p "$folder" && mount -t tmpfs none "$folder" && shift || exit 1
done
shift
python=$1; which=$2; shift 2
"$python" -m tests.cluster up $which >&2 && "$python" -m tests.cluster run $which "$@"
exit
"""


def _own(arguments: argparse.Namespace) -> int:
    which: type[BatchCluster] = arguments.cluster
    if (reason := which.unavailable()) is not None:
        raise ClusterUnavailable(reason)
    # Of both, since a test on one may bring up the other beside it.
    packages.install([*Cluster.packages, *SlurmCluster.packages])
    private = ["--mount", "--propagation=private", "--pid", "--mount-proc", "--fork"]
    command = ["unshare", *private, "--kill-child", "sh", "-c", _APART, "sh", *which.places]
    option = "--slurm" if which is SlurmCluster else ""
    os.execvp(command[0], [*command, "--", sys.executable, option, *arguments.argv])


def _run(arguments: argparse.Namespace) -> int:
    cluster: BatchCluster = arguments.cluster()
    argv = cluster.command(arguments.argv, user=arguments.user)
    os.execvpe(argv[0], argv, {**os.environ, **cluster.environment()})


if __name__ == "__main__":
    sys.exit(main())
