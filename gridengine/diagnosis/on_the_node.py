"""What the queue job has told, judged: what works on the node, what does not, what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from ..settings import Settings
from ..transport import versions
from ..transport.own_addresses import bracketed
from .node_command import ExitFacts
from .port import interface_of
from .report import Check
from .this_host import in_units
from .trial import PACKAGES, TrialOutcome

_SKEW = 2.0  # seconds; make and caches of files go wrong from there on
_LATE = 1.0  # seconds until a file is seen
_SLOW_IMPORT = 5.0  # seconds

#: What cannot be known without a queue job that runs.
ON_THE_NODE = (
    "Python there", "run folder there", "packages there", "folders there", "network", "clock",
    "limits there",
)  # fmt: skip

_LET_IN = (
    "have the firewall of this host let the nodes in at some ports and name them "
    "(GRIDENGINE_PORTS=54000-54100), and see that the nodes can reach its address (GRIDENGINE_HOST "
    "names another one, or a network interface)"
)
_SHARED = (
    "name a folder that all nodes see (GRIDENGINE_RUN_DIR, or run_dir in gridengine.toml): one on "
    "the network file system, as most homes are"
)


def judged(
    outcome: TrialOutcome, settings: Settings, configured: list[str], folder: str
) -> Iterator[Check]:
    """Yields what is known of the node.

    Args:
        outcome: What the queue job has come to.
        settings: The program's.
        configured: The addresses at which a program of these settings is reached.
        folder: The program's folder.
    """
    facts, node = outcome.exit_facts, outcome.node
    if node is None:
        said = list(_without_its_word(outcome, facts, folder))
        yield from said
        yield from _unknown({check.name for check in said})
        return
    python = _no_python(outcome) if node.get("instead") else _python(node)
    yield python
    yield _run_folder(outcome, node, folder)
    if "versions" in node and python.state == "ok":
        yield _packages(node)
        yield _folders(node)
    else:
        why = "it takes a run folder that the node sees" if not node.get("folder") else "too late"
        why = "it takes the program's Python" if python.state != "ok" else why
        yield Check("packages there", "unknown", why)
        yield Check("folders there", "unknown", why)
    yield _network(node, settings, configured)
    yield _clock(node.get("clock"))
    yield _limits(node)


def reached(outcome: TrialOutcome) -> list[str]:
    """Returns the addresses of this host that the node has reached."""
    addresses = (outcome.node or {}).get("addresses") or {}
    return [address for address, how in addresses.items() if "error" not in how]


def host_setting(outcome: TrialOutcome) -> str:
    """Returns what to set for ``host``, empty where all addresses can be reached.

    The name of an interface, if it has just the addresses that were reached: a settings file in a
    shared home serves other hosts too.
    """
    addresses = (outcome.node or {}).get("addresses") or {}
    works = reached(outcome)
    if not works or len(works) == len(addresses):
        return ""
    return interface_of(works) or works[0]


def _without_its_word(
    outcome: TrialOutcome, facts: ExitFacts | None, folder: str
) -> Iterator[Check]:
    """Yields what is known of a node that could tell nothing itself."""
    if outcome.printed or (facts and not facts.python):
        yield _no_python(outcome)
    elif facts:
        yield Check("Python there", "ok", "it runs")
    if outcome.printed or (facts and facts.folder):
        yield Check("run folder there", "ok", f"the node sees {os.path.dirname(folder)}")
    elif facts:
        told = f"the node does not see {os.path.dirname(folder)}"
        yield Check("run folder there", "failed", told, _SHARED)
    if facts and facts.python and not facts.reached:
        yield Check("network", "failed", "none of this host's addresses was reached", _LET_IN)


def _unknown(said: set[str]) -> Iterator[Check]:
    for name in ON_THE_NODE:
        if name not in said:
            yield Check(name, "unknown", "no queue job has told anything")


def _no_python(outcome: TrialOutcome) -> Check:
    said = " ".join(outcome.printed.split())[-400:] or "it does not start there"
    advice = (
        f"have the same Python at {sys.executable} on all nodes, as by a virtual environment on "
        "the network file system; start the program with that one"
    )
    return Check("Python there", "failed", f"{sys.executable}: {said}", advice)


def _python(node: dict[str, Any]) -> Check:
    there = str(node.get("python", ""))
    told = f"{there} on {node.get('host')}, {node.get('executable')}"
    if reason := versions.refusal_of_python(str(node.get("host")), there, versions.python()):
        return Check("Python there", "failed", reason, "use one that is the same on all hosts")
    return Check("Python there", "ok", told)


def _run_folder(outcome: TrialOutcome, node: dict[str, Any], folder: str) -> Check:
    parent = os.path.dirname(folder)
    if not node.get("folder"):
        told = f"the node does not see {parent}: {node.get('folder_error', '')}"
        return Check("run folder there", "failed", told, _SHARED)
    if error := node.get("folder_error"):
        told = f"the node cannot write into {parent}: {error}"
        return Check("run folder there", "failed", told, _SHARED)
    there, here = node.get("seen_after"), outcome.here_after
    told = f"the node sees {parent} and writes there"
    if outcome.by_network:
        told += f"; a file is seen there after {_seconds(there)}, one of the node's here after "
        told += _seconds(here)
        if there is None or here is None or max(there, here) > _LATE:
            advice = "nothing, if jobs hand on no files; else have readers wait for what they read"
            return Check("run folder there", "warning", told, advice)
    return Check("run folder there", "ok", told)


def _packages(node: dict[str, Any]) -> Check:
    found = node.get("versions") or {}
    seconds = float(node.get("import_seconds") or 0)
    # What is left of a package whose folder is not seen is an empty one.
    errors = {name: "there is a folder of that name alone" for name in found if found[name] == "?"}
    errors |= node.get("import_errors") or {}
    if errors:
        each = "; ".join(f"{name}: {error}" for name, error in errors.items())
        advice = f"install {', '.join(errors)} for the Python of the node, or share the folder"
        if missing := node.get("missing"):
            advice += f"; not there: {', '.join(map(str, missing))}"
        return Check("packages there", "failed", each, advice)
    if found.get("gridengine") != versions.gridengine():
        told = f"gridengine {found.get('gridengine')} there, {versions.gridengine()} here"
        return Check("packages there", "failed", told, "install the same one on all hosts")
    names = ", ".join(f"{name} {found.get(name)}" for name in PACKAGES)
    told = f"{names}, imported in {seconds:.1f} s"
    if seconds > _SLOW_IMPORT:
        advice = "each worker takes that long to start: have packages on a quicker file system"
        return Check("packages there", "warning", told, advice)
    return Check("packages there", "ok", told)


def _folders(node: dict[str, Any]) -> Check:
    missing = [str(each) for each in node.get("missing") or ()]
    if error := node.get("cwd_error"):
        advice = "start programs in a folder that the nodes see, or say cwd= to the scheduler"
        return Check("folders there", "failed", f"working directory: {error}", advice)
    if not node.get("home_there"):
        told = f"the home {node.get('home')} is not there"
        return Check("folders there", "warning", told, "what functions read of it they do not find")
    if missing:
        told = f"of sys.path, not there: {', '.join(missing)}"
        return Check("folders there", "warning", told, "modules of these folders are not found")
    return Check("folders there", "ok", "the working directory, the home, all of sys.path")


def by_files(outcome: TrialOutcome, settings: Settings) -> bool:
    """Tells whether messages go through files, since no address is reached."""
    node = outcome.node or {}
    through = settings.channel != "tcp" and node.get("folder") and not node.get("folder_error")
    return bool(through) and not reached(outcome)


def _network(node: dict[str, Any], settings: Settings, configured: list[str]) -> Check:
    addresses: dict[str, Any] = node.get("addresses") or {}
    each, works = [], []
    for address, how in addresses.items():
        shown = bracketed(address)
        if "error" in how:
            each.append(f"{shown}: {how['error']}")
        else:
            works.append(address)
            each.append(f"{shown} answers in {float(how.get('answered', 0)) * 1000:.1f} ms")
    told = "; ".join(each) or "no address was tried"
    told += f" (ports: {settings.ports or 'any free one'})"
    if settings.channel == "files":
        told = f"{_through_files(node)} (GRIDENGINE_CHANNEL=files); {told}"
        return Check("network", "ok", told)
    usable = [address for address in works if address in configured]
    if not works and (settings.channel == "tcp" or not node.get("folder")):
        return Check("network", "failed", told, _LET_IN)
    if not works:
        advice = f"GRIDENGINE_CHANNEL=files spares workers the attempt; or, for speed, {_LET_IN}"
        return Check("network", "warning", f"{told}: {_through_files(node)}", advice)
    if not usable:
        advice = f"GRIDENGINE_HOST={interface_of(works) or works[0]}, or host in gridengine.toml"
        return Check("network", "failed", f"GRIDENGINE_HOST is {settings.host}; {told}", advice)
    if len(works) < len(addresses):
        name = interface_of(works) or works[0]
        advice = f"nothing, for one is enough; GRIDENGINE_HOST={name} spares workers the others"
        return Check("network", "ok", told, advice)
    return Check("network", "ok", told)


def _through_files(node: dict[str, Any]) -> str:
    after = node.get("answered_after")
    took = f", which answer each other after {_seconds(after)}" * ("answered_after" in node)
    return f"messages go through files of the run folder{took}"


def _clock(skew: object) -> Check:
    if not isinstance(skew, (int, float)):
        return Check("clock", "unknown", "it takes a connection to compare clocks")
    told = f"the node's is {abs(skew):.3f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) > _SKEW:
        advice = "have the administrator look at NTP; times in logs and of files do not compare"
        return Check("clock", "warning", told, advice)
    return Check("clock", "ok", told)


def _limits(node: dict[str, Any]) -> Check:
    limits = {name: int(value) for name, value in (node.get("limits") or {}).items()}
    sizes = {"as": "address space", "data": "data"}
    told = [f"{node.get('cores')} cores, {in_units(float(node.get('memory') or 0))} of memory"]
    told += [f"{text} {in_units(limits[name])}" for name, text in sizes.items() if name in limits]
    told += [f"{limits['cpu']} s of CPU time"] if "cpu" in limits else []
    told += [f"{limits['nofile']} open files"] if "nofile" in limits else []
    told += [f"{limits['nproc']} processes"] if "nproc" in limits else []
    told += [
        f"TMPDIR {node.get('tmpdir') or 'not set'}",
        f"umask {int(node.get('umask') or 0):03o}",
    ]
    if node.get("uid") != os.getuid():
        what = f"the queue job runs as user {node.get('uid')}, this program as {os.getuid()}"
        advice = "have the same accounts on all hosts: files of the one are closed to the other"
        return Check("limits there", "failed", what, advice)
    if 0 < limits.get("nofile", 0) < 256:
        return Check("limits there", "warning", "; ".join(told), "ask for more open files")
    return Check("limits there", "ok", "; ".join(told))


def _seconds(value: object) -> str:
    if not isinstance(value, (int, float)):
        return "more than some seconds"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
