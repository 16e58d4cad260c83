"""What jobs have logged, and the warnings that they have shown, as a message: plain data."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from .numbers import Count, Seconds

LONGEST_TEXT = 65536
"""Characters of what a job says in a `Logged`, at most; bytes of the attributes of a record."""

MOST_RECORDS = 1000
"""Records in a `Logged`, at most, and warnings."""

Name = Annotated[str, Meta(max_length=1000)]
"""A name that a job's code has for something."""

SourcePath = Annotated[str, Meta(max_length=4096)]
"""The path of a file of source code."""

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
"""What a job says."""


class LoggedRecord(Struct, array_like=True, gc=False):
    """What a call of a task has logged: a `logging.LogRecord`, whose message is made.

    ``extra`` are its other attributes, packed by msgpack: they are unpacked where it is handled.
    """

    task: Count
    name: Name
    level: int
    level_name: Name
    text: Text
    path: SourcePath
    line: Count
    function: Name
    created: Seconds
    thread: int
    thread_name: Name
    process: Count
    process_name: Name
    exception: Text = ""
    stack: Text = ""
    extra: Annotated[bytes, Meta(max_length=LONGEST_TEXT)] = b""


class WarningShown(Struct, array_like=True, gc=False):
    """A warning that a call of a task has shown.

    ``categories`` are its class and those that this is derived from, by module and name. Of a job
    within the job ``within`` says who has warned, and ``host`` where, if it was elsewhere.
    """

    task: Count
    text: Text
    categories: Annotated[list[tuple[Name, Name]], Meta(min_length=1, max_length=20)]
    path: SourcePath
    line: Count
    module: Name
    within: Name = ""
    host: Name = ""


class Logged(Struct, tag="logged", array_like=True, gc=False):
    """What calls have logged, and the warnings that they have shown, since the last one.

    ``dropped`` are those for which there was no room.
    """

    records: Annotated[list[LoggedRecord], Meta(max_length=MOST_RECORDS)]
    warnings: Annotated[list[WarningShown], Meta(max_length=MOST_RECORDS)] = []
    dropped: Count = 0
