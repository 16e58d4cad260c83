"""Versions of the two sides: which of them work together, and which cannot.

Code travels as bytecode, which is that of one minor version of one implementation of Python; and
what gridengine sends is taken apart by the same version of gridengine alone. Of its libraries
msgspec and pyzmq speak formats that do not change with their versions (MessagePack, ZMTP 3.1).
dill serves for few values; where two versions of it do not agree, the job says so that has one.
So a difference of these is something to know, and no reason to refuse a node.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

_LIBRARIES = ("msgspec", "zmq")


def python() -> str:
    """Returns the implementation and the version of this Python, ``cpython 3.11.7`` say."""
    return f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"


def gridengine() -> str:
    """Returns the version of this package."""
    # A part of it may not import the whole.
    return str(sys.modules[__name__.partition(".")[0]].__version__)


def libraries() -> dict[str, str]:
    """Returns the versions of the libraries that this side speaks with, as far as it does."""
    found = ((name, getattr(sys.modules.get(name), "__version__", "")) for name in _LIBRARIES)
    return {name: str(version) for name, version in found if version}


def own() -> tuple[str, str, dict[str, str]]:
    """Returns what a supervisor says of itself: `python`, `gridengine` and `libraries`."""
    return python(), gridengine(), libraries()


def refusal(host: str, other_python: str, other_gridengine: str) -> str:
    """Returns why a supervisor cannot work for this program, nothing if it can.

    Args:
        host: Where it is.
        other_python: Its Python, as `python` says it; empty if that is not known.
        other_gridengine: Its version of this package; empty if that is not known.
    """
    if other_python and (reason := refusal_of_python(host, other_python, python())):
        return reason
    if other_gridengine and other_gridengine != gridengine():
        return (
            f"{host} has gridengine {other_gridengine}, this program "
            f"{gridengine()}: they do not understand each other; install the same one there, and "
            "start programs anew after it was changed"
        )
    return ""


def refusal_of_python(host: str, node: str, program: str) -> str:
    """Returns why a node's Python cannot work for a program, nothing if it can.

    Args:
        host: The node.
        node: Its Python, as `python` says it.
        program: That of the program.
    """
    if _minor(node) == _minor(program):
        return ""
    return (
        f"{host} runs {node}, this program {program}: functions travel as bytecode, which another "
        f"version cannot run; have the same Python there under {sys.executable}"
    )


def differences(host: str, other: Mapping[str, str]) -> str:
    """Returns what to know of the libraries of a supervisor, nothing if they are the same.

    Args:
        host: Where it is.
        other: Its libraries, as `libraries` says it.
    """
    own = libraries()
    told = [
        f"{name} {other[name]} (here {own[name]})"
        for name in other
        if name in own and other[name] != own[name]
    ]
    return f"{host} has {', '.join(told)}" if told else ""


def _minor(version: str) -> str:
    return version.rpartition(".")[0]
