"""Settings in a file: ``gridengine.toml`` of a project, and of a user.

::

    scheduler = "grid_engine"     # as GRIDENGINE_SCHEDULER: what programs get that name none
    linger = 2.0                  # any field of `gridengine.settings.Settings`

    [grid_engine]                 # arguments of the `GridEngineScheduler` that they get
    queue = "short.q"
    lifetime = "5m"
    h_vmem = "4G"

    [slurm]                       # of the `SlurmScheduler`
    partition = "short"

    [process]                     # and of the `ProcessScheduler`
    max_workers = 4

The project's file is that of the working directory, or of the nearest folder above it, as far as
these are the user's own: to look for a file in ``/home`` may ask a site's automounter. The user's
file lies in ``~/.config/gridengine`` (``XDG_CONFIG_HOME``). Of a key in both the project's holds,
and the environment goes before either.

A file says what runs on the nodes (``native = "-S ..."``), so it counts only if it is the user's
own or root's, and nobody else may write it, but for the user's private group; else the log says so.
In a working directory such as ``/tmp`` anybody may have put it: there it must have one name too,
and be no link, for a link's target may be root's and say what its maker likes. The user's own file
may be a link, as those who keep their dotfiles elsewhere have it.

A file is read whenever a scheduler is made or opened. Where there is none, that costs the looks.
"""

from __future__ import annotations

import os
import stat
import sys

from . import plugins
from .logs import Log

# `typing`, which errors need, is left to those who need it: see `gridengine.schedulers.base`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

    from .errors import GridEngineError

_log = Log(__name__)

NAME = "gridengine.toml"

SCHEDULERS = ("process", "grid_engine", "slurm", "inline")
"""The values of ``scheduler``, and the tables of arguments; `gridengine.plugins` has others."""

#: Files of which it was said that they do not count.
_told: set[str] = set()


class SettingsFile:
    """A file that was read.

    Args:
        path: Where it lies.
        link: Whether it may be a link, or have another name.

    Attributes:
        path: Where it lies.
        table: What is in it; nothing if it is not to be trusted.

    Raises:
        GridEngineError: It cannot be read, or is no TOML.
    """

    def __init__(self, path: str, *, link: bool) -> None:
        self.path = path
        try:
            self.table = _loads(_trusted_text(path, link=link))
        except OSError as error:
            raise _error(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise _error(f"{path} is no TOML: {error}") from None


def values(
    fields: Collection[str], wrong: Callable[[str], object]
) -> dict[str, tuple[str, object]]:
    """Returns what the files say about settings: for each field the file, and the value there.

    Args:
        fields: The names of the settings.
        wrong: Is told what is wrong, a file that is no TOML or a key that is no setting; raises, or
            has the rest read all the same.
    """
    found: dict[str, tuple[str, object]] = {}
    for file in files(wrong):
        _check_keys(file, fields, wrong)
        found |= {field: (file.path, file.table[field]) for field in fields if field in file.table}
    return found


def scheduler() -> tuple[str, str]:
    """Returns the name of the scheduler that is to be chosen and where that is said, or nothing.

    Raises:
        GridEngineError: There is none of that name.
    """
    name = where = ""
    for file in files():
        if "scheduler" in file.table:
            where = f"scheduler in {file.path}"
            name = file.table["scheduler"]
            if not isinstance(name, str):
                raise _error(f"{where} is {name!r}; it takes a text")
            if not is_scheduler(name):
                known = [*SCHEDULERS, *plugins.names()]
                hint = did_you_mean(name, known)
                raise _error(f"{where} is {name!r}; it takes one of {', '.join(known)}{hint}")
    return name, where


def is_scheduler(name: str) -> bool:
    """Tells whether a scheduler has this name, be it that of a plug-in."""
    return name in SCHEDULERS or plugins.is_one(name)


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
    for file in files():
        if name not in file.table:
            continue
        given = file.table[name]
        if not isinstance(given, dict):
            raise _error(f"{name} in {file.path} is {given!r}; it takes a table, [{name}]")
        for key in given.keys() - set(parameters):
            hint = did_you_mean(key, parameters)
            if hint or not free:
                raise _error(f"{file.path}: [{name}] has no {key!r}{hint}")
        found |= given
        paths.append(file.path)
    return found, " and ".join(paths)


def files(wrong: Callable[[str], object] | None = None) -> Iterator[SettingsFile]:
    """Yields the files that there are, the one that counts least first.

    Args:
        wrong: Is told which cannot be read; by default that is raised.
    """
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    # By one look each, where there is none.
    if os.path.exists(path := os.path.join(home, "gridengine", NAME)):
        yield from _read(path, wrong, link=True)
    if path := _path_of_project():
        yield from _read(path, wrong, link=False)


def _read(
    path: str, wrong: Callable[[str], object] | None, *, link: bool
) -> Iterator[SettingsFile]:
    from .errors import GridEngineError

    try:
        file = SettingsFile(path, link=link)
    except GridEngineError as error:
        if wrong is None:
            raise
        wrong(str(error))
    else:
        yield file


def _path_of_project() -> str:
    """Returns where the file of the project lies, nothing if there is none."""
    user = os.geteuid()
    try:
        folder = os.getcwd()
        # Where a link leads is not even looked at: somebody else may have put it there.
        while not os.path.lexists(path := os.path.join(folder, NAME)):
            above = os.path.dirname(folder)
            if above == folder or os.stat(above).st_uid != user:
                return ""
            folder = above
    except OSError:
        # A working directory that is gone, or may not be looked at, has none.
        return ""
    return path


def _trusted_text(path: str, *, link: bool) -> str:
    """Returns what is in a file that nobody else can have written, nothing of another."""
    # Not blocking: it may be a pipe.
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if link else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        # A link or a socket, or closed to this user: what is not to be trusted stops no program.
        if _is_trusted(os.stat(path, follow_symlinks=link), path, link=link):
            raise
    else:
        try:
            status = os.fstat(descriptor)
            if _is_trusted(status, descriptor, link=link):
                # Those of /proc have no size: what they say is made up, by any process maybe.
                if stat.S_ISREG(status.st_mode) and not status.st_size:
                    return ""
                with os.fdopen(descriptor, encoding="utf-8", closefd=False) as file:
                    return file.read()
        finally:
            os.close(descriptor)
    if path not in _told:
        _told.add(path)
        _log.warning(
            "%s is not read: it is no file of yours or root's that others may not write%s",
            path, "" if link else "; a link, or what has a second name, is none",
        )  # fmt: skip
    return ""


def _is_trusted(status: os.stat_result, file: str | int, *, link: bool) -> bool:
    """Returns whether only this user and root can have made and written a file, or a folder."""
    mode = status.st_mode
    if status.st_uid not in (0, os.geteuid()) or mode & stat.S_IWOTH:
        return False
    # A folder there is a mistake, and reading it says so.
    if not stat.S_ISDIR(mode) and not (stat.S_ISREG(mode) and (link or status.st_nlink <= 1)):
        return False
    return not mode & stat.S_IWGRP or _is_private_group(status.st_gid, file)


def is_written_by_others(path: str) -> bool:
    """Tells whether others than this user and root can write a file, or into a folder.

    Raises:
        OSError: It cannot be looked at.
    """
    status = os.lstat(path)
    return not _is_trusted(status, path, link=False)


def _is_private_group(group: int, file: str | int) -> bool:
    """Returns whether nobody but this user may write a file that its group may write."""
    import grp
    import pwd

    try:
        user = pwd.getpwuid(os.geteuid())
        name, _, _, members = grp.getgrgid(group)
    except KeyError:
        return False
    # Of a group with another name nobody can tell who is in it: whose first group it is stands
    # with the accounts, and many a directory does not list these.
    if (name, group) != (user.pw_name, user.pw_gid) or {*members} - {name}:
        return False
    # With an access control list that bit stands for all whom the list names: acl(5).
    return "system.posix_acl_access" not in _attributes(file)


def _attributes(file: str | int) -> list[str]:
    try:
        return os.listxattr(file) if sys.platform == "linux" else []
    except OSError:
        # A file system that has none.
        return []


def _loads(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    table: dict[str, Any] = tomllib.loads(text)
    return table


def _check_keys(
    file: SettingsFile, fields: Collection[str], wrong: Callable[[str], object]
) -> None:
    known = [*fields, "scheduler", *SCHEDULERS]
    for key, value in file.table.items():
        if key not in known and not (isinstance(value, dict) and plugins.is_one(key)):
            wrong(f"{file.path}: there is no setting {key!r}{did_you_mean(key, known)}")


def did_you_mean(key: str, known: Collection[str]) -> str:
    """Returns what ends a message about an unknown name: the nearest one, or nothing."""
    near = nearest(key, known)
    return f"; did you mean {near!r}?" if near else ""


def nearest(name: str, known: Collection[str]) -> str:
    """Returns the known name of which this one may be a misspelling; empty if there is none."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)), "")


def _error(text: str) -> GridEngineError:
    from .errors import GridEngineError

    return GridEngineError(text)
