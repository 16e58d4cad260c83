"""Where the settings are looked for: what a program says, its environment, and files.

::

    arguments  ──▶  GRIDENGINE_…  ──▶  gridengine.toml  ──▶  the user's  ──▶  the default
    settings=                          of the project        gridengine.toml

What comes first counts. What is no setting, in any of these, is an error: a setting that is
misspelt would be passed over, and its user would look for the reason elsewhere.
"""

from __future__ import annotations

import math
import operator
import os
from typing import NamedTuple

from .errors import GridEngineError
from .settings import CHOICES, LEAST, MAY_BE_ZERO, OTHERS, PREFIX, Settings, port_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DEFAULTS = Settings._field_defaults

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Given(NamedTuple):
    """What is said about one setting.

    Attributes:
        where: The words for it: a variable, ``linger in /home/me/gridengine.toml``, or
            ``linger in settings=``.
        value: The value, of the setting's type.
        file: The file, empty if it is in none.
    """

    where: str
    value: object
    file: str = ""


def settings_given(
    environ: Mapping[str, str] | None = None,
    arguments: Mapping[str, object] | None = None,
    wrong: Callable[[str], object] | None = None,
) -> dict[str, Given]:
    """Returns what is said about settings, by their names; those that are not there are as default.

    Args:
        environ: The environment, and no files are read; by default this process's, and files.
        arguments: What the program says itself.
        wrong: Is told of each mistake, and the rest is read all the same; by default the first one
            is raised.

    Raises:
        GridEngineError: There is a mistake.
    """
    wrong = wrong or _raise
    found: dict[str, Given] = {}

    def take(field: str, where: str, value: object, file: str = "") -> None:
        try:
            checked = _checked(field, value)
        except ValueError as error:
            mistake = f"{where} is {value!r}; it takes {error}"
        else:
            found[field] = Given(where, checked, file)
            return
        # Not above: its traceback would begin with that of the check.
        wrong(mistake)

    if environ is None:
        from . import settings_file

        environ = os.environ
        for field, (file, value) in settings_file.values(_DEFAULTS, wrong).items():
            take(field, f"{field} in {file}", value, file)
    for field in _DEFAULTS:
        if text := environ.get(variable := PREFIX + field.upper(), "").strip():
            take(field, variable, _Text(text))
    for field, value in (arguments or {}).items():
        if field in _DEFAULTS:
            take(field, f"{field} in settings=", value)
        else:
            wrong(f"settings= has {field!r}, which is no setting{_did_you_mean(str(field))}")
    if mistake := _impatient(found):
        wrong(mistake)
    ignored = found.get("ignored_variables")
    for mistake in _unknown(environ, str(ignored.value) if ignored else ""):
        wrong(mistake)
    return found


def _impatient(found: Mapping[str, Given]) -> str:
    """Returns what is wrong with the patience, if it ends before a sign of life can come."""
    heartbeat, patience = (
        found.get(name) or Given(f"{name}, by default,", _DEFAULTS[name])
        for name in ("heartbeat", "patience")
    )
    if patience.value > heartbeat.value:  # type: ignore[operator]  # both are numbers
        return ""
    return (
        f"{patience.where} is {patience.value:g}, and {heartbeat.where} is {heartbeat.value:g}: "
        "every node would count as lost before its next sign of life; give a patience of several "
        "heartbeats"
    )


class _Text(str):
    """A variable's value, which may stand for a number."""

    __slots__ = ()


def _raise(mistake: str) -> None:
    raise GridEngineError(mistake)


def _did_you_mean(field: str) -> str:
    from .settings_file import did_you_mean

    return did_you_mean(field, _DEFAULTS)


def _unknown(environ: Mapping[str, str], ignored: str) -> Iterator[str]:
    """Yields what is wrong with variables that begin as ours do, but are read by nobody."""
    known = {*OTHERS, *map(str.upper, _DEFAULTS)}
    for name in environ:
        rest = name.removeprefix(PREFIX)
        # One that is empty says nothing, as one of ours that is.
        if rest == name or rest in known or not environ[name].strip():
            continue
        if not _matches(rest, OTHERS) and not _matches(name, ignored.replace(",", " ").split()):
            from .settings_file import nearest

            near = nearest(rest, [each for each in known if "*" not in each])
            hint = f"did you mean {PREFIX}{near}?" if near else "`gridengine settings` lists them"
            yield (
                f"{name} is no setting; {hint} If it is another program's: "
                f"{PREFIX}IGNORED_VARIABLES={name} (in gridengine.toml: ignored_variables = …)"
            )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


def takes(field: str) -> str:
    """Returns what a setting takes, in words."""
    if field in CHOICES:
        return " or ".join(CHOICES[field])
    kind = type(_DEFAULTS[field])
    if kind in (int, float):
        if field in LEAST:
            return f"0, or {_KINDS[kind]} of at least {LEAST[field]:g}"
        return f"{_KINDS[kind]} {'of at least 0' if field in MAY_BE_ZERO else 'above 0'}"
    return _KINDS[kind]


def _checked(field: str, given: object) -> object:
    """Returns a setting's value.

    Raises:
        ValueError: It is none; the message is what it takes.
    """
    kind = type(_DEFAULTS[field])
    value: object
    if isinstance(given, _Text):
        value = _of_text(kind, given)
    elif kind in (int, float):
        value = _number(kind, given)
    else:
        if kind is str and isinstance(given, os.PathLike):
            given = os.fspath(given)
        if not isinstance(given, kind):
            raise ValueError(_KINDS[kind])
        value = given
    if isinstance(value, (int, float)) and not _is_in_bounds(field, value):
        raise ValueError(takes(field))
    if field in CHOICES and value not in CHOICES[field]:
        raise ValueError(takes(field))
    return _FURTHER[field](str(value)) if field in _FURTHER and value else value


def _is_in_bounds(field: str, value: float) -> bool:
    if isinstance(value, bool):
        return True
    if 0 < value < LEAST.get(field, 0.0):
        return False
    return math.isfinite(value) and value >= 0 and bool(value or field in MAY_BE_ZERO)


def _of_text(kind: type, text: str) -> object:
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise ValueError("1 or 0")
        return _TRUTHS[text.lower()]
    try:
        return str(text) if kind is str else kind(text)
    except ValueError:
        raise ValueError(_KINDS[kind]) from None


def _number(kind: type, given: object) -> int | float:
    # numpy's too; a truth is none, though Python has it as one.
    try:
        if isinstance(given, (bool, str)):
            raise TypeError
        return operator.index(given) if kind is int else float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(_KINDS[kind]) from None


def _run_dir(path: str) -> str:
    # Queue jobs start elsewhere, and this program may go elsewhere.
    return os.path.abspath(os.path.expanduser(path))


def _ports(text: str) -> str:
    try:
        port_range(text)
    except GridEngineError:
        raise ValueError("one port or a range such as 54000-55000") from None
    return text


def _addresses(text: str) -> str:
    from .mail_addresses import addresses_in

    return ",".join(addresses_in(text))


def _address(text: str) -> str:
    if "," in text:
        raise ValueError("one address such as me@example.org")
    return _addresses(text)


def _mail_server(text: str) -> str:
    from .mail_addresses import server_in

    server_in(text)
    return text


#: What else some take, and what becomes of it.
_FURTHER = {
    "run_dir": _run_dir,
    "ports": _ports,
    "mail_to": _addresses,
    "mail_from": _address,
    "smtp": _mail_server,
}
