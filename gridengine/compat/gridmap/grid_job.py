"""GridMap's `Job`: a call, what it asks of the cluster, and what has become of it."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...logs import Log
from ...serialization.by_value.explain import short_repr
from . import conf
from .job_environment import JobEnvironment
from .native import native_specification

log = Log("gridmap.job")

#: What a result is as long as there is none.
NO_RESULT = "no result yet (gridengine.compat.gridmap)"

_LEVELS = frozenset("ewnpv")


class Job:
    """A call of a function, to be given to `process_jobs`; it has no other attributes than these.

    Args:
        f: What is called, anything that gridengine can send.
        args: Positional arguments, any iterable.
        kwlist: A dict of keyword arguments.
        cleanup: Whether the files of what it prints are removed when it has succeeded.
        mem_free: Memory to ask for, if ``USE_MEM_FREE`` is set.
        name: What people read in the queue and in files' names; spaces become ``_``.
        num_slots: Slots; more than one need ``par_env``.
        queue: The queue, None or empty for any.
        interpreting_shell: The shell by which the queue job starts.
        copy_env: Whether the job has the variables that this program has now.
        add_env: Variables of its own.
        project: What it is charged to.
        validation_level: How ``qsub -w`` looks at the request: e, w, n, p or v.
        os_distribution: A resource of that name.
        os_minor: A resource of that name.
        par_env: The parallel environment.
        gpu: How many graphics processors to ask for.
        h_vmem: A limit of memory.
        h_rt: A limit of time.
        resources: Further requests, such as ``"tmpfs=10G"`` or ``"avx2"``.

    Attributes:
        ret: What the function has returned, or the exception that it has raised.
        traceback: Where it has raised it, as text; None if it has not.
        cause_of_death: Empty, ``unknown`` (its process was lost), ``stalled`` or ``exception``.
        id: The queue job's number as text, -1 before; of a job on this host one of its own.
        num_resubmits: How often it was tried again.
        host_name: Where it ran last.
        timestamp: When something was heard of it last.
        heart_beat: The last look at it: ``memory``, ``cpu_load`` and ``log_file``.
        track_mem: Megabytes that it has used, one for each look at the latest attempt.
        track_cpu: Percent of a processor that it has used since the look before, and whether that
            is more than nothing, one for each look.
        environment: Its variables, as bytes.
        working_dir: Where it runs: the current directory when it is made.
        log_stdout_fn: The file of what it prints; that of ``log_stderr_fn`` has the rest.

    Raises:
        ValueError: The validation level is none, or there are fewer slots than one.
        TypeError: ``f`` cannot be called, or the arguments are of a wrong type.
    """

    __slots__ = (
        "add_env",
        "args",
        "cause_of_death",
        "cleanup",
        "copy_env",
        "environment",
        "function",
        "gpu",
        "h_rt",
        "h_vmem",
        "heart_beat",
        "home_address",
        "host_name",
        "id",
        "interpreting_shell",
        "kwlist",
        "log_stderr_fn",
        "log_stdout_fn",
        "mem_free",
        "name",
        "num_resubmits",
        "num_slots",
        "os_distribution",
        "os_minor",
        "par_env",
        "path",
        "project",
        "queue",
        "resources",
        "ret",
        "timestamp",
        "traceback",
        "track_cpu",
        "track_mem",
        "uniq_id",
        "validation_level",
        "white_list",
        "working_dir",
    )  # fmt: skip

    def __init__(
        self,
        f: Callable[..., Any],
        args: Iterable[Any],
        kwlist: Mapping[str, Any] | None = None,
        cleanup: bool = True,
        mem_free: str | None = "1G",
        name: str = "gridmap_job",
        num_slots: int = 1,
        queue: str | None = conf.DEFAULT_QUEUE,
        interpreting_shell: str | None = None,
        copy_env: bool = True,
        add_env: Mapping[str, str] | None = None,
        project: str | None = None,
        validation_level: str | None = None,
        os_distribution: str | None = None,
        os_minor: str | None = None,
        par_env: str = conf.DEFAULT_PAR_ENV,
        gpu: int = 0,
        h_vmem: str | None = None,
        h_rt: str | None = None,
        resources: Sequence[str] | None = None,
    ) -> None:
        _check(f, validation_level, num_slots)
        self.function = f
        self.args: Any = _arguments(args)
        self.kwlist: dict[str, Any] = _keywords(kwlist)
        self.cleanup = cleanup
        self.mem_free = mem_free
        self.name = name.replace(" ", "_")
        self.num_slots = num_slots
        self.queue = queue
        self.interpreting_shell = interpreting_shell
        self.copy_env = copy_env
        self.project = project
        self.validation_level = validation_level
        self.os_distribution = os_distribution
        self.os_minor = os_minor
        self.par_env = par_env
        self.gpu = gpu
        self.h_vmem = h_vmem
        self.h_rt = h_rt
        self.resources = [resources] if isinstance(resources, str) else resources
        self.environment = JobEnvironment.of(copy_env, add_env)
        self.working_dir = os.getcwd()
        self.path = _folder_of(f)
        self.white_list: Sequence[str] | None = None
        self.home_address = ""
        self._begin()

    def _begin(self) -> None:
        self.ret: Any = NO_RESULT
        self.traceback: str | None = None
        self.id: str | int = -1
        self.cause_of_death = ""
        self.num_resubmits = 0
        self.host_name = ""
        self.timestamp: datetime | None = None
        self.heart_beat: dict[str, Any] | None = None
        self.track_mem: list[float] = []
        self.track_cpu: list[tuple[float, bool]] = []
        self.log_stdout_fn = self.log_stderr_fn = ""

    def execute(self) -> None:
        """Calls the function in this process, and has ``ret`` and ``traceback`` say what came."""
        try:
            self.ret = self.function(*self.args, **self.kwlist)
        except Exception as error:
            self.ret = error
            self.traceback = traceback.format_exc()

    @property
    def native_specification(self) -> str:
        """What GridMap asks of the Grid Engine for it, as options of ``qsub``."""
        return native_specification(self)

    def __repr__(self) -> str:
        return f"<Job({self.name}, id {self.id})>"


def _check(f: object, validation_level: object, num_slots: object) -> None:
    if not callable(f):
        raise TypeError(f"f is {short_repr(f)}, which cannot be called")
    if validation_level and validation_level not in _LEVELS:
        raise ValueError(f"validation_level is {validation_level!r}; it can be e, w, n, p or v")
    if isinstance(num_slots, int) and num_slots < 1:
        raise ValueError(f"num_slots is {num_slots!r}; it takes at least 1")


def _arguments(args: Iterable[Any]) -> Iterable[Any]:
    try:
        iter(args)
    except TypeError:
        given = short_repr(args)
        raise TypeError(f"args is {given}; it takes a list of arguments: [{given}]") from None
    # What can be gone through only once is so when the job is packed, and by `execute` too.
    return args if isinstance(args, Sequence) else list(args)


def _keywords(kwlist: Mapping[str, Any] | None) -> dict[str, Any]:
    if kwlist is not None and not isinstance(kwlist, Mapping):
        raise TypeError(f"kwlist is {short_repr(kwlist)}; it takes a dict of keyword arguments")
    return dict(kwlist or {})


def _folder_of(f: Callable[..., Any]) -> str | None:
    while isinstance(f, functools.partial):
        f = f.func
    module = sys.modules.get(getattr(f, "__module__", None) or "")
    source = getattr(module, "__file__", None)
    return os.path.dirname(os.path.abspath(source)) if source else None
