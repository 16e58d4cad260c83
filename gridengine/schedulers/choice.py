"""Which scheduler is meant: by an argument ``scheduler=``, or where a program names none."""

from __future__ import annotations

import _thread
import os

from .. import nesting, plugins, settings_file
from ..logs import Log
from .base import Scheduler, innermost
from .process import ProcessScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, MutableMapping
    from typing import Any, Literal, TypeAlias, TypeVar, overload

    from .grid_engine.scheduler import GridEngineScheduler
    from .slurm.scheduler import SlurmScheduler

    S = TypeVar("S", bound=Scheduler)
    Given: TypeAlias = Mapping[str, Any]

    SchedulerLike: TypeAlias = Scheduler | Callable[[], Scheduler] | str
    """What ``scheduler=`` takes; see `scheduler_for`."""

_VARIABLE = "GRIDENGINE_SCHEDULER"
_ARGUMENTS = "GRIDENGINE_ARGUMENTS"
_NOTHING: Given = {}

_logger = Log(__name__.rpartition(".")[0])
# `threading.Lock`, without the rest of that module: see `.base`.
_lock = _thread.allocate_lock()
_best: Scheduler | None = None

#: Which scheduler each name stands for, and what each class and function has made. A name may be
#: written as the package, too, so that nobody needs to know where the other has its line.
ALIASES = {"gridengine": "grid_engine"}
_named: dict[str, Scheduler] = {}
_made_by: MutableMapping[Any, Scheduler] | None = None


def current() -> Scheduler:
    """Returns what maps and jobs use that name no scheduler.

    That is the scheduler of the ``with`` that this thread, or task, is in; in none it is
    `best_available`.

    Raises:
        ValueError: As `best_available`.
        SchedulerUnavailable: As `best_available`.
    """
    return innermost() or best_available()


def best_available() -> Scheduler:
    """Returns the program's default scheduler: the same one until it is closed.

    That is a `GridEngineScheduler` if there is one whose master answers, by DRMAA or by its
    commands, else a `SlurmScheduler` if there are Slurm's commands and its controller answers, else
    a `ProcessScheduler`; where there are signs of a cluster all the same, a warning says why.
    ``GRIDENGINE_SCHEDULER=process``, ``=grid_engine``, ``=slurm`` or ``=inline`` (an
    `InlineScheduler`, for debuggers), or the name of a plug-in, decides instead, or ``scheduler``
    in a ``gridengine.toml``, which may have arguments for each: see `gridengine.settings_file`.

    In a job it is a `ProcessScheduler` of the cores that the job was granted, whatever else: a job
    that waited for queue jobs would hold the slot that they wait for.

    Raises:
        ValueError: ``GRIDENGINE_SCHEDULER`` is something else.
        SchedulerUnavailable: It is ``grid_engine`` or ``slurm``, and there is none; the message
            says why.
        GridEngineError: A settings file says something that cannot be.
    """
    global _best
    with _lock:
        if _best is None:
            _best = ProcessScheduler() if nesting.in_job() else _choose(*wanted())
            _best.on_close(_forget)
        return _best


def scheduler_for(given: SchedulerLike) -> Scheduler:
    """Returns the scheduler that an argument ``scheduler=`` means.

    Args:
        given: A scheduler; or the name of one, ``"process"``, ``"grid_engine"`` (``"gridengine"``),
            ``"slurm"``, ``"inline"``, or one of `gridengine.plugins`; or a class or a function
            without arguments that makes one. What a name, a class or a function stands for is made
            once, and used again wherever the same is given. A scheduler that was made so is closed
            at the end of the program; that of a function is so once nobody has the function any
            more, and its jobs are over.

    Raises:
        TypeError: It is none of these, or makes no scheduler; the message says what to write.
        ValueError: It is no name of a scheduler.
        SchedulerUnavailable: It is the name of one that cannot be used here.
        GridEngineError: A settings file has impossible arguments for it.
    """
    # The first look takes a fifth of the second, which a job would notice.
    if Scheduler in type(given).__mro__ or isinstance(given, Scheduler):
        return given  # type: ignore[return-value]  # by the first look
    check(given)
    if given is current or given is best_available:
        return given()
    with _lock:
        return _of_name(given) if isinstance(given, str) else _of_maker(given)


def scheduler_of_own(given: SchedulerLike) -> tuple[Scheduler, bool]:
    """Returns the scheduler that is meant, and whether it is the caller's to close.

    As `scheduler_for`, but what a class or a function makes is made anew, and the caller's.
    """
    shared = given is current or given is best_available
    if shared or isinstance(given, (Scheduler, str)) or not callable(given):
        return scheduler_for(given), False
    return _made_now(given), True


def check(given: object) -> None:
    """Finds what cannot be meant by an argument ``scheduler=``, and makes no scheduler.

    Raises:
        TypeError: It is no scheduler, nothing that could make one, and no name.
        ValueError: It is no name of a scheduler.
    """
    if isinstance(given, str):
        name = ALIASES.get(given, given)
        if name not in _MAKERS and not plugins.is_one(name):
            hint = settings_file.did_you_mean(given, [*_MAKERS, *plugins.names()])
            raise ValueError(f"scheduler is {given!r}; the names are {_names()}{hint}")
    elif not isinstance(given, Scheduler) and not callable(given):
        raise _no_scheduler(f"scheduler is {given!r}, which is none")


def _names() -> str:
    return ", ".join(map(repr, [*_MAKERS, *plugins.names()]))


def _no_scheduler(why: str) -> TypeError:
    return TypeError(
        f"{why}; make one: gridengine.schedulers.ProcessScheduler() for this computer's cores, "
        f"GridEngineScheduler() or SlurmScheduler() for a cluster; or name one: {_names()}"
    )


def _of_name(given: str) -> Scheduler:
    name = ALIASES.get(given, given)
    if name not in _named:
        _named[name] = _MAKERS[name]() if name in _MAKERS else described(name)
    return _named[name]


def _of_maker(maker: Callable[[], Scheduler]) -> Scheduler:
    global _made_by
    if _made_by is None:
        import weakref

        _made_by = weakref.WeakKeyDictionary()
    try:
        made = _made_by.get(maker)
    except TypeError as error:
        why = f"scheduler is {maker!r}, which cannot be told from others like it"
        raise _no_scheduler(why) from error
    if made is None:
        made = _made_by[maker] = _made_now(maker)
    return made


def _made_now(maker: Callable[[], Scheduler]) -> Scheduler:
    made = maker()
    if not isinstance(made, Scheduler):
        raise _no_scheduler(f"scheduler is {maker!r}, which made {made!r}")
    return made


def wanted() -> tuple[str, str]:
    """Returns which scheduler is to be chosen, and who says so; nothing if nobody does.

    Raises:
        ValueError: ``GRIDENGINE_SCHEDULER`` is the name of none.
        GridEngineError: A settings file has the name of none.
    """
    given = os.environ.get(_VARIABLE, "").strip()
    if not given:
        return settings_file.scheduler()
    name = ALIASES.get(given.lower(), given.lower())
    if not settings_file.is_scheduler(name):
        known = [*settings_file.SCHEDULERS, *plugins.names()]
        names = ", ".join(map(repr, known))
        hint = settings_file.did_you_mean(name, known)
        raise ValueError(f"{_VARIABLE}={given!r}: it is one of {names}, or not set{hint}")
    return name, f"{_VARIABLE}={given}"


def _choose(name: str, why: str) -> Scheduler:
    if name == "process":
        _logger.info("workers are processes of this host, because of %s", why)
        return described(name)
    if name == "inline":
        _logger.info("jobs run in this process, because of %s", why)
        return described(name)
    if name and name not in _MAKERS:
        _logger.info("workers are those of %s, because of %s", name, why)
        return described(name)
    from ..errors import SchedulerUnavailable

    reasons = []
    for cluster, made in _CLUSTERS.items():
        if name in ("", cluster):
            try:
                return made()
            except SchedulerUnavailable as error:
                reasons.append(str(error))
    if name:
        raise SchedulerUnavailable(f"{reasons[0]} (and {why} allows nothing else)")
    _say_why("; ".join(reasons))
    return described("process")


def _say_why(reason: str) -> None:
    """Says why this host's cores are taken: aloud where they may be those of a login node."""
    from .grid_engine import drmaa_library
    from .slurm import presence

    signs = {"grid_engine": drmaa_library.signs(), "slurm": presence.signs()}
    likely = [name for name, found in signs.items() if found]
    if not likely:
        _logger.info("workers are processes of this host: %s", reason)
        return
    _logger.warning(
        "workers are processes of this host, though there are signs of a cluster (%s): %s. "
        "If that is meant, set %s=process; %s=%s makes it an error (or scheduler = ... in %s)",
        ", ".join([*signs["grid_engine"], *signs["slurm"]]), reason, _VARIABLE, _VARIABLE,
        likely[0], settings_file.NAME,
    )  # fmt: skip


def _grid_engine() -> GridEngineScheduler:
    from .grid_engine import way

    way.chosen("auto")  # at no cost on a laptop, which has neither
    scheduler = described("grid_engine")
    system = scheduler.probe()
    by = way.BY[way.chosen(scheduler.through)]
    _logger.info("workers are queue jobs of %s, whose master answers, by its %s", system, by)
    return scheduler


def _slurm() -> SlurmScheduler:
    from .slurm import presence

    presence.require()
    scheduler = described("slurm")
    system = scheduler.probe()
    _logger.info("workers are queue jobs of %s, whose controller answers", system)
    return scheduler


if TYPE_CHECKING:

    @overload
    def described(name: Literal["grid_engine"], given: Given = ...) -> GridEngineScheduler: ...
    @overload
    def described(name: Literal["slurm"], given: Given = ...) -> SlurmScheduler: ...
    @overload
    def described(name: str, given: Given = ...) -> Scheduler: ...


def described(name: str, given: Given = _NOTHING) -> Scheduler:
    """Returns a scheduler of a name, with the arguments that the environment and files have.

    Whether it can be used here is not asked.

    Args:
        name: It.
        given: Arguments that count more.

    Raises:
        GridEngineError: An argument is impossible; the message says where it stands.
    """
    if name == "process":
        return _made(name, ProcessScheduler, given, free=False)
    if name == "inline":
        from .inline import InlineScheduler

        return _made(name, InlineScheduler, given, free=False)
    if name == "slurm":
        from .slurm.scheduler import SlurmScheduler

        return _made(name, SlurmScheduler, given, free=True)
    if name not in _MAKERS:
        from .plugged_in import arguments_of, made_by

        parameters, free = arguments_of(name)
        arguments, where = _arguments(name, parameters, free=free)
        return made_by(name, {**arguments, **given}, where)
    from .grid_engine.scheduler import GridEngineScheduler

    return _made("grid_engine", GridEngineScheduler, given, free=True)


def arguments_in_environment() -> dict[str, dict[str, Any]]:
    """Returns what ``GRIDENGINE_ARGUMENTS`` says: for names of schedulers their arguments.

    It is an object of JSON, as the tables of a ``gridengine.toml`` are, and counts more than these:
    ``{"process": {"max_workers": 2}}``. The command line sets it for the programs that it runs.

    Raises:
        GridEngineError: It is something else.
    """
    text = os.environ.get(_ARGUMENTS, "").strip()
    if not text:
        return {}
    import json

    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict) or not all(
        settings_file.is_scheduler(name) and isinstance(each, dict) for name, each in told.items()
    ):
        from ..errors import GridEngineError

        raise GridEngineError(
            f'{_ARGUMENTS} is {text!r}; it takes JSON such as {{"process": {{"max_workers": 2}}}}'
        )
    return told


def _made(name: str, kind: type[S], given: Given, *, free: bool) -> S:
    """Returns a scheduler with arguments that do not stand in the program.

    Args:
        name: That of its table in files.
        kind: Its class.
        given: Arguments that count more.
        free: Whether it takes arguments of any name.
    """
    code = kind.__init__.__code__
    parameters = [*code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]]
    # They would count more than the environment does, which counts more than a file.
    parameters.remove("settings")
    parameters += getattr(kind, "aliases", ())
    arguments, where = _arguments(name, parameters, free=free)
    try:
        return kind(**{**arguments, **given})
    except (TypeError, ValueError) as error:
        if not arguments:
            raise
        from ..errors import GridEngineError

        raise GridEngineError(f"[{name}] in {where}: {error}") from error


def _arguments(name: str, parameters: Collection[str], *, free: bool) -> tuple[dict[str, Any], str]:
    """Returns the arguments for a scheduler that do not stand in the program, and who has them."""
    arguments, where = settings_file.arguments(name, parameters, free=free)
    if "settings" in arguments:
        from ..errors import GridEngineError

        raise GridEngineError(f"[{name}] in {where} has settings: say them above all tables")
    if said := arguments_in_environment().get(name):
        arguments |= said
        where = " and ".join(filter(None, (where, _ARGUMENTS)))
    return arguments, where


#: What makes the scheduler of a cluster, in the order in which they are looked for.
_CLUSTERS: dict[str, Callable[[], Scheduler]] = {"grid_engine": _grid_engine, "slurm": _slurm}

#: What makes the scheduler of a name.
_MAKERS: dict[str, Callable[[], Scheduler]] = {
    "process": lambda: described("process"),
    **_CLUSTERS,
    "inline": lambda: described("inline"),
}


def _forget() -> None:
    global _best
    with _lock:
        _best = None
