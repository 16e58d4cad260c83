"""Prints `constraints.txt`: the versions, in this environment, of all that the extras need.

``python -m tests.constraints > constraints.txt``; CONTRIBUTING.md says when.
"""

from __future__ import annotations

import re
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

#: The extras of ``scripts/test``.
EXTRAS = ("test", "situations", "cluster", "docs")

#: What comes with an environment, in a version of its own.
BUNDLED = frozenset({"pip", "setuptools", "wheel"})

_HEAD = """\
# The versions with which the tests have passed, of all that `scripts/test` installs; for
# `pip install -c constraints.txt`. CONTRIBUTING.md says how it is made anew. What names a version
# of Python is not to be had for older ones: those get what pip finds.
"""

_OLDEST = "3.10"


def name_of(project: str) -> str:
    """Returns the one way to write a project's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", project).lower()


def needed() -> dict[str, metadata.Distribution]:
    """Returns what the extras need and what comes with it, by name, as it is installed."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [("gridengine", frozenset(EXTRAS))]
    while waiting:
        project, extras = waiting.pop()
        if (name_of(project), extras) in seen:
            continue
        seen.add((name_of(project), extras))
        found[name_of(project)] = distribution = metadata.distribution(project)
        for each in map(Requirement, distribution.requires or ()):
            given = [{"extra": extra} for extra in ("", *extras)]
            if each.marker is None or any(map(each.marker.evaluate, given)):
                waiting.append((each.name, frozenset(each.extras)))
    return {name: each for name, each in found.items() if name not in {"gridengine", *BUNDLED}}


def line(distribution: metadata.Distribution) -> str:
    """Returns the line of one of them."""
    pin = f"{distribution.metadata['Name']} == {distribution.version}"
    wanted = SpecifierSet(distribution.metadata.get("Requires-Python") or "")
    versions = (f"3.{minor}" for minor in range(int(_OLDEST.partition(".")[2]), 100))
    first = next(version for version in versions if f"{version}.99" in wanted)
    return pin if first == _OLDEST else f"{pin}; python_version >= '{first}'"


if __name__ == "__main__":
    print(_HEAD + "\n".join(line(each) for _, each in sorted(needed().items())))
