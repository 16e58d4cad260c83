"""What is asked of Slurm for a queue job, and how that reads as options of ``sbatch``."""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from ..arguments import whole_number
from . import amounts, own_options
from .batch_system.script import AVOID_HOSTS, ONLY_HOSTS

HostNames = str | Sequence[str]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
_HOST = re.compile(r"[\w.-]+(?:\[[\d,-]+\][\w.-]*)*", re.ASCII)
_UNPRINTABLE = re.compile(r"[^ -~]")
_NAME_LENGTH = 60

#: Other names of the same: options of sbatch as they are, and as people call them.
ALIASES = {
    "cpus": "slots",
    "cpus_per_task": "slots",
    "mem": "memory",
    "nodelist": "hosts",
    "gpu": "gpus",
}


@dataclasses.dataclass(frozen=True)
class SlurmRequest:
    """What a queue job asks for.

    Attributes:
        partition: One or several partitions, as ``sbatch --partition`` takes them.
        account: What it is charged to.
        qos: Its quality of service.
        constraint: Features that its node must have.
        slots: Cores of each queue job, on one node.
        seconds: Seconds that it may run, infinity for no limit, 0 if that is not said.
        total_memory: Bytes that it may use, None if that is not said, 0 for all that a node has.
        memory_per_slot: The same for each core.
        gpus: As ``sbatch --gpus`` takes them.
        gres: As ``sbatch --gres`` takes them.
        hosts: Names of hosts that it may run on; empty for all.
        native: Further options, passed as they are.
        options: Further long options and their values; empty for one that has none.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    slots: int = 1
    seconds: float = 0.0
    total_memory: int | None = None
    memory_per_slot: int | None = None
    gpus: str | None = None
    gres: str | None = None
    hosts: tuple[str, ...] = ()
    native: str | None = None
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, **given: object) -> SlurmRequest:
        """Checks what a user wrote.

        Args:
            **given: Arguments of a `SlurmScheduler` by which a request is made, and long options of
                sbatch, with underscores for hyphens. None says nothing.

        Raises:
            ValueError, TypeError: Something in it cannot be asked of Slurm.
        """
        return cls().changed(given)

    def changed(self, changes: Mapping[str, object]) -> SlurmRequest:
        """Returns the request with a job's own ones: they add to these and override them.

        Raises:
            ValueError, TypeError: As `of`.
        """
        told = {n: value for n, value in named(changes).items() if value is not None}
        if not told:
            return self
        if "memory" in told and "mem_per_cpu" in told:
            raise ValueError("give memory=... for a queue job or mem_per_cpu=..., not both")
        fields: dict[str, object] = {}
        options = dict(self.options)
        for name, value in told.items():
            if name in _CHECKS:
                fields[_FIELDS.get(name, name)] = _CHECKS[name](name, value)
            elif (option := _option(name, value)) is not None:
                options[name] = option
            else:
                options.pop(name, None)
        # The later word on memory is the one that counts: sbatch takes but one.
        if "memory" in told:
            fields["memory_per_slot"] = None
        if "mem_per_cpu" in told:
            fields["total_memory"] = None
        return dataclasses.replace(self, options=options, **fields)  # type: ignore[arg-type]

    def arguments(self, avoid: Sequence[str] = ()) -> str:
        """Returns the options of sbatch, quoted as a shell's words.

        Args:
            avoid: Hosts that are not wanted, whatever else is asked for.
        """
        made = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "time": amounts.time_option(self.seconds) if self.seconds else None,
            "mem": None if self.total_memory is None else amounts.memory_option(self.total_memory),
            "gpus": self.gpus,
            "gres": self.gres,
            "nodelist": self.hosts[0] if self._one_host else None,
        }
        if self.memory_per_slot is not None:
            made["mem-per-cpu"] = amounts.memory_option(self.memory_per_slot)
        words = ["--nodes=1", "--ntasks=1", f"--cpus-per-task={self.slots}"]
        words += [f"--{name}={value}" for name, value in made.items() if value is not None]
        for name, value in self.options.items():
            option = f"--{name.replace('_', '-')}"
            words.append(f"{option}={value}" if value else option)
        if self.hosts and not self._one_host:
            words.append(f"{ONLY_HOSTS}{','.join(self.hosts)}")
        # Each is what a node has said: what is no name would be another option's.
        if avoid := [host for host in avoid if re.fullmatch(r"[\w.-]+", host, re.ASCII)]:
            words.append(f"{AVOID_HOSTS}{','.join(avoid)}")
        return " ".join([*map(shlex.quote, words), *filter(None, [self.native])])

    @property
    def _one_host(self) -> bool:
        return len(self.hosts) == 1 and "[" not in self.hosts[0]

    @property
    def memory(self) -> int:
        """Bytes that a queue job may use, 0 if that is not known."""
        return self.total_memory or (self.memory_per_slot or 0) * self.slots

    @property
    def time_limit(self) -> float:
        """Seconds that a queue job may run, 0 if not limited: Slurm rounds up to minutes."""
        return 0.0 if math.isinf(self.seconds) else 60.0 * math.ceil(self.seconds / 60)

    def arguments_given(self) -> dict[str, object]:
        """Returns the arguments by which it was made."""
        told: dict[str, object] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != _DEFAULTS[field.name] and field.name != "options":
                name = _ARGUMENTS.get(field.name, field.name)
                told[name] = _SHOWN.get(name, lambda given: given)(value)
        return told | {name: value or True for name, value in self.options.items()}

    def __str__(self) -> str:
        """The arguments by which it was made."""
        return ", ".join(f"{name}={value!r}" for name, value in self.arguments_given().items())


def named(given: Mapping[str, object]) -> dict[str, object]:
    """Returns requests by the names that they have here.

    Raises:
        ValueError: The same is asked for by two names, or a name can be no option's.
    """
    found: dict[str, object] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        name = ALIASES.get(name, name)
        if not _NAME.match(name):
            raise ValueError(f"{key!r} cannot be the name of an option of sbatch")
        if value is not None and found.get(name) is not None:
            raise ValueError(f"{key}={value!r} and another argument ask for the same: {name}")
        found[name] = found.get(name) if value is None else value
    return found


def job_name(text: str) -> str:
    """Returns a name that can be read in one line of the queue, as like ``text`` as can be."""
    # Of a local function, where it stands: what it is called comes first, in a narrow column.
    text = text.rpartition(".<locals>.")[2]
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", text).strip("_")[:_NAME_LENGTH] or "gridengine"


def _option(name: str, value: object) -> str | None:
    """Returns the value of a free option, empty if it has none, None if it is not to be given."""
    own_options.refuse(name, f"{name}={value!r}")
    if value is False:
        return None
    if name == "exclude":
        own_options.refuse_file(str(value), f"{name}={value!r}")
    if name in _AMOUNTS:
        return _AMOUNTS[name](name, value)
    if value is True:
        return ""
    if isinstance(value, datetime.timedelta):
        known = ", ".join(f"{each}=" for each in _TIMES)
        raise TypeError(f"{name}={value!r}: what is a time is asked for by time=, {known}")
    if isinstance(value, (list, tuple)):
        return ",".join(_text(name, str(each)) for each in value)
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{name}={value!r}: a request is a finite number")
        return repr(value)
    if hasattr(value, "__index__"):
        return str(int(value.__index__()))  # such as a numpy integer
    raise TypeError(
        f"{name}={value!r}: an option takes a text, a number, a bool or a list, "
        f"not {type(value).__name__}"
    )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}={value!r} is no text")
    if not value.strip():
        raise ValueError(f"{name}={value!r} is empty")
    if bad := _UNPRINTABLE.search(value):
        raise ValueError(f"{name}={value!r}: {bad[0]!r} cannot be part of an option of sbatch")
    return value.strip()


def _names(name: str, value: object) -> str:
    """As `_text`, but for white space around the commas between several."""
    parts = value if isinstance(value, (list, tuple)) else _text(name, value).split(",")
    return ",".join(_text(name, part) for part in parts)


def _slots(name: str, value: object) -> int:
    return whole_number(name, value, 1)


def _devices(name: str, value: object) -> str:
    """``2``, ``"a100:2"``."""
    if isinstance(value, str):
        return _text(name, value)
    return str(whole_number(name, value, 1))


def _hosts(name: str, value: object) -> tuple[str, ...]:
    # Commas within brackets are part of a name.
    given = re.split(r"[|,\s]+(?![^\[]*\])", value.strip()) if isinstance(value, str) else value
    if not isinstance(given, Iterable):
        raise TypeError(f"{name}={value!r} is neither a text nor a list of them")
    hosts = tuple(_text(name, host) for host in given)
    if wrong := [host for host in hosts if not _HOST.fullmatch(host)]:
        raise ValueError(f"{name}={value!r}: {wrong[0]!r} is no name of a host, or of node[1-3]")
    if not hosts:
        raise ValueError(f"{name}={value!r} names no host")
    return hosts


def _native(name: str, value: object) -> str:
    text = _text(name, value)
    own_options.refuse_in(text)
    return text


def _duration(name: str, value: object) -> str:
    return amounts.time_option(amounts.seconds_asked(name, value))


def _moment(name: str, value: object) -> str:
    """``16:00`` and all else that sbatch takes for a moment; what is no text is from now on."""
    if isinstance(value, str):
        return _text(name, value)
    return f"now+{math.ceil(amounts.seconds_asked(name, value))}"


def _memory(name: str, value: object) -> str:
    return amounts.memory_option(amounts.bytes_asked(name, value))


#: Free options of which Slurm has the bare number in minutes or megabytes.
_TIMES = {"time_min": _duration, "delay_boot": _duration, "begin": _moment, "deadline": _moment}
_AMOUNTS = {**_TIMES, "mem_per_gpu": _memory, "tmp": _memory}

_CHECKS = {
    "partition": _names,
    "account": _text,
    "qos": _text,
    "constraint": _text,
    "slots": _slots,
    "time": amounts.seconds_asked,
    "memory": amounts.bytes_asked,
    "mem_per_cpu": amounts.bytes_asked,
    "gpus": _devices,
    "gres": _text,
    "hosts": _hosts,
    "native": _native,
}
_FIELDS = {"time": "seconds", "memory": "total_memory", "mem_per_cpu": "memory_per_slot"}
_ARGUMENTS = {field: name for name, field in _FIELDS.items()}
_SHOWN = {
    "time": amounts.time_option,
    "memory": amounts.memory_option,
    "mem_per_cpu": amounts.memory_option,
}
_DEFAULTS = vars(SlurmRequest())
