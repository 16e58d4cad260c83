"""The cluster as a site has it: what the friendlier one of the tests does not show.

Each entry of `SITE` puts the cluster into such a state for a while, and gives the variables that a
program needs there besides. They can be put together; `Cluster.heal` undoes them too.

===================== ============================================================================
``defaults``          Grid Engine's own timing: a scheduler that looks every 15 s, accounting that
                      is written up to 15 s late, lost nodes that are noticed after minutes
``user``              the program is an ordinary user's (whoever runs it sees to that)
``own-python``        its Python is one that all users may read, as such a user needs
``firewall-drop``     no node reaches the submit host, but by the ports of the Grid Engine and
                      those of `Cluster.open_ports`; what is blocked vanishes
``firewall-reject``   the same; what is blocked is refused
``firewall-…-one``    the same for the first node alone
``library-path``      a Python that starts only with LD_LIBRARY_PATH set, as of a loaded module
``other-python``      on the nodes, another version of Python lies where the program's own is
``…-with-gridengine`` the same, and it finds gridengine and its packages where the program does
``other-gridengine``  on the nodes lies another version of gridengine, 0.0.7
``hidden-package``    the nodes do not see the folder with the program's Python and packages
``one-job-per-user``  the site allows a user one job at a time
``restarted``         the Grid Engine is started anew afterwards
``submit-nodes``      the nodes may submit queue jobs, which they may not otherwise
===================== ============================================================================
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from . import grid, pythons
from .cluster import Cluster
from .hosts import ROOT, Host
from .shell import run

_PYTHONS = ROOT / "pythons"

Site = Callable[[Cluster], AbstractContextManager[Mapping[str, str]]]


@contextlib.contextmanager
def _defaults(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    with cluster.as_a_site():
        yield {}


@contextlib.contextmanager
def _own_python(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    yield _path(pythons.own(_PYTHONS / "own"))


def _firewall(
    verdict: Literal["drop", "reject"], nodes: Sequence[Host] = Cluster.nodes
) -> Callable[[Cluster], AbstractContextManager[Mapping[str, str]]]:
    @contextlib.contextmanager
    def site(cluster: Cluster) -> Iterator[Mapping[str, str]]:
        with cluster.firewall(verdict, nodes):
            yield {}

    return site


@contextlib.contextmanager
def _library_path(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    python = pythons.by_library_path(_PYTHONS / "library-path")
    yield {**_path(python), "LD_LIBRARY_PATH": str(python.parent.parent / "lib")}


@contextlib.contextmanager
def _other_python(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    python = pythons.own(_PYTHONS / "own")
    other = pythons.other(_PYTHONS / "other")
    with mounted(cluster, ["--bind", str(other.parent.parent)], python.parent.parent):
        yield _path(python)


@contextlib.contextmanager
def _other_python_with_gridengine(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    python = pythons.own(_PYTHONS / "own")
    other = pythons.other_beside(_PYTHONS / "other-beside", python)
    with mounted(cluster, ["--bind", str(other.parent.parent)], python.parent.parent):
        yield _path(python)


@contextlib.contextmanager
def _other_gridengine(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    python = pythons.own(_PYTHONS / "own")
    (package,) = python.parent.parent.glob("lib/*/site-packages/gridengine")
    other = pythons.changed_package(_PYTHONS / "other-gridengine", package, "0.0.7")
    with mounted(cluster, ["--bind", str(other)], package):
        yield _path(python)


@contextlib.contextmanager
def _hidden_package(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    python = pythons.own(_PYTHONS / "own")
    (package,) = python.parent.parent.glob("lib/*/site-packages/gridengine")
    with mounted(cluster, ["-t", "tmpfs", "none"], package):
        yield _path(python)


@contextlib.contextmanager
def _one_job_per_user(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    with cluster.limited(max_u_jobs="1"):
        yield {}


@contextlib.contextmanager
def _submit_nodes(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    with cluster.submit_nodes():
        yield {}


@contextlib.contextmanager
def mounted(cluster: Cluster, what: Sequence[str], place: Path) -> Iterator[None]:
    """Mount something on the nodes alone: where their daemons and queue jobs see it."""
    with contextlib.ExitStack() as undo:
        for node in cluster.nodes:
            (daemon,) = node.pids(grid.EXECD)
            enter = ["nsenter", f"--target={daemon}", "--mount"]
            run([*enter, "mount", *what, str(place)])
            undo.callback(run, [*enter, "umount", "--lazy", str(place)])
        yield


def _path(python: Path) -> dict[str, str]:
    return {"PATH": f"{python.parent}:{os.environ['PATH']}"}


@contextlib.contextmanager
def _restarted(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    yield {}
    # A qmaster that was killed takes queue jobs for running that have ended meanwhile.
    cluster.stop_qmaster()
    for node in cluster.nodes:
        cluster.stop_execd(node)
    cluster.start_qmaster()
    for node in cluster.nodes:
        cluster.start_execd(node)


SITE: dict[str, Site] = {
    "restarted": _restarted,
    "defaults": _defaults,
    "own-python": _own_python,
    "firewall-drop": _firewall("drop"),
    "firewall-reject": _firewall("reject"),
    "firewall-drop-one": _firewall("drop", Cluster.nodes[:1]),
    "firewall-reject-one": _firewall("reject", Cluster.nodes[:1]),
    "library-path": _library_path,
    "other-python": _other_python,
    "other-python-with-gridengine": _other_python_with_gridengine,
    "other-gridengine": _other_gridengine,
    "hidden-package": _hidden_package,
    "one-job-per-user": _one_job_per_user,
    "submit-nodes": _submit_nodes,
}
