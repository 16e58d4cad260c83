"""A record of a job, handled by the program's logger of that name."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from ..nesting import inner
from .above_bars import above_bars

if TYPE_CHECKING:
    import logging

    from ..transport.logged import LoggedRecord


def handle(packed: LoggedRecord, job: str, host: str) -> None:
    """Has a record handled; what is raised goes the way of all that handlers raise.

    Args:
        packed: What was logged.
        job: The name of the job.
        host: Where it ran.
    """
    # Who has no job that logs need not import it.
    import logging

    try:
        if packed.level <= logging.root.manager.disable:
            return
        logger = logging.getLogger(packed.name)
        record = _record(packed, job, host)
        if not logger.hasHandlers() and not inner.told:
            # `logging.lastResort` shows nothing but the message.
            record.msg = f"[{_who(record)}] {record.msg}"
            with above_bars(sys.stderr):
                logger.handle(record)
            return
        logger.handle(record)
    except Exception:
        # A handler of the program's, or what its records are made by.
        logging.Handler().handleError(logging.makeLogRecord({"msg": packed.text}))


def _record(packed: LoggedRecord, job: str, host: str) -> logging.LogRecord:
    import logging

    file = os.path.basename(packed.path)
    level = logging.getLevelName(packed.level)
    record = logging.makeLogRecord(
        {
            "name": packed.name,
            "msg": packed.text,
            "args": None,
            "levelno": packed.level,
            # One that the program has no name for may have one in the job.
            "levelname": packed.level_name if level.startswith("Level ") else level,
            "pathname": packed.path,
            "filename": file,
            "module": os.path.splitext(file)[0],
            "lineno": packed.line,
            "funcName": packed.function,
            "created": packed.created,
            "msecs": packed.created % 1 * 1000,
            "thread": packed.thread,
            "threadName": packed.thread_name,
            "process": packed.process,
            "processName": packed.process_name,
            "exc_text": packed.exception or None,
            "stack_info": packed.stack or None,
            "job": job,
            "host": host,
        }
    )
    # On the clock of this program's records.
    start = record.created - getattr(logging, "_startTime", record.created)
    record.relativeCreated = start * 1000
    vars(record).update(_extra(packed.extra))
    return record


def _extra(packed: bytes) -> dict[str, Any]:
    if packed:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            extra: dict[str, Any] = msgspec.msgpack.decode(packed, type=dict[str, Any])
            return extra
    return {}


def _who(record: logging.LogRecord) -> str:
    values = vars(record)
    return " on ".join(str(part) for part in (values["job"], values["host"]) if part)
