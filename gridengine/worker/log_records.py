"""What jobs log goes to the program's `logging`. To be imported where `logging` is already.

A handler of the root logger would not do: with one there `logging.basicConfig` does nothing, and
what a job's own handlers have taken would be told twice. So it is asked where a logger looks for
its handlers: what none takes goes to the program, as it would to `logging.lastResort`.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import msgspec

from ..nesting import inner
from ..transport.logged import LONGEST_TEXT, LoggedRecord
from .records import Records, sendable

#: What every record has, and what `logging` itself adds when it is shown.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_NAME, _PATH = 1000, 4096

#: Characters of an attribute that is no plain data, as text.
_REPRESENTATION = 1000

#: Levels are below it.
_LEVEL = 1 << 31

#: Bytes of a record beside its texts, about.
_BYTES = 400


def send_log_records(records: Records) -> None:
    """Has all loggers of this process send what no handler of its own takes.

    Args:
        records: Where to.
    """
    sink = _Sink(records)
    pid = os.getpid()
    call_handlers = logging.Logger.callHandlers

    def call_handlers_or_send(logger: logging.Logger, record: logging.LogRecord) -> None:
        # A process that a job has forked has nobody to send it to.
        if os.getpid() != pid or _is_taken(logger, record):
            call_handlers(logger, record)
        else:
            # Not `handle`, which has other threads wait: what is sent is so by one alone.
            sink.emit(record)

    inner.told = True
    basic_config = logging.basicConfig

    def basic_config_if_asked(**kwargs: Any) -> None:
        # `logging.warning` and its like call it without a word where the root logger has no
        # handler: here that is no lack.
        if kwargs or os.getpid() != pid:
            basic_config(**kwargs)

    logging.basicConfig = basic_config_if_asked
    logging.Logger.callHandlers = call_handlers_or_send  # type: ignore[assignment,method-assign]


def _is_taken(logger: logging.Logger | None, record: logging.LogRecord) -> bool:
    while logger is not None:
        for handler in logger.handlers:
            if record.levelno >= handler.level and not isinstance(handler, logging.NullHandler):
                return True
        logger = logger.parent if logger.propagate else None
    return False


class _Sink(logging.Handler):
    """Sends records; what is wrong with one it says in the way of all handlers."""

    def __init__(self, records: Records) -> None:
        super().__init__()
        self._records = records
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a record, soon."""
        try:
            packed = self._packed(record)
            size = _BYTES + len(packed.text) + len(packed.exception) + len(packed.extra)
            self._records.add(packed, size, urgent=record.levelno >= logging.WARNING)
        except ConnectionError:
            # The program is gone; this worker will see it when it has something to answer.
            return
        except Exception:
            self.handleError(record)

    def _packed(self, record: logging.LogRecord) -> LoggedRecord:
        exception = record.exc_text or ""
        if record.exc_info and not exception:
            exception = self._formatter.formatException(record.exc_info)
        return LoggedRecord(
            self._records.task,
            sendable(record.name, _NAME),
            # What is no level of anybody's shall not keep the others that it is sent with.
            max(-_LEVEL, min(record.levelno, _LEVEL)),
            sendable(record.levelname, _NAME),
            sendable(record.getMessage(), LONGEST_TEXT),
            sendable(record.pathname, _PATH),
            max(0, record.lineno or 0),
            sendable(record.funcName or "", _NAME),
            max(0.0, record.created),
            record.thread or 0,
            sendable(record.threadName or "", _NAME),
            record.process or os.getpid(),
            sendable(record.processName or "", _NAME),
            sendable(exception, LONGEST_TEXT),
            sendable(record.stack_info or "", LONGEST_TEXT),
            _extra(record),
        )


def _extra(record: logging.LogRecord) -> bytes:
    """Returns the attributes of a record that others have not, as far as there is room."""
    found: dict[str, Any] = {
        name: value for name, value in vars(record).items() if name not in _STANDARD
    }
    # That of asyncio, from Python 3.12 on.
    if (task := getattr(record, "taskName", None)) is not None:
        found["taskName"] = task
    if inner.job:
        found.setdefault("job", inner.job)
    if not found:
        return b""
    packed: dict[str, msgspec.Raw] = {}
    left = LONGEST_TEXT
    for name, value in found.items():
        carried = _carried(value)
        key = sendable(name, _NAME)
        size = len(carried) + 4 * len(key) + 10
        if size <= left:
            left -= size
            packed[key] = msgspec.Raw(carried)
    return msgspec.msgpack.encode(packed)


def _carried(value: object) -> bytes:
    try:
        return msgspec.msgpack.encode(value)
    except Exception:
        # What is no plain data is what a format would make of it.
        return msgspec.msgpack.encode(sendable(str(value), _REPRESENTATION))
