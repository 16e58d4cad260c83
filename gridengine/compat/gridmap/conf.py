"""GridMap's settings: constants, each from the environment variable of its name, read at import.

=============================== ==================== ===============================================
``USE_MEM_FREE``                False                whether ``mem_free`` of jobs is asked for
``DEFAULT_QUEUE``               ``all.q``            the queue of jobs that name none
``DEFAULT_TEMP_DIR``            ``/scratch/``        the folder for what jobs print
``DEFAULT_PAR_ENV``             ``smp``              what grants a job several slots
``HEARTBEAT_FREQUENCY``         10                   seconds between two looks at what a job uses
``MAX_TIME_BETWEEN_HEARTBEATS`` 90                   seconds of silence after which a node is lost
``MAX_IDLE_HEARTBEATS``         3                    idle looks after which a job has stalled
``IDLE_THRESHOLD``              1.0                  percent of a processor below which it is idle
``NUM_RESUBMITS``               3                    how often a job is tried again that was lost
``CHECK_FREQUENCY``             15                   nothing: what happens is heard at once
``SEND_ERROR_MAIL``             see below            whether mails are sent
``ERROR_MAIL_RECIPIENT``        this user            to whom
``ERROR_MAIL_SENDER``           ``error@gridmap.py`` from whom
``SMTP_SERVER``                 this domain          by which server
``CREATE_PLOTS``                True                 whether plots of memory and load are attached
=============================== ==================== ===============================================

Mails are off unless ``SEND_ERROR_MAIL`` is true, or ``ERROR_MAIL_RECIPIENT`` or ``SMTP_SERVER`` is
set. The times between heartbeats, of those and of idle ones count for gridengine where they are
set: otherwise its own settings do, and no job counts as stalled.

Texts are true that are ``TRUE`` in capitals; ``1`` and ``yes`` are not, as in GridMap. The
variables of GridMap 0.9 and 0.10 are heeded too: ``GRID_MAP_USE_MEM_FREE`` and
``GRID_MAP_DEFAULT_QUEUE``.

Raises:
    ValueError: A variable is to be a number, and is none.
"""

from __future__ import annotations

import getpass
import importlib.util
import os
import socket
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

#: The names of GridMap up to 0.10.
_OLD_NAMES = {"USE_MEM_FREE": "GRID_MAP_USE_MEM_FREE", "DEFAULT_QUEUE": "GRID_MAP_DEFAULT_QUEUE"}

_NUMBERS = {int: "a whole number", float: "a number"}

#: Which constants the environment says.
_said: set[str] = set()


def is_said(name: str) -> bool:
    """Tells whether the environment has said a constant when this module was imported."""
    return name in _said


def _text(name: str) -> str | None:
    for each in (name, _OLD_NAMES.get(name, name)):
        if each in os.environ:
            _said.add(name)
            return os.environ[each]
    return None


def _read(name: str, kind: Callable[[str], _T], default: _T) -> _T:
    text = _text(name)
    if text is None:
        return default
    try:
        return kind(text)
    except ValueError:
        what = _NUMBERS[kind]  # type: ignore[index]  # a text is any text
        raise ValueError(f"the variable {name} is {text!r}; gridmap takes {what}") from None


def _flag(name: str, default: bool) -> bool:
    text = _text(name)
    return default if text is None else text.upper() == "TRUE"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id that no file knows
        return str(os.getuid())


_labels = socket.gethostname().split(".")

USE_MEM_FREE = _flag("USE_MEM_FREE", False)
DEFAULT_QUEUE = _read("DEFAULT_QUEUE", str, "all.q")
DEFAULT_TEMP_DIR = _read("DEFAULT_TEMP_DIR", str, "/scratch/")
DEFAULT_PAR_ENV = _read("DEFAULT_PAR_ENV", str, "smp")

HEARTBEAT_FREQUENCY = _read("HEARTBEAT_FREQUENCY", int, 10)
MAX_TIME_BETWEEN_HEARTBEATS = _read("MAX_TIME_BETWEEN_HEARTBEATS", int, 90)
MAX_IDLE_HEARTBEATS = _read("MAX_IDLE_HEARTBEATS", int, 3)
IDLE_THRESHOLD = _read("IDLE_THRESHOLD", float, 1.0)
NUM_RESUBMITS = _read("NUM_RESUBMITS", int, 3)
CHECK_FREQUENCY = _read("CHECK_FREQUENCY", int, 15)

SMTP_SERVER = _read("SMTP_SERVER", str, ".".join(_labels[-3:]))
ERROR_MAIL_SENDER = _read("ERROR_MAIL_SENDER", str, "error@gridmap.py")
ERROR_MAIL_RECIPIENT = _read("ERROR_MAIL_RECIPIENT", str, f"{_user()}@{'.'.join(_labels[-2:])}")
SEND_ERROR_MAIL = _flag("SEND_ERROR_MAIL", bool(_said & {"SMTP_SERVER", "ERROR_MAIL_RECIPIENT"}))
CREATE_PLOTS = _flag("CREATE_PLOTS", True) and importlib.util.find_spec("matplotlib") is not None


def __getattr__(name: str) -> bool:
    # Whether a master answers takes a moment, and is asked when somebody wants to know.
    if name == "DRMAA_PRESENT":
        from .cluster import is_there

        return is_there()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
