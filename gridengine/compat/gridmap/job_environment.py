"""The variables of a job, as they are when it is made."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...logs import Log
from ...transport.environment import travels

log = Log("gridmap.job")


class JobEnvironment(dict[bytes, bytes]):
    """Names and values, as bytes.

    Attributes:
        added: The names of those that were asked for, and are not the program's.
    """

    added: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, copy_env: bool, add_env: Mapping[str, str] | None) -> JobEnvironment:
        """Returns those of a job.

        Args:
            copy_env: Whether those of this program are among them.
            add_env: Those that it has for itself.
        """
        made = cls(_raw() if copy_env else {})
        added = {os.fsencode(str(n)): os.fsencode(str(v)) for n, v in (add_env or {}).items()}
        made.update(added)
        made.added = frozenset(added)
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (dict(self), self.added)


def _raw() -> Mapping[bytes, bytes]:
    # The dictionary within, which is copied in a hundredth of the time.
    raw: Mapping[bytes, bytes] = getattr(os.environ, "_data", os.environb)
    return raw


def _rebuilt(variables: dict[bytes, bytes], added: frozenset[bytes]) -> JobEnvironment:
    made = JobEnvironment(variables)
    made.added = added
    return made


def own_variables(environment: Mapping[bytes, bytes], copy_env: bool) -> dict[str, str | None]:
    """Returns what a job's worker has to set, or take away: it has what the program has now.

    Args:
        environment: The job's.
        copy_env: Whether it has the program's variables.
    """
    added: frozenset[bytes] = getattr(environment, "added", frozenset())
    now = _raw() if copy_env else {}
    if copy_env and environment == now:
        return {}
    own: dict[str, str | None] = {}
    for raw, value in environment.items():
        if now.get(raw) == value:
            continue
        name = _decoded(raw, value)
        # What is of this host would be wrong on a node, unless somebody wants it there.
        if name and (raw in added or not copy_env or travels(name)):
            own[name] = os.fsdecode(value)
    for raw in now.keys() - environment.keys():
        name = os.fsdecode(raw)
        if travels(name):
            own[name] = None
    return own


def _decoded(raw: bytes, value: bytes) -> str:
    """Returns the name of a variable, empty if it can be none or is no text in any encoding."""
    try:
        name = raw.decode("utf-8")
        value.decode("utf-8")
    except UnicodeDecodeError:
        log.warning("the variable %s of a job is no text, and is left out", os.fsdecode(raw))
        return ""
    if not name or "=" in name or b"\0" in raw + value:
        log.warning("the variable %r of a job cannot be one, and is left out", name)
        return ""
    return name
