"""What there is to set: the table of the documents, and what ``gridengine settings`` prints."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from .. import settings_file
from ..errors import GridEngineError
from ..schedulers import choice
from ..settings import CHOICES, PREFIX, Settings
from ..settings_sources import settings_given, takes

SCHEDULER = "scheduler"

#: What else says it in a program, beside ``settings=`` of the scheduler, for how much of it.
OWN_ARGUMENTS = {
    SCHEDULER: "scheduler= of maps, jobs, pools, executors",
    "host": "host= of JobDispatcher",
    "ports": "ports= of JobDispatcher",
    "queue_jobs": "max_workers= of GridEngineScheduler",
    "through": "through= of GridEngineScheduler",
    "output": "output= of schedulers, maps, jobs",
    "progress": "progress= of maps",
    "mail_to": "notify= of maps",
}

_UNITS = {"Seconds": "seconds", "Bytes": "bytes"}


class Setting(NamedTuple):
    """What there is to know about a setting, whatever its value is.

    Attributes:
        name: Its name in files and in ``settings=``.
        default: Its default, empty if there is none that could be said in a word.
        takes: What values it takes, with the unit.
        argument: What says it in a program.
        meaning: What it is.
    """

    name: str
    default: str
    takes: str
    argument: str
    meaning: str

    @property
    def variable(self) -> str:
        """The name of its variable."""
        return PREFIX + self.name.upper()


def all_settings() -> Iterator[Setting]:
    """Yields all that there is to set, each once."""
    yield Setting(
        SCHEDULER, "", " or ".join(settings_file.SCHEDULERS), OWN_ARGUMENTS[SCHEDULER],
        "What maps and jobs run on that name no scheduler, and are in no ``with`` of one; by "
        "default a Grid Engine if its master answers, else the cores of this computer.",
    )  # fmt: skip
    meanings = _meanings()
    for name, default in Settings._field_defaults.items():
        meaning = meanings.get(name, "")
        own = OWN_ARGUMENTS.get(name)
        said = f'settings={{"{name}": …}}' + (f"; {own}" if own else "")
        yield Setting(name, shown(default), _takes(name, meaning), said, meaning)


def shown(value: object) -> str:
    """Returns a value as a variable would have it."""
    if isinstance(value, (bool, int, float)):
        return f"{float(value):.15g}"
    return str(value)


def _takes(name: str, meaning: str) -> str:
    unit = _UNITS.get(meaning.partition(" ")[0], "")
    kind = type(Settings._field_defaults[name])
    if kind is bool:
        return "1 or 0; true or false in files and programs"
    if kind is str or name in CHOICES:
        return takes(name)
    number = takes(name)
    return f"{unit}, {number}" if unit else number


def _meanings() -> dict[str, str]:
    """Returns what the docstring of `Settings` says about each of its fields."""
    _, _, attributes = inspect.cleandoc(Settings.__doc__ or "").partition("Attributes:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n     .*)*)", attributes, re.MULTILINE)
    return {field: " ".join(meaning.split()) for field, meaning in entries}


class InForce(NamedTuple):
    """A setting's value, and where that comes from.

    Attributes:
        name: The setting, or an argument of a scheduler: ``[grid_engine] queue``.
        value: The value.
        source: The variable, ``FILE:LINE``, or ``default``.
    """

    name: str
    value: object
    source: str


def in_force() -> tuple[list[InForce], list[str]]:
    """Returns what is in force in a program that is started here and says nothing itself.

    Then what is wrong, in any source; a setting about which something is wrong stands with the
    value that would be in force without that.
    """
    mistakes: list[str] = []
    rows = [_scheduler(mistakes)]
    given = settings_given(wrong=mistakes.append)
    for name, default in Settings._field_defaults.items():
        if name in given:
            where, value, file = given[name]
            rows.append(InForce(name, value, _line(file, "", name) if file else where))
        else:
            rows.append(InForce(name, default, "default"))
    rows += _arguments(mistakes)
    # A file that cannot be read is so for all of them.
    return rows, list(dict.fromkeys(mistakes))


def _scheduler(mistakes: list[str]) -> InForce:
    variable = PREFIX + SCHEDULER.upper()
    try:
        name, where = choice.wanted()
    except (ValueError, GridEngineError) as error:
        mistakes.append(str(error))
        name = where = ""
    if not name:
        return InForce(SCHEDULER, None, "default")
    file = where.partition(" in ")[2]
    return InForce(SCHEDULER, name, _line(file, "", SCHEDULER) if file else variable)


def _arguments(mistakes: list[str]) -> Iterator[InForce]:
    """Yields the arguments in files of the schedulers that programs get who name none."""
    try:
        told = choice.arguments_in_environment()
    except GridEngineError as error:
        mistakes.append(str(error))
        told = {}
    for table in settings_file.SCHEDULERS:
        found: dict[str, InForce] = {}
        for file in settings_file.files(_told_before):
            given = file.table.get(table, {})
            if not isinstance(given, dict):
                mistakes.append(f"{table} in {file.path} is {given!r}; it takes a table, [{table}]")
                continue
            for key, value in given.items():
                source = _line(file.path, table, key)
                found[key] = InForce(f"[{table}] {key}", value, source)
        for key, value in told.get(table, {}).items():
            found[key] = InForce(f"[{table}] {key}", value, f"{PREFIX}ARGUMENTS")
        if found:
            try:
                choice.described(table)
            except GridEngineError as error:
                mistakes.append(str(error))
        yield from found.values()


def _told_before(mistake: str) -> None:
    """The same files have been read for the settings."""


def _line(file: str, table: str, key: str) -> str:
    """Returns where a key stands, with its line if that is found: a TOML reader tells none."""
    pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    current = ""
    try:
        with open(file, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if header := re.match(r"\s*\[\s*[\"']?([\w-]+)[\"']?\s*\]", line):
                    current = header[1]
                elif current == table and pattern.match(line):
                    return f"{file}:{number}"
    except (OSError, ValueError):
        # It was there when it was read.
        pass
    return os.fspath(file)
