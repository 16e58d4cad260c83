"""What is asked of the Grid Engine for a queue job, and how that reads as ``qsub`` options."""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
import shlex
from collections.abc import Mapping, Sequence

from ..quantities import parse_memory, parse_time

_MEMORY = re.compile(
    r"(?:[hs]_(?:vmem|rss|data|stack|core|fsize)"
    r"|(?:mem|swap|virtual|m_mem|gpu_mem)_(?:free|used|total))\Z"
)
_TIME = re.compile(r"[hs]_(?:rt|cpu)\Z")
_NAME = re.compile(r"[A-Za-z_][\w.]*\Z", re.ASCII)
# What separates, quotes or comments in a native specification cannot be a part of a value.
_UNFIT = re.compile(r"[\s,='\"\\#;&`$]|[^ -~]")
_NAME_LENGTH = 60
_LEAST_MEMORY = 1024**2  # less is a forgotten unit: an interpreter alone takes 10 MB

Hosts = str | Sequence[str]


@dataclasses.dataclass(frozen=True)
class Request:
    """What a queue job asks for.

    Attributes:
        queue: One or several queues, as ``qsub -q`` takes them.
        slots: Slots of each queue job, all on one host if the parallel environment says so.
        parallel_environment: Which one grants more than one slot.
        project: What it is charged to.
        hosts: Names or patterns of hosts that it may run on; empty for all.
        native: Further options, passed as they are.
        resources: For ``qsub -l``, as text.
    """

    queue: str | None = None
    slots: int = 1
    parallel_environment: str | None = None
    project: str | None = None
    hosts: tuple[str, ...] = ()
    native: str | None = None
    resources: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        queue: str | None = None,
        slots: int = 1,
        parallel_environment: str | None = None,
        project: str | None = None,
        hosts: Hosts | None = None,
        native: str | None = None,
        **resources: object,
    ) -> Request:
        """Checks what a user wrote.

        Raises:
            ValueError, TypeError: Something in it cannot be asked of the Grid Engine.
        """
        request = cls(
            queue=_list("queue", queue),
            slots=_slots(slots),
            parallel_environment=_word("parallel_environment", parallel_environment),
            project=_word("project", project),
            hosts=_hosts(hosts),
            native=_native(native),
            resources=_resources(resources),
        )
        request._check()
        return request

    def changed(self, changes: Mapping[str, object]) -> Request:
        """Returns the request with a job's own ones: they add to these and override them.

        Raises:
            ValueError, TypeError: As `of`.
        """
        if not changes:
            return self
        own = {name: getattr(self, name) for name in _FIELDS}
        return Request.of(**{**own, **self.resources, **changes})

    def options(self, avoid: Sequence[str] = ()) -> str:
        """Returns the native specification of DRMAA.

        Args:
            avoid: Hosts that are not wanted, whatever else is asked for.
        """
        parts = []
        if self.queue:
            parts.append(f"-q {self.queue}")
        if self.parallel_environment and self.slots > 1:
            parts.append(f"-pe {self.parallel_environment} {self.slots}")
        if self.project:
            parts.append(f"-P {self.project}")
        requests = {"hostname": "|".join(self.hosts)} if self.hosts else {}
        requests.update(self.resources)
        # Each is what a node has said: what is no name would be options of qsub.
        avoid = [host for host in avoid if re.fullmatch(r"[\w.-]+", host, re.ASCII)]
        if avoid:
            requests["hostname"] = _without(avoid, requests.pop("h", requests.get("hostname", "")))
        if requests:
            told = [f"{name}={value}" for name, value in requests.items()]
            parts.append(f"-l {','.join(told)}")
        # Not run again by the Grid Engine, which does not know what has been done already.
        parts.append("-r n")
        if self.native:
            parts.append(self.native)
        return " ".join(parts)

    @property
    def memory(self) -> int:
        """Bytes that a queue job may use, 0 if not limited."""
        return self.amount_of("h_vmem")

    def amount_of(self, resource: str) -> int:
        """Returns the bytes of a resource that a queue job is granted, in all its slots."""
        return parse_memory(self.resources.get(resource, "")) * self.slots

    @property
    def seconds(self) -> float:
        """Seconds that a queue job may run, 0 if not limited."""
        return parse_time(self.resources.get("h_rt", ""))

    def __str__(self) -> str:
        """The arguments by which it was made."""
        named = {name: getattr(self, name) for name in _FIELDS}
        given = {name: value for name, value in named.items() if value != _DEFAULTS[name]}
        return ", ".join(f"{name}={value!r}" for name, value in {**given, **self.resources}.items())

    def _check(self) -> None:
        if self.slots > 1 and not self.parallel_environment:
            raise ValueError(
                f"slots={self.slots} needs parallel_environment=..., the name of one that grants "
                "several slots (`qconf -spl` lists them)"
            )
        if self.hosts and {"hostname", "h"} & self.resources.keys():
            raise ValueError("give hosts=... or the resource hostname=..., not both")
        if 0 < self.memory < _LEAST_MEMORY * self.slots:
            raise ValueError(
                f"h_vmem={self.resources['h_vmem']!r} is {self.memory // self.slots} bytes, in "
                "which no Python starts; write h_vmem='4G', say"
            )


_FIELDS = tuple(f.name for f in dataclasses.fields(Request) if f.name != "resources")
_DEFAULTS = vars(Request())


def job_name(text: str) -> str:
    """Returns a name that the Grid Engine takes, as like ``text`` as can be."""
    # Of a local function, where it stands: what it is called comes first, in a narrow column.
    text = text.rpartition(".<locals>.")[2]
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "_", text).strip("_")[:_NAME_LENGTH]
    if not name:
        return "gridengine"
    return name if name[0].isalpha() else f"j{name}"[:_NAME_LENGTH]


def _without(avoid: Sequence[str], wanted: str) -> str:
    """Returns an expression for the hosts that are wanted, but for some."""
    # A node tells its name with its domain or without, and so does the Grid Engine.
    short = dict.fromkeys(host.partition(".")[0] for host in avoid)
    rest = "!(" + "|".join(f"{host}|{host}.*" for host in short) + ")"
    return f"({wanted})&{rest}" if wanted else rest


def _resources(given: Mapping[str, object]) -> dict[str, str]:
    return {
        _resource_name(name): _resource(name, value)
        for name, value in given.items()
        if value is not None
    }


def _resource_name(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} cannot be the name of a resource")
    return name


def _resource(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _fit(name, value)
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)):
        return _number(name, value)
    try:
        # Such as a numpy integer.
        return _number(name, int(value.__index__()))  # type: ignore[attr-defined]
    except AttributeError:
        raise TypeError(
            f"{name}={value!r}: a resource takes a text, a number, a bool or a timedelta, "
            f"not {type(value).__name__}"
        ) from None


def _number(name: str, value: float) -> str:
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name}={value!r}: a request is a finite number that is not negative")
    if _TIME.match(name) or _MEMORY.match(name) or value == int(value):
        # Whole seconds and bytes are all that the Grid Engine reads.
        return str(math.ceil(value))
    return repr(float(value))


def _fit(name: str, text: str) -> str:
    if not text:
        raise ValueError(f"{name}={text!r} is empty")
    if bad := _UNFIT.search(text):
        raise ValueError(
            f"{name}={text!r}: {bad[0]!r} cannot be part of a request to the Grid Engine"
        )
    return text


def _word(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name}={value!r} is no text")
    return _fit(name, value)


def _list(name: str, value: object) -> str | None:
    """As `_word`, but for the commas between several queues."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name}={value!r} is no text")
    return ",".join(_fit(name, part.strip()) for part in value.split(","))


def _slots(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"slots={value!r} is no whole number")
    if value < 1:
        raise ValueError(f"slots={value!r}: a queue job has one slot at least")
    return value


def _hosts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    hosts = re.split(r"[|,\s]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(hosts, Sequence):
        raise TypeError(f"hosts={value!r} is neither a text nor a list of them")
    names = tuple(_word("hosts", host) or "" for host in hosts)
    if not all(names):
        raise ValueError(f"hosts={value!r} has an empty name in it")
    return names


def _native(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"native={value!r} is no text")
    if any(not character.isprintable() for character in value):
        raise ValueError(f"native={value!r} has a line break or another control character in it")
    try:
        shlex.split(value)
    except ValueError as error:
        raise ValueError(f"native={value!r}: {error}") from None
    return value.strip() or None
