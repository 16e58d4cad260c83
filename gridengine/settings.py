"""Every number that steers the package, with its unit, its reason and its environment variable.

A field ``x`` of `Settings` is what a program says for its scheduler, ``settings={"x": …}``, or
else is read from ``GRIDENGINE_X``, or from a file (`settings_file`), when the first job of a
scheduler starts; nothing is read at import. Where each is looked for: `settings_sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .errors import GridEngineError

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
        patience: Seconds of silence after which a node, or a dispatcher, counts as lost; more than
            ``heartbeat``, and better several of it; 120 at least where they speak through files.
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
        channel: How workers on other hosts speak with this program: ``tcp``, ``files``, through the
            folder for the run, or ``auto``, through files where none of its addresses answers.
        run_dir: Folder for keys and logs that the nodes see too, an absolute path; empty for
            ``~/.gridengine``.
        through: By what a Grid Engine is used: ``drmaa``, its library, ``commands``, qsub and its
            like alone, or ``auto``, the library if there is one, else the commands.
        environment: Which variables go to workers on other hosts: patterns of the shell, with
            commas or spaces between, that leave out with ``!`` before them. The last one that
            matches decides; where none does, all go but what looks like a credential. See
            `gridengine.transport.environment`.
        ignored_variables: Which variables begin with ``GRIDENGINE_``, but are another program's:
            their names, or patterns of the shell, with commas or spaces between. Any other that is
            no setting is an error, for it would be passed over.
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
        mail_to: Who gets mails about programs that have used the scheduler: addresses with commas
            between; empty for nobody.
        mail_on: What they are about: ``end``, the end of the program, ``failure``, calls that have
            failed for good, many of them in one mail, or ``all``.
        mail_from: Whom they are from, an address; empty for that of the user at this host.
        smtp: The mail server, such as ``mail.example.org:587`` or ``smtps://mail.example.org``;
            empty for ``sendmail``, or where there is none for this host's server. The login is
            looked for in ``~/.netrc``.
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
    channel: str = "auto"
    run_dir: str = ""
    through: str = "auto"
    environment: str = ""
    ignored_variables: str = ""
    output: str = "stream"
    output_prefix: bool = False
    output_kept: int = 65536
    core_files: bool = False
    progress: bool = False
    event_log: bool = False
    mail_to: str = ""
    mail_on: str = "all"
    mail_from: str = ""
    smtp: str = ""

    @classmethod
    def read(
        cls, environ: Mapping[str, str] | None = None, arguments: Mapping[str, object] | None = None
    ) -> Settings:
        """Returns the settings that are in force.

        Args:
            environ: The environment, and no files are read; by default this process's, and files.
            arguments: Those that a program says itself, ``settings=`` of its scheduler. They
                count more than the environment, and that more than files.

        Raises:
            GridEngineError: One of these names what is no setting, or has a value that it does not
                take; the message says which, where, and what is right.
        """
        from .settings_sources import settings_given

        given = settings_given(environ, arguments)
        values: dict[str, object] = {field: each.value for field, each in given.items()}
        return cls(**values)  # type: ignore[arg-type]  # the fields' own types, by the sources


PREFIX = "GRIDENGINE_"
"""How the variables begin."""

OTHERS = (
    "SCHEDULER", "ARGUMENTS", "QUEUE_JOB", "GRANTED", "PYTHONS", "DASHBOARD_TOKEN", "TEST_*",
)  # fmt: skip
"""What follows `PREFIX` in variables of this project's that are no settings, or patterns of it."""

LEAST_SAMPLE_INTERVAL = 0.5
"""Seconds; to look more often would cost more than it tells."""

LEAST = {"sample_interval": LEAST_SAMPLE_INTERVAL}
"""The least values, but for 0, of the numbers that have one."""


def sample_interval(settings: Settings) -> float:
    """Returns the seconds between two looks at workers, which may have to find the stalled."""
    interval, stalled = settings.sample_interval, settings.stalled_after
    if not stalled:
        return interval
    return max(LEAST_SAMPLE_INTERVAL, min(interval or stalled, stalled / 4))


CHOICES = {
    "channel": ("auto", "tcp", "files"),
    "through": ("auto", "drmaa", "commands"),
    "on_stall": ("warn", "retry"),
    "output": ("stream", "collect", "discard"),
    "mail_on": ("all", "end", "failure"),
}
"""The settings that take one of some words."""

MAY_BE_ZERO = frozenset(
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
"""The numbers that may be 0. A patience of nothing, say, would end every worker at once."""


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
