"""Imports msgspec without what it takes along: a worker that starts keeps somebody waiting.

msgspec asks typing_extensions for what `typing` itself has since Python 3.11, and falls back on
that. Where typing_extensions is installed, it takes more than half of the time, since it imports
`inspect` and all that stands on it.
"""

from __future__ import annotations

import sys
from typing import Any

_MODULES: dict[str, Any] = sys.modules


def import_msgspec() -> None:
    """Imports msgspec.

    For a process with one thread, before anybody else's code: it hides a module for a moment.
    """
    if sys.version_info < (3, 11) or "typing_extensions" in _MODULES:
        return
    # What the import system takes for "there is no such module".
    _MODULES["typing_extensions"] = None
    try:
        import msgspec  # noqa: F401
    finally:
        del _MODULES["typing_extensions"]
