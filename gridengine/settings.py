"""Every number that steers the package, with its unit, its reason and its environment variable.

A field ``x`` of `Settings` is read from ``GRIDENGINE_X``, or from a file (`settings_file`), when
the first job of a scheduler starts; nothing is read at import.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import NamedTuple

from .errors import GridEngineError
from .logs import Log

_log = Log(__name__)

OUT_OF_BAND = 64 * 1024
"""Bytes from which a buffer travels in a frame of its own, uncopied. Below it, the
bookkeeping of a frame (about 2 µs) costs more than the copy."""

BLOCK_SECONDS = 0.02
"""Work in one message to a worker, by measured durations: long against the 0.1 ms that a
message costs, short against the patience of somebody who waits."""

AHEAD_SECONDS = 0.2
"""Work up to which a busy worker has its next chunk already, while much more waits. On a host
whose cores are all busy the dispatcher gets one only after milliseconds, and the worker would
rest; but what waits behind a longer call could have been begun elsewhere."""

OVERDUE = 1.0
"""Seconds without a word after which a worker has run into a call that takes far longer than its
like: what it was given ahead is taken back."""

CHUNK_SECONDS = 0.0005
"""Work in a chunk of a map at least, as long as there is so much: a chunk costs the program
about 0.1 ms."""

BLOCK_CALLS = 2000
"""Single jobs in one message at most: the dispatcher works on other workers' answers between."""

BLOCK_BYTES = 4 * 1024 * 1024
"""Packed arguments in one message, from which no further job is added to it."""

FLUSH_SECONDS = 0.005
"""A worker collects results for so long before it sends them, while it has more to run: what
a crash can lose, and what a waiting thread can notice. In a call that takes longer it is asked for
them."""

ASK_SECONDS = 0.25
"""A supervisor looks so often whether a worker is still at the same calls as at the last look, and
then asks it for the results of those before."""

SLICE_SECONDS = 0.001
"""A worker notes before every stretch of about this length which calls of a map it runs, so
that its death is blamed on one of them; noting each trivial call would cost more than it."""

FUNCTION_BYTES = 256 * 1024 * 1024
"""Packed functions that a worker keeps; the longest unused is dropped above it."""

REMEMBERED_DURATIONS = 1024
"""Functions whose durations a dispatcher remembers."""


class Settings(NamedTuple):
    """The numbers that a user may set.

    Attributes:
        heartbeat: Seconds between two signs of life of a supervisor.
        sample_interval: Seconds between two looks at the processor time and the memory of workers,
            at least 0.5; 0 for none.
        stalled_after: Seconds after which a call counts as stalled that has used less than 1 % of
            a core in them, with all processes that it has started; 0 for never.
        on_stall: What becomes of one then: ``warn`` has it go on, ``retry`` has it killed and tried
            again, as after the loss of its worker.
        patience: Seconds of silence after which a node, or a dispatcher, counts as lost.
        infrastructure_retries: Deaths of a job for which the job is not to blame (its node
            was lost, its queue job deleted) that are forgiven.
        queue_jobs: Queue jobs that one scheduler submits at most, if it has no other limit.
        resubmissions: Times that queue jobs which ended in error before they ran are
            submitted anew, before the waiting jobs fail with the batch system's reason.
        connect_timeout: Seconds in which a worker on another host must have reached this
            program; then it ends, and its host gets no more of them.
        linger: Seconds that an idle worker on a cluster is kept for the next map.
        grace: Seconds that a running job which is taken back gets to clear up: it is asked to end
            (SIGTERM, which raises SystemExit in it) and killed after them. Long against what a
            ``finally`` takes as a rule, short for somebody who waits after Ctrl-C; with 0 it is
            killed at once.
        host: Name, address or interface under which workers reach this program; empty for
            all addresses.
        ports: ``54000-55000``, the ports that the program may listen on; empty for any.
        run_dir: Folder for keys and logs that the nodes see too, an absolute path; empty for
            ``~/.gridengine``.
        environment: Which variables go to workers on other hosts: patterns of the shell, with
            commas or spaces between, that leave out with ``!`` before them. The last one that
            matches decides; where none does, all go but what looks like a credential. See
            `gridengine.transport.environment`.
        output: What becomes of what jobs print that ask for nothing else: ``stream``, ``collect``
            or ``discard``.
        output_prefix: Whether each line of it has the job's name and its host before it.
        output_kept: Bytes of what a job prints that are kept for `Job.output`, the last ones.
        core_files: Whether a worker on another host that crashes may leave a core file: the key
            of the program's connections would be in it.
        progress: Whether maps show how far they are, on a terminal and in notebooks, if they are
            not told: as if each had ``progress=True``, but for what is written to a file.
        event_log: Whether all that happens is written to a file, in the folder ``events`` of
            ``run_dir``, for ``gridengine report``.
    """

    heartbeat: float = 5.0
    sample_interval: float = 5.0
    stalled_after: float = 0.0
    on_stall: str = "warn"
    patience: float = 30.0
    infrastructure_retries: int = 10
    queue_jobs: int = 1000
    resubmissions: int = 2
    connect_timeout: float = 10.0
    linger: float = 5.0
    grace: float = 2.0
    host: str = ""
    ports: str = ""
    run_dir: str = ""
    environment: str = ""
    output: str = "stream"
    output_prefix: bool = False
    output_kept: int = 65536
    core_files: bool = False
    progress: bool = False
    event_log: bool = False

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Returns the settings of an environment; by default this process's, and of the files.

        Raises:
            GridEngineError: A variable, or a file, holds no number, or one that makes no sense.
        """
        files: Mapping[str, tuple[str, str]] = {}
        if environ is None:
            from . import settings_file

            environ, files = os.environ, settings_file.texts(cls._field_defaults)
            _warn_of_misspelt(environ)
        given: dict[str, object] = {}
        for field, default in cls._field_defaults.items():
            name = f"GRIDENGINE_{field.upper()}"
            text = environ.get(name, "").strip()
            if not text and field in files:
                name, text = files[field]
            if text:
                given[field] = _parse(name, text, type(default), field in _MAY_BE_ZERO)
                least = _LEAST.get(field, 0.0)
                if 0 < float(text if least else 0) < least:
                    raise GridEngineError(f"{name} is {text!r}; it takes 0, or {least:g} at least")
                if field in _CHOICES and given[field] not in _CHOICES[field]:
                    choices = " or ".join(_CHOICES[field])
                    raise GridEngineError(f"{name} is {text!r}; it takes {choices}")
        if "run_dir" in given:
            # Queue jobs start elsewhere, and this program may go elsewhere.
            given["run_dir"] = os.path.abspath(os.path.expanduser(str(given["run_dir"])))
        return cls(**given)  # type: ignore[arg-type]  # the fields' own types, by _parse


#: What follows `_PREFIX` in variables that are no settings.
_OTHERS = ("SCHEDULER", "QUEUE_JOB", "GRANTED")
_PREFIX = "GRIDENGINE_"
_warned: set[str] = set()


def _warn_of_misspelt(environ: Mapping[str, str]) -> None:
    """Names, once, the variables that are nearly one of ours, but would be passed over."""
    known = {*_OTHERS, *map(str.upper, Settings._fields)}
    for name in environ:
        field = name.removeprefix(_PREFIX)
        if field != name and field not in known and name not in _warned:
            from . import settings_file

            _warned.add(name)
            if near := settings_file.nearest(field, known):
                _log.warning("%s is read by nobody; did you mean %s?", name, _PREFIX + near)


#: To look more often would cost more than it tells.
LEAST_SAMPLE_INTERVAL = 0.5


def sample_interval(settings: Settings) -> float:
    """Returns the seconds between two looks at workers, which may have to find the stalled."""
    interval, stalled = settings.sample_interval, settings.stalled_after
    if not stalled:
        return interval
    return max(LEAST_SAMPLE_INTERVAL, min(interval or math.inf, stalled / 4))


#: The least values of those that may be 0 too.
_LEAST = {"sample_interval": LEAST_SAMPLE_INTERVAL}

_CHOICES = {"on_stall": ("warn", "retry"), "output": ("stream", "collect", "discard")}

#: A heartbeat or a patience of nothing would end every worker at once.
_MAY_BE_ZERO = frozenset(
    {
        "infrastructure_retries",
        "resubmissions",
        "linger",
        "grace",
        "output_kept",
        "sample_interval",
        "stalled_after",
    }
)


_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _parse(name: str, text: str, kind: type, least_is_zero: bool) -> object:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise GridEngineError(f"{name} is {text!r}; it takes 1 or 0")
        return _TRUTHS[text.lower()]
    what = "a whole number" if kind is int else "a number"
    try:
        value: float = kind(text)
    except ValueError:
        raise GridEngineError(f"{name} is {text!r}; it takes {what}") from None
    if not math.isfinite(value) or value < 0 or not (value or least_is_zero):
        bound = "of at least 0" if least_is_zero else "above 0"
        raise GridEngineError(f"{name} is {text!r}; it takes {what} {bound}")
    return value


def port_range(text: str) -> tuple[int, int] | None:
    """Returns the first and last port of ``54000-55000``, or None for an empty text.

    Raises:
        GridEngineError: The text is no range of ports.
    """
    if not text:
        return None
    first, dash, last = text.partition("-")
    try:
        low, high = int(first), int(last if dash else first)
    except ValueError:
        low = high = 0
    if not 0 < low <= high < 65536:
        raise GridEngineError(f"ports={text!r}: give one port or a range such as 54000-55000")
    return low, high
