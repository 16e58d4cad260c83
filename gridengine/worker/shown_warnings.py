"""Warnings that jobs show go to the program."""

from __future__ import annotations

import os
import sys
import warnings
from types import FrameType
from typing import TextIO

from ..nesting import inner
from ..transport.logged import LONGEST_TEXT, WarningShown
from .records import Records, sendable

_NAME, _PATH = 1000, 4096

#: Classes that are named of a warning's, its own first.
_CLASSES = 20

#: Frames that are looked at for the one that has warned: ``stacklevel`` may name a far one.
_FRAMES = 100

#: Bytes of a warning beside its text, about.
_BYTES = 400


def send_warnings(records: Records) -> None:
    """Has what this process would show as a warning sent to the program.

    Args:
        records: Where to.
    """
    pid = os.getpid()
    show_here = warnings.showwarning

    def show_in_program(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        # A process that a job has forked has nobody to send it to.
        if file is not None or os.getpid() != pid:
            show_here(message, category, filename, lineno, file, line)
            return
        shown = WarningShown(
            records.task,
            sendable(message, LONGEST_TEXT),
            _named(category),
            sendable(filename, _PATH),
            max(0, lineno),
            sendable(_module_at(filename, lineno), _NAME),
            sendable(inner.job, _NAME),
            sendable(inner.host, _NAME),
        )
        try:
            records.add(shown, _BYTES + len(shown.text), urgent=True)
        except ConnectionError:
            # The program is gone; this worker will see it when it has something to answer.
            return

    warnings.showwarning = show_in_program


def _named(category: type) -> list[tuple[str, str]]:
    kinds = [kind for kind in category.__mro__ if issubclass(kind, Warning)][:_CLASSES]
    return [(sendable(k.__module__, _NAME), sendable(k.__qualname__, _NAME)) for k in kinds]


def _module_at(filename: str, lineno: int) -> str:
    """Returns the module that is said to warn, as filters know it."""
    frame: FrameType | None = sys._getframe()
    for _ in range(_FRAMES):
        if frame is None:
            break
        if frame.f_lineno == lineno and frame.f_code.co_filename == filename:
            return str(frame.f_globals.get("__name__", filename))
        frame = frame.f_back
    # As `warnings.warn_explicit` makes it of a file.
    return filename.removesuffix(".py") or "<unknown>"
