"""Schedulers by name that are not among the first: further ones of this package, and plug-ins.

A distribution that has one names it in its metadata, in the group ``gridengine.schedulers``::

    [project.entry-points."gridengine.schedulers"]
    mine = "my_package:MyScheduler"

Then ``scheduler="mine"``, ``GRIDENGINE_SCHEDULER=mine`` and a table ``[mine]`` in a
``gridengine.toml`` mean it. What is installed is looked through only for a name that is not known
otherwise: that takes some milliseconds.
"""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import EntryPoint

    from .errors import GridEngineError

GROUP = "gridengine.schedulers"
"""The group of entry points."""

OURS = {
    "htcondor": "gridengine.schedulers.htcondor:HTCondorScheduler",
    "lsf": "gridengine.schedulers.lsf:LsfScheduler",
    "pbs": "gridengine.schedulers.pbs:PbsScheduler",
}
"""Those of this package, by name, and where they are found."""


def names() -> list[str]:
    """Returns all names, those of this package first."""
    return [*OURS, *sorted(_installed().keys() - OURS.keys())]


def is_one(name: str) -> bool:
    """Tells whether there is a scheduler of that name."""
    return name in OURS or name in _installed()


def load(name: str) -> Callable[..., object]:
    """Returns the class, or the function, that makes the scheduler of a name.

    Raises:
        GridEngineError: Two distributions have one of that name, or it cannot be imported.
    """
    import importlib

    if name in OURS:
        module, _, attribute = OURS[name].partition(":")
        maker: Callable[..., object] = getattr(importlib.import_module(module), attribute)
        return maker
    found = _installed()[name]
    if len(found) > 1:
        raise _error(
            f"the scheduler {name!r} is in {' and in '.join(map(_whose, found))}; uninstall one, "
            "or give a scheduler instead of a name"
        )
    [entry] = found
    try:
        maker = entry.load()
    except Exception as error:
        raise _error(
            f"the scheduler {name!r} of {_whose(entry)} cannot be imported from {entry.value}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not callable(maker):
        raise _error(f"the scheduler {name!r} of {_whose(entry)} is {maker!r}, which is no class")
    return maker


def whose(name: str) -> str:
    """Returns what has the scheduler of a name, in words for an error."""
    return "gridengine" if name in OURS else _whose(_installed()[name][0])


def _whose(entry: EntryPoint) -> str:
    distribution = entry.dist
    if distribution is None:
        return "an unknown distribution"
    return f"{distribution.metadata['Name']} {distribution.version}"


@functools.cache
def _installed() -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    return found


def _error(text: str) -> GridEngineError:
    from .errors import GridEngineError

    return GridEngineError(text)
