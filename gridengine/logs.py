"""The package's loggers, made on first use: `logging` takes longer to import than a map to run."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Log:
    """Stands for ``logging.getLogger(name)``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        try:
            import logging
        except OSError:
            # No descriptor is left for its file; it is then that there is something to say.
            return _say
        return getattr(logging.getLogger(self._name), attribute)


def _say(text: str, *values: object) -> None:
    import sys

    if sys.stderr is not None:
        sys.stderr.write(f"gridengine: {text % values}\n")
