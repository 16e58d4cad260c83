"""The messages about what jobs print; `gridengine.transport.messages` has the drawing."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from .numbers import Count

PIECE_LENGTH = 65536
"""Bytes of a `Piece`, at most: as much as a pipe holds."""

OUTPUT_WINDOW = 2 * 1024 * 1024
"""Bytes of output that a supervisor sends before it was told that they were heard."""


class Piece(Struct, array_like=True, gc=False):
    """Neighbouring bytes that were printed, on standard error or on standard output.

    Those of one chunk in one worker are counted, of each stream from 0 on; whoever has read them,
    the worker or its supervisor, sends them, and nobody else does. The first has number ``start``.
    """

    error: bool
    start: Count
    data: Annotated[bytes, Meta(max_length=PIECE_LENGTH)]


Pieces = Annotated[list[Piece], Meta(max_length=64)]
"""Some of them, in the order in which they were read."""


class Printed(Struct, array_like=True, gc=False):
    """What the calls ``lo`` to ``hi`` of a task have printed, as far as their worker has read it.

    It is all that there is of this attempt if that is ``over``: up to the end of the last piece of
    each stream, which may be empty.
    """

    task: Count
    attempt: Count
    lo: Count
    hi: Count
    over: bool
    pieces: Pieces


class Printing(Struct, tag="printing", array_like=True, frozen=True):
    """What worker number ``worker`` has printed, which is at one of these calls."""

    worker: Count
    position: Count
    width: Count
    pieces: Pieces


class OutputHeard(Struct, tag="output heard", array_like=True, frozen=True):
    """So many bytes of `Printing` have been heard, and more may be sent."""

    nbytes: Count
