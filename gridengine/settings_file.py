"""Settings in a file: ``gridengine.toml`` of a project, and of a user.

::

    scheduler = "grid_engine"     # as GRIDENGINE_SCHEDULER: what programs get that name none
    linger = 2.0                  # any field of `gridengine.settings.Settings`

    [grid_engine]                 # arguments of the `GridEngineScheduler` that they get
    queue = "short.q"
    lifetime = "5m"
    h_vmem = "4G"

    [process]                     # and of the `ProcessScheduler`
    max_workers = 4

The project's file is that of the working directory, or of the nearest folder above it, as far as
these are the user's own: to look for a file in ``/home`` may ask a site's automounter. The user's
file lies in ``~/.config/gridengine`` (``XDG_CONFIG_HOME``). Of a key in both the project's holds,
and the environment goes before either.

A file says what runs on the nodes (``native = "-S ..."``), so it counts only if it is the user's
own or root's, and not everybody may write it; else the log says so. In a working directory such
as ``/tmp`` anybody may have put it.

A file is read whenever a scheduler is made or opened. Where there is none, that costs the looks.
"""

from __future__ import annotations

import os
import stat
import sys

from .logs import Log

# `typing`, which errors need, is left to those who need it: see `gridengine.schedulers.base`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from .errors import GridEngineError

_log = Log(__name__)

NAME = "gridengine.toml"

SCHEDULERS = ("process", "grid_engine")
"""The values of ``scheduler``, and the tables of arguments."""

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}

#: Files of which it was said that they do not count.
_told: set[str] = set()


class SettingsFile:
    """A file that was read.

    Attributes:
        path: Where it lies.
        table: What is in it; nothing if it is not to be trusted.

    Raises:
        GridEngineError: It cannot be read, or is no TOML.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.table = _loads(_trusted_text(path))
        except OSError as error:
            raise _wrong(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise _wrong(f"{path} is no TOML: {error}") from None


def texts(fields: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """Returns what the files say about settings: for each field where, and what, as text.

    Args:
        fields: The settings and their defaults.

    Raises:
        GridEngineError: A file has a key that is none, or a value of a wrong type.
    """
    found = {}
    for file in _files():
        _check_keys(file, fields)
        for field, default in fields.items():
            if field in file.table:
                where = f"{field} in {file.path}"
                found[field] = where, _text(where, file.table[field], type(default))
    return found


def scheduler() -> tuple[str, str]:
    """Returns the name of the scheduler that is to be chosen and where that is said, or nothing.

    Raises:
        GridEngineError: There is none of that name.
    """
    name = where = ""
    for file in _files():
        if "scheduler" in file.table:
            where = f"scheduler in {file.path}"
            name = _text(where, file.table["scheduler"], str)
            if name not in SCHEDULERS:
                raise _wrong(f"{where} is {name!r}; it takes {' or '.join(SCHEDULERS)}")
    return name, where


def arguments(name: str, parameters: Collection[str], *, free: bool) -> tuple[dict[str, Any], str]:
    """Returns the arguments for a scheduler, and the files that have them.

    Args:
        name: The name of its table.
        parameters: The names of those that it is known to take.
        free: Whether it takes others too, as long as they are not nearly one of these.

    Raises:
        GridEngineError: There is one that it does not take.
    """
    found: dict[str, Any] = {}
    paths = []
    for file in _files():
        if name not in file.table:
            continue
        given = file.table[name]
        if not isinstance(given, dict):
            raise _wrong(f"{name} in {file.path} is {given!r}; it takes a table, [{name}]")
        for key in given.keys() - set(parameters):
            hint = _did_you_mean(key, parameters)
            if hint or not free:
                raise _wrong(f"{file.path}: [{name}] has no {key!r}{hint}")
        found |= given
        paths.append(file.path)
    return found, " and ".join(paths)


def _files() -> Iterator[SettingsFile]:
    """Yields the files that there are, the one that counts least first."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    for path in (os.path.join(home, "gridengine", NAME), _path_of_project()):
        # By one look each, where there is none.
        if path and os.path.exists(path):
            yield SettingsFile(path)


def _path_of_project() -> str:
    """Returns where the file of the project lies, nothing if there is none."""
    user = os.geteuid()
    try:
        folder = os.getcwd()
        while not os.path.exists(path := os.path.join(folder, NAME)):
            above = os.path.dirname(folder)
            if above == folder or os.stat(above).st_uid != user:
                return ""
            folder = above
    except OSError:
        # A working directory that is gone, or may not be looked at, has none.
        return ""
    return path


def _trusted_text(path: str) -> str:
    """Returns what is in a file that nobody else can have written, nothing of another."""
    # Not blocking: it may be a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        anybodys = stat.S_ISFIFO(status.st_mode) or status.st_mode & stat.S_IWOTH
        if status.st_uid in (0, os.geteuid()) and not anybodys:
            with os.fdopen(descriptor, encoding="utf-8", closefd=False) as file:
                return file.read()
    finally:
        os.close(descriptor)
    if path not in _told:
        _told.add(path)
        _log.warning(
            "%s is not read: it is no file of yours or root's that others may not write", path
        )
    return ""


def _loads(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    table: dict[str, Any] = tomllib.loads(text)
    return table


def _check_keys(file: SettingsFile, fields: Collection[str]) -> None:
    known = [*fields, "scheduler", *SCHEDULERS]
    for key in file.table:
        if key not in known:
            raise _wrong(f"{file.path}: there is no setting {key!r}{_did_you_mean(key, known)}")


def _text(where: str, value: object, kind: type) -> str:
    # A whole number is a number too, but a truth is neither.
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or isinstance(value, bool) is not (kind is bool):
        raise _wrong(f"{where} is {value!r}; it takes {_KINDS[kind]}")
    return str(value)


def _did_you_mean(key: str, known: Collection[str]) -> str:
    near = nearest(key, known)
    return f"; did you mean {near!r}?" if near else ""


def nearest(name: str, known: Collection[str]) -> str:
    """Returns the known name of which this one may be a misspelling; empty if there is none."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)), "")


def _wrong(text: str) -> GridEngineError:
    from .errors import GridEngineError

    return GridEngineError(text)
