"""The file that tells a supervisor on a node all it needs, its path being the only argument.

The arguments and the environment of a queue job can be read by every user of a cluster
(``qstat -j``), so the keys travel in a file that its owner alone can read, in a folder that its
owner alone can enter.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..errors import GridEngineError
from . import private_files

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)
"""Variables of libraries that start as many threads as the host has cores, whatever the queue job
was granted."""


class Keys(NamedTuple):
    """The CURVE keys of one session, as Z85 text; nobody else ever has them."""

    server_public: str
    server_secret: str
    public: str
    secret: str

    def __repr__(self) -> str:
        # It may end up in a log.
        return "<Keys>"


class Launch(NamedTuple):
    """What a supervisor is told.

    Attributes:
        endpoints: Where the dispatcher may be reached; any one of them will do. None on the
            program's own host: see `gridengine.transport.control`.
        server_key: The dispatcher's public CURVE key (Z85), empty on its own host.
        public_key: The public key of its workers.
        secret_key: The secret key of its workers.
        kind: The kind of work that these workers may do.
        workers: How many to start at once.
        most: How many there are at most.
        persistent: Whether the supervisor stays when it has no worker.
        fresh: Whether each job gets a newly forked worker.
        share: Whether large buffers go through memory shared with the program.
        heartbeat: Seconds between signs of life.
        patience: Seconds of the dispatcher's silence after which all ends.
        sample_interval: Seconds between two looks at what workers use, 0 for none.
        connect_timeout: Seconds in which a supervisor on another host must have reached it.
        grace: Seconds that a job gets to clear up after SIGTERM, before it is killed.
        slots: Cores that each worker is granted, unless the node says otherwise.
        threads: Threads that numeric libraries start in each worker of a job at most, 0 elsewhere.
        devices: As of `gridengine.schedulers.base.Scheduler`.
        when_silent: What a supervisor runs then: see `gridengine.schedulers.base.Session`.
        time_limit: Seconds from its start after which the batch system ends it, 0 for never.
        parent: Process id of the program if it runs on the same host, else 0.
        queue_job: ``str.format`` template that gives the queue job's name from the environment.
        cwd: Working directory.
        sys_path: Where modules are found.
        environ: Variables to set.
        umask: That of the program, None for the supervisor's own.
        python: The program's Python, see `gridengine.transport.versions`.
        core_files: Whether a crash on another host may leave an image of the memory.
        channel: As of `gridengine.settings.Settings`: by which ways the dispatcher may be reached.
    """

    endpoints: Sequence[str]
    server_key: str = ""
    public_key: str = ""
    secret_key: str = ""
    kind: int = 0
    workers: int = 1
    most: int = 1
    persistent: bool = False
    fresh: bool = False
    share: bool = False
    heartbeat: float = 5.0
    patience: float = 30.0
    sample_interval: float = 0.0
    connect_timeout: float = 10.0
    grace: float = 2.0
    slots: int = 1
    threads: int = 0
    devices: Sequence[Mapping[str, str]] = ()
    when_silent: Sequence[str] = ()
    time_limit: float = 0.0
    parent: int = 0
    queue_job: str = ""
    cwd: str = ""
    sys_path: Sequence[str] = ()
    environ: Mapping[str, str] = MappingProxyType({})
    umask: int | None = None
    python: str = ""
    core_files: bool = False
    channel: str = "tcp"

    def __repr__(self) -> str:
        # Without the secret: it may end up in a log.
        return f"<Launch of kind {self.kind}, for {', '.join(self.endpoints)}>"

    def as_json(self) -> str:
        """Returns what is in the file, and what a supervisor on the program's own host is told."""
        return json.dumps({**self._asdict(), "environ": dict(self.environ)})

    def write(self, path: str) -> None:
        """Writes the file, readable by its owner alone from its first byte on.

        Raises:
            OSError: It exists, cannot be written, or others could replace it.
        """
        private_files.write_file(path, self.as_json())

    @classmethod
    def read(cls, path: str) -> Launch:
        """Returns what `write` has written.

        Raises:
            GridEngineError: Somebody else could have read or planted the file.
            OSError: It cannot be read.
        """
        try:
            given = json.loads(private_files.read_file(path))
        except private_files.NotPrivate as error:
            raise GridEngineError(str(error)) from None
        # What another version has beside that is told by the supervisor's first word.
        return cls(**{name: given[name] for name in cls._fields if name in given})


def import_path() -> list[str]:
    """Returns where this program finds modules, in a form that holds elsewhere too."""
    paths = [os.path.abspath(path) for path in sys.path if isinstance(path, str)]
    package = os.path.abspath(__file__)
    for _ in ("launch_file", "transport", "gridengine"):
        package = os.path.dirname(package)
    return paths if package in paths else [*paths, package]


def thread_limits(environ: Mapping[str, str], threads: int) -> dict[str, str]:
    """Returns the variables that hold numeric libraries to ``threads``, but for those set."""
    return {name: str(threads) for name in THREADS if name not in environ}


def thread_limits_within(environ: Mapping[str, str], threads: int) -> dict[str, str]:
    """Returns the variables that hold numeric libraries to ``threads`` where they have more."""
    return {
        name: str(threads)
        for name in THREADS
        if not environ.get(name, "").isdecimal() or int(environ[name]) > threads
    }


def current_umask() -> int:
    """Returns the process's umask."""
    # There alone it can be read without being set, for all threads.
    path = "/proc/self/status"
    unknown = contextlib.suppress(OSError, ValueError, StopIteration)
    with unknown, open(path, encoding="ascii", errors="replace") as file:
        return int(next(line for line in file if line.startswith("Umask:")).split()[1], 8)
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
