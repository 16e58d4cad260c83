"""What happens, as JSON objects, a line each."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Final

QMR_KEYS: Final = ("t", "c", "l", "m")
PYPOOLPARTY_KEYS: Final = ("t", "l", "m", "c")
"""The order of time, place in the code, level and message that programs know from there."""


class JsonLines(logging.Formatter):
    """Formats records.

    Args:
        keys: The order of the keys.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__()
        self._keys = keys

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(record.created))
        values = {
            "t": f"{stamp}.{int(record.msecs):03d}",
            "c": f"{record.pathname}:{record.funcName}:{record.lineno}",
            "l": record.levelname,
            "m": record.getMessage(),
        }
        return json.dumps({key: values[key] for key in self._keys})


def logger_of(path: str, keys: Sequence[str] = QMR_KEYS, name: str = "file") -> logging.Logger:
    """Returns a logger that writes a file, and hands nothing on; nobody else has it."""
    logger = logging.Logger(name, logging.DEBUG)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(JsonLines(keys))
    logger.addHandler(handler)
    return logger


@contextlib.contextmanager
def logging_to(path: str, keys: Sequence[str]) -> Iterator[logging.Logger]:
    """Gives a logger that writes a file, which is closed at the end."""
    logger = logger_of(path, keys)
    try:
        yield logger
    finally:
        close(logger)


def close(logger: logging.Logger) -> None:
    """Closes the file of a logger."""
    for handler in list(logger.handlers):
        handler.close()
        logger.removeHandler(handler)
