"""Adds settings to a ``gridengine.toml`` and keeps all that stands there.

Lines are put in, and none is changed; what has come out is read again, and written only if it is
what was there with what was to be added, and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping

from .. import settings_file
from ..errors import GridEngineError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Table = Mapping[str, object]


def write(path: str, settings: Table) -> str:
    """Adds settings to a file and returns what there is to say about it.

    Args:
        path: The file; empty for the user's own.
        settings: As the file has them: a table is one of arguments of a scheduler.

    Raises:
        GridEngineError: They cannot be added to what is there; the message has the lines to be put
            in by hand.
        OSError: The file cannot be read or written.
    """
    path = os.path.realpath(os.path.expanduser(path) if path else _of_the_user())
    if not settings:
        return f"nothing is written into {path}: something has failed, or there is nothing to write"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    merged, added, kept = merge(text, settings, path)
    if added:
        _replace(path, merged)
    said = [f"{path}: {'added' if added else 'nothing to add'}", *(f"  {line}" for line in added)]
    return "\n".join([*said, *(f"  left as it is: {line}" for line in kept)])


def merge(text: str, settings: Table, path: str) -> tuple[str, list[str], list[str]]:
    """Returns a file's text with settings, the lines that are new, and those that say otherwise.

    Args:
        text: What is in the file.
        settings: What is to be in it. Of a key that is there already the file's value holds.
        path: Where it lies, for errors.

    Raises:
        GridEngineError: It is no TOML, or written in a way in which nothing can be added.
    """
    try:
        there = tomllib.loads(text)
    except ValueError as error:
        raise GridEngineError(f"{path} is no TOML, so nothing is written: {error}") from None
    wanted = dict(there)
    made, added, kept = text, list[str](), list[str]()
    for table, values in _by_table(settings).items():
        before = there.get(table, {}) if table else there
        if not isinstance(before, dict):
            raise _by_hand(path, settings)
        new = {name: value for name, value in values.items() if name not in before}
        kept += [
            f"{_dotted(table, name)} = {_value(before[name])}"
            for name, value in values.items()
            if name in before and before[name] != value
        ]
        if not new:
            continue
        lines = [f"{name} = {_value(value)}" for name, value in new.items()]
        made = _with_lines(made, table, lines)
        added += [f"[{table}]", *lines] if table else lines
        wanted = {**wanted, table: {**before, **new}} if table else {**wanted, **new}
    try:
        right = tomllib.loads(made) == wanted
    except ValueError:
        right = False
    if not right:
        raise _by_hand(path, settings)
    return made, added, kept


def _of_the_user() -> str:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(home, "gridengine", settings_file.NAME)


def _by_table(settings: Table) -> dict[str, dict[str, object]]:
    """Returns the settings of each table, those outside of all under an empty name."""
    found: dict[str, dict[str, object]] = {"": {}}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found[name] = dict(value)
        else:
            found[""][name] = value
    return found


def _with_lines(text: str, table: str, lines: list[str]) -> str:
    """Puts lines behind the header of a table, or before all of them, or makes the table."""
    end = "\r\n" if "\r\n" in text else "\n"
    block = "".join(f"{line}{end}" for line in lines)
    if text and not text.endswith(("\n", "\r")):
        text += end
    if not table:
        # Before the first header, and behind the comment that many a file begins with.
        first = re.search(r"^[ \t]*(?!#)\S", text, re.MULTILINE)
        place = first.start() if first else len(text)
        return text[:place] + block + text[place:]
    header = re.search(rf"^[ \t]*\[[ \t]*{table}[ \t]*\][ \t]*(#.*)?\r?\n", text, re.MULTILINE)
    if header:
        return text[: header.end()] + block + text[header.end() :]
    return f"{text}{end * bool(text)}[{table}]{end}{block}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    # TOML's basic strings are those of JSON, but for DEL.
    return (
        json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        if isinstance(value, str)
        else str(value)
    )


def _dotted(table: str, name: str) -> str:
    return f"{table}.{name}" if table else name


def _by_hand(path: str, settings: Table) -> GridEngineError:
    lines = []
    for table, values in _by_table(settings).items():
        lines += [f"  [{table}]"] if table else []
        lines += [f"  {name} = {_value(value)}" for name, value in values.items()]
    told = "\n".join(lines)
    return GridEngineError(f"{path} is written in a way to which nothing can be added here; "
                           f"put in by hand:\n{told}")  # fmt: skip


def _replace(path: str, text: str) -> None:
    """Writes a file, which is there as a whole at any time, with the mode that it had."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".gridengine-", dir=folder)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            if os.path.exists(path):
                os.fchmod(file.fileno(), os.stat(path).st_mode & 0o777)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
