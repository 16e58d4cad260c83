"""What jobs and maps ask of a batch system for their calls, looked at."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..states import DeathCause
from .arguments import whole_number
from .quantities import parse_memory, parse_time, wanted_after

AUTO = "auto"
"""The ``memory`` of a job that asks for what jobs like it have used."""

#: Less is a forgotten unit: an interpreter alone takes 10 MB.
_LEAST_MEMORY = 1024**2


class Asked(NamedTuple):
    """What is asked for.

    Attributes:
        resources: By name, as the batch system has it.
        memory: Bytes, 0 if that is not said, below 0 for what jobs of the same function have used.
        escalate: What is asked for one after the other, by the name of the resource.
    """

    resources: Mapping[str, object]
    memory: int
    escalate: Mapping[str, tuple[object, ...]]

    @property
    def learns(self) -> bool:
        """Whether what is asked for is what jobs of the same function have used."""
        return self.memory < 0

    @property
    def one_core(self) -> bool:
        """Whether no slots are asked for, or one."""
        return self.resources.get("slots", 1) == 1


def asked(
    resources: Mapping[str, object] | None,
    memory: str | int | None,
    escalate: Mapping[str, Sequence[object]] | None,
    slots: int | None = None,
) -> Asked | None:
    """Returns what is asked for, None if that is nothing.

    Raises:
        TypeError, ValueError: Something in it is impossible.
    """
    if resources is None and memory is None and escalate is None and slots is None:
        return None
    ladders = {} if escalate is None else _ladders(escalate)
    given = {} if resources is None else dict(_named("resources", resources, '{"h_vmem": "4G"}'))
    for name in sorted(ladders.keys() & given.keys()):
        raise ValueError(
            f"resources and escalate both have {name!r}; the first of escalate is what is asked "
            "for first"
        )
    if slots is not None:
        if "slots" in given:
            raise ValueError("slots= and resources= both say how many slots; give one of them")
        given["slots"] = whole_number("slots", slots, 1)
    amount = 0 if memory is None else _memory(memory)
    for name in ladders:
        if amount and wanted_after(name) is DeathCause.OUT_OF_MEMORY:
            raise ValueError(
                f"memory={memory!r} and escalate={{{name!r}: ...}} are two ways to say how much "
                "memory is asked for; give one of them"
            )
    return Asked(given, amount, ladders)


def size_of(resource: str, value: object) -> float:
    """Returns bytes or seconds that a request is for, 0 if it is no such amount."""
    if isinstance(value, bool):
        return 0.0
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        by_time = wanted_after(resource) is DeathCause.OVER_TIME
        return parse_time(value) if by_time else float(parse_memory(value))
    return float(value) if hasattr(value, "__float__") else 0.0


def _named(argument: str, given: object, example: str) -> Mapping[str, object]:
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise TypeError(
            f"{argument} is {_short(given)}; it takes a dict of requests, such as {example}"
        )
    return given


def _memory(memory: object) -> int:
    if memory == AUTO:
        return -1
    if isinstance(memory, bool) or not (isinstance(memory, str) or hasattr(memory, "__index__")):
        raise TypeError(f"memory is {_short(memory)}; it takes '4G', bytes, or 'auto'")
    amount = int(size_of("memory", memory))
    if amount <= 0:
        raise ValueError(f"memory is {memory!r}; it takes '4G', bytes, or 'auto'")
    if amount < _LEAST_MEMORY:
        raise ValueError(
            f"memory is {memory!r}, that is {amount} bytes, in which no Python starts; write "
            "memory='4G', say"
        )
    return amount


def _ladders(escalate: object) -> dict[str, tuple[object, ...]]:
    example = '{"h_vmem": ["2G", "4G", "8G"]}'
    checked = {}
    for name, values in _named("escalate", escalate, example).items():
        if wanted_after(name) is None:
            raise ValueError(
                f"escalate has {name!r}; only memory (h_vmem, mem_free, ...) and time (h_rt, "
                "s_rt, h_cpu, ...) can have been too little, and be asked for more of"
            )
        if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
            raise TypeError(
                f"escalate has {name!r}: {_short(values)}; it takes a list of requests, one after "
                f"the other: {example}"
            )
        checked[name] = _rising(name, tuple(values))
    if not checked:
        raise ValueError(f"escalate is empty; it takes a dict such as {example}")
    return checked


def _rising(name: str, values: tuple[object, ...]) -> tuple[object, ...]:
    if not values:
        raise ValueError(f"escalate has nothing to ask for under {name!r}")
    sizes = [size_of(name, value) for value in values]
    for value, size in zip(values, sizes, strict=True):
        if not 0 < size < float("inf"):
            what = "a time" if wanted_after(name) is DeathCause.OVER_TIME else "a size"
            raise ValueError(f"escalate has {name!r}: {value!r}, which is no {what[2:]} above 0")
    for less, more, before, after in zip(sizes, sizes[1:], values, values[1:], strict=False):
        if more <= less:
            raise ValueError(
                f"escalate has {name!r}: {after!r} after {before!r}; each request must be for more "
                "than the one before"
            )
    return values


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
