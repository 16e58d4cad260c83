"""Names of chunks and queue jobs."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import sys
import time

from ..queue_pools.chunks import assign_tasks_to_chunks
from ..queue_pools.log import logger_of
from ..queue_pools.run import name_of

__all__ = [
    "LoggerFile",
    "assign_tasks_to_chunks",
    "default_python_path",
    "make_JB_name_from_ichunk",
    "make_ichunk_from_JB_name",
    "make_path_executable",
    "session_id_from_time_now",
]


def make_JB_name_from_ichunk(session_id: str, ichunk: int) -> str:  # noqa: N802  # its name there
    """Returns the name of a chunk's queue job."""
    return name_of(session_id, ichunk)


def make_ichunk_from_JB_name(JB_name: str) -> int:  # noqa: N802, N803  # their names there
    """Returns the number of the chunk of a queue job.

    Raises:
        ValueError, IndexError: It is the name of none.
    """
    return int(JB_name.split("#")[1])


def session_id_from_time_now() -> str:
    """Returns the time, as it begins the names of queue jobs: UTC."""
    return time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime())


def default_python_path() -> str:
    """Returns the interpreter that is called ``python`` here, or else this program's."""
    return os.path.abspath(shutil.which("python") or sys.executable)


def make_path_executable(path: str) -> None:
    """Lets its owner run a file."""
    os.chmod(path, os.stat(path).st_mode | stat.S_IEXEC)


def LoggerFile(path: str, name: str = "file") -> logging.Logger:  # noqa: N802  # its name there
    """Returns a logger that writes a JSON object in each line of a file."""
    return logger_of(path, name=name)
