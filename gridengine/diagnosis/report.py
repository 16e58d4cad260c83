"""What the doctor has found: a table for people, and JSON for programs."""

from __future__ import annotations

import dataclasses
import itertools
import json
import textwrap
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from .. import html_tables
from ..logs import printable

State = Literal["ok", "warning", "failed", "unknown"]
"""How a check ended. A *warning* is what works, but may surprise; *unknown* is what could not be
tried, mostly since something before it has failed."""

_WIDTH = 100


class Check(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: What it is.
        state: How it is.
        found: What was seen.
        advice: What to do about it; empty if there is nothing to do.
    """

    name: str
    state: State
    found: str
    advice: str = ""


@dataclasses.dataclass(frozen=True)
class DoctorReport:
    """What `gridengine.doctor` has found; its text is a table.

    Attributes:
        checks: All that was looked at, in the order in which a program needs it.
        settings: What is known to work, as a ``gridengine.toml`` has it: what was asked for
            explicitly, and the host's address where not all of them were reached. Empty if
            something has failed.
        host: The host on which it ran.
        seconds: How long it took.
    """

    checks: tuple[Check, ...]
    settings: dict[str, object]
    host: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing has failed. Warnings, and what is not known, are no failures."""
        return not any(check.state == "failed" for check in self.checks)

    def __str__(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        rows = [line for check in _together(self.checks) for line in _rows(check, width)]
        return printable("\n".join([*rows, "", self._summary()]))

    def to_json(self) -> str:
        """Returns it all as JSON: an object with ``ok`` and the attributes of this."""
        return json.dumps(
            {
                "ok": self.ok,
                "host": self.host,
                "seconds": round(self.seconds, 3),
                "checks": [check._asdict() for check in self.checks],
                "settings": self.settings,
            },
            indent=2,
        )

    def _repr_html_(self) -> str:
        states = {"ok": "finished", "failed": "failed", "warning": "queued"}
        rows = {
            check.name: html_tables.Markup(
                f"{html_tables.state(states.get(check.state, check.state))}"
                f" {html_tables.escaped(' '.join(filter(None, (check.found, check.advice))))}"
            )
            for check in self.checks
        }
        return html_tables.facts(rows)

    def _summary(self) -> str:
        counts = {
            state: sum(check.state == state for check in self.checks)
            for state in ("failed", "warning", "unknown", "ok")
        }
        named = {"warning": "with a warning"}
        told = [f"{count} {named.get(state, state)}" for state, count in counts.items() if count]
        return f"{self.host}: {', '.join(told)}; {self.seconds:.1f} s"


def _together(checks: Iterable[Check]) -> Iterator[Check]:
    """Yields checks, but one for all that stand together and are unknown for the same reason."""
    for (state, found, _), each in itertools.groupby(
        checks, lambda c: (c.state, c.found, c.advice)
    ):
        first, *more = each
        if more and state == "unknown":
            names = ", ".join(check.name for check in more)
            found = f"{found} (the same: {names})"
            more = []
        yield first._replace(found=found)
        yield from more


def _rows(check: Check, width: int) -> Iterator[str]:
    start = f"{check.state:8} {check.name:{width}}  "
    indent = " " * len(start)
    options = {
        "width": _WIDTH, "subsequent_indent": indent,
        "break_long_words": False, "break_on_hyphens": False,
    }  # fmt: skip
    yield from textwrap.wrap(check.found, initial_indent=start, **options) or [start]  # type: ignore[arg-type]
    if check.advice:
        yield from textwrap.wrap(f"→ {check.advice}", initial_indent=indent, **options)  # type: ignore[arg-type]
