"""Lines of source that a worker could not have, put into the text of its traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Container

from ..logs import printable

#: A frame in a traceback, in one of an exception group too.
_FRAME = r'([ |]*)File "(.+)", line (\d+), in (.*)'

#: The name of all that has none: of what `exec` is given, and of a program of ``python -c``.
_NAMELESS = "<string>"


def with_source_lines(text: str) -> str:
    """Returns a traceback with the lines that this program knows and the text has not."""
    # Not at the top: a program without failures does without.
    import re

    lines = text.split("\n")
    shown = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        shown.append(line)
        frame = re.match(_FRAME, line)
        if frame is None or following.startswith(f"{frame[1]}  "):
            continue
        source = _line(frame[2], int(frame[3]), frame[4]).strip()
        if source:
            shown.append(printable(f"{frame[1]}  {source}"))
    return "\n".join(shown)


def _line(path: str, number: int, function: str) -> str:
    import linecache

    typed = _typed_line(path, number, function)
    if typed or path == _NAMELESS:
        return typed
    main = sys.modules.get("__main__")
    if path == getattr(main, "__file__", None):
        # It may be in an archive, which its loader alone can read.
        linecache.lazycache(path, vars(main))
    elif not _may_be_read(path, linecache.cache):
        return ""
    return linecache.getline(path, number)


def _typed_line(path: str, number: int, function: str) -> str:
    """Returns a line of what was typed at Python's prompt, or after ``-c``, from Python 3.13 on.

    That is kept by file, function and the function's first line, and by no documented name; what
    else may be there is passed over. A worker runs functions, so a module there is another one.
    """
    import linecache

    # The innermost function in each file that has the line.
    found: dict[str, tuple[int, str]] = {}
    for key, entry in getattr(linecache, "_interactive_cache", {}).items():
        match key, entry:
            case (str(file), str(name), int(first)), (_, _, list(source), *_):
                named = name.rpartition(".")[2] == function != "<module>"
                if named and _is_shown_as(file, path) and first <= number <= len(source):
                    found[file] = max(found.get(file, (0, "")), (first, str(source[number - 1])))
    # Statements at the plain prompt have one name in a traceback: rather no line than another's.
    lines = {line for _, line in found.values()}
    return lines.pop() if len(lines) == 1 else ""


def _is_shown_as(file: str, path: str) -> bool:
    return file == path or (path == "<stdin>" and file.startswith("<stdin-"))


def _may_be_read(path: str, known: Container[str]) -> bool:
    """Tells whether a file that a text names may be looked at: the text may be anybody's.

    One that looks like a frame can stand in the message of an exception, and name a pipe, which
    would never be read to its end, or what is nobody's to be shown.
    """
    if path in known or path.startswith("<"):
        return True
    return path.endswith((".py", ".pyx", ".pyw")) and os.path.isfile(path)
