"""`map`, `imap` and `imap_unordered`: the everyday faces."""

from __future__ import annotations

from .map_runs import MapRuns
from .raised import raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from typing import Any, Literal, TypeVar, overload

    from typing_extensions import Unpack

    from ..schedulers.choice import SchedulerLike
    from .call_options import (
        Directory,
        Escalation,
        ImapOptions,
        MapOptions,
        NotifyLike,
        ProgressLike,
        RetryOn,
        SeedLike,
    )

    A = TypeVar("A")
    B = TypeVar("B")
    R = TypeVar("R")


# What type checkers take it for, where the number of iterables is that of what f takes.
# fmt: off
if TYPE_CHECKING:
    @overload
    def map(
        f: Callable[[A], R], a: Iterable[A], /, *,
        reraise: Literal[True] = ..., **options: Unpack[MapOptions],
    ) -> list[R]: ...
    @overload
    def map(
        f: Callable[[A], R], a: Iterable[A], /, *,
        reraise: bool, **options: Unpack[MapOptions],
    ) -> list[R | BaseException]: ...
    @overload
    def map(
        f: Callable[[A, B], R], a: Iterable[A], b: Iterable[B], /, *,
        reraise: Literal[True] = ..., **options: Unpack[MapOptions],
    ) -> list[R]: ...
    @overload
    def map(
        f: Callable[[A, B], R], a: Iterable[A], b: Iterable[B], /, *,
        reraise: bool, **options: Unpack[MapOptions],
    ) -> list[R | BaseException]: ...
    @overload
    def map(
        f: Callable[..., R], a: Iterable[Any], b: Iterable[Any], c: Iterable[Any], /,
        *more: Iterable[Any],
        reraise: Literal[True] = ..., **options: Unpack[MapOptions],
    ) -> list[R]: ...
    @overload
    def map(
        f: Callable[..., R], a: Iterable[Any], b: Iterable[Any], c: Iterable[Any], /,
        *more: Iterable[Any],
        reraise: bool, **options: Unpack[MapOptions],
    ) -> list[R | BaseException]: ...
# fmt: on


def map(
    f: Callable[..., R],
    *iterables: Iterable[Any],
    scheduler: SchedulerLike | None = None,
    reraise: bool = True,
    chunksize: int | None = None,
    timeout: float | None = None,
    timeout_per_call: float | None = None,
    retries: int | None = None,
    retry_on: RetryOn | None = None,
    cwd: Directory | None = None,
    env: Mapping[str, str | None] | None = None,
    seed: SeedLike | None = None,
    progress: ProgressLike | None = None,
    report: Directory | None = None,
    notify: NotifyLike | None = None,
    output: str | None = None,
    logs: Directory | None = None,
    keep_logs: bool = True,
    resources: Mapping[str, object] | None = None,
    memory: str | int | None = None,
    escalate: Escalation | None = None,
    journal: Directory | None = None,
    key: Callable[..., Any] | None = None,
    slots: int | None = None,
) -> list[Any]:
    """Applies ``f`` to the items of iterables, in parallel; equal to ``list(map(f, ...))``.

    Example:
        >>> import gridengine
        >>> with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        ...     gridengine.map(abs, [-1, 2, -3], scheduler=scheduler)
        [1, 2, 3]

    Args:
        f: Any callable: lambdas, closures and functions of ``__main__`` too.
        iterables: The arguments, as for the builtin; of any length, generators too. They are
            drawn from only a little ahead of the workers.
        scheduler: Where to run: ``"process"``, ``"grid_engine"``, ``"slurm"``, ``"inline"``,
            one of `gridengine.schedulers`, or a class or function that makes one. By default
            `gridengine.schedulers.current`: that of the ``with`` around it, or the best that there
            is. Within a job that is what the job was granted: with one core the calls run in the
            job's own process.
        reraise: Whether to raise an exception as soon as it is known, of several the first in
            order, and cancel what has not begun. Otherwise exceptions stand in the list in the
            place of values; `raised` tells them from exceptions that ``f`` returned.
        chunksize: Calls that go to a worker together. By default by the time they take.
        timeout: Seconds for the whole map. An item that is just being drawn is waited for.
        timeout_per_call: Seconds that a call may take; after that its process is killed, and the
            call, if it is not to be tried again, has failed with `JobTimeout`.
        retries: Further attempts of a call that failed: so many if its worker is lost, and, counted
            apart, so many if ``f`` raises or takes too long. By default one after a loss, none
            after the others.
        retry_on: The exceptions, a class or some, after which there are further attempts (one, if
            ``retries`` does not say how many); others fail at once. ``()`` has losses tried again
            alone; `JobTimeout`, or the builtin TimeoutError, stands for ``timeout_per_call``.
        cwd: The directory in which ``f`` is called, seen from the program's; by default the
            scheduler's, or the program's own. Where it cannot be entered the calls fail with an
            OSError.
        env: Variables that are set for the calls, and for nothing after them in the same worker,
            beside the scheduler's; None takes one away.
        seed: A number, or a numpy.random.SeedSequence: `random`, numpy's global generator and
            `gridengine.seed_sequence` are then, in each call, as it and the number of the call say,
            wherever that runs.
        progress: Whether to show how far it is, on standard error or in the notebook: True, or a
            text to stand before the bar in place of the name of ``f``, or a class or function that
            makes bars as tqdm does. By default as ``GRIDENGINE_PROGRESS`` says, which shows nothing
            where there is no terminal. Nothing is shown within jobs.
        report: A file into which a page is written at the end, after an exception too: what the
            calls have used, how well the workers were used, what to request next time.
        notify: Who gets a mail when it is over, however it ends: an address or some, or True for
            those of ``GRIDENGINE_MAIL_TO``. None is sent within jobs.
        output: What becomes of what the calls print: see `ProcessScheduler`; by default the
            scheduler's.
        logs: A folder in which all that they print is written to files, one for each task of
            neighbouring calls.
        keep_logs: Whether the files of tasks whose calls all succeeded stay.
        resources: Requests to the batch system for the workers of these calls; see `Job`.
        memory: How much memory a call needs; see `Job`.
        escalate: What is asked for at first, and for a call that died for want of it; see `Job`.
        journal: A file in which values are kept: in another run of the program, or after it was
            killed, calls that are done are not made again, if the code of ``f`` is the same. See
            ``docs/howto/journal.md``.
        key: A function of the item, or of those of all iterables, that returns what a call is known
            by in the journal, in place of the item and the code of ``f``.
        slots: Cores that each call may keep busy; see `Job`.

    Returns:
        The values, in the order of the items.

    Raises:
        BaseException: What ``f`` raised, with the remote traceback as its ``__cause__``.
        JobError: A call ended in another way; see `gridengine.errors`.
        TimeoutError: The time was over; all calls were cancelled (also the builtin's).
        PackingError: ``f`` or an item cannot travel (also a TypeError).
        SchedulerError: The scheduler cannot be used.
        TypeError, ValueError: An argument is impossible.
        ModuleNotFoundError: A bar or a report is asked for, and what makes it is not installed.
        GridEngineError: The journal is none, or others can write it.
    """
    # IPython and pytest leave such frames out of what they show: none of them is the user's.
    __tracebackhide__ = True
    runs: Generator[list[Any], None, None] = MapRuns(
        f, iterables,
        scheduler=scheduler, reraise=reraise, chunksize=chunksize, timeout=timeout,
        timeout_per_call=timeout_per_call, retries=retries, retry_on=retry_on,
        cwd=cwd, env=env, seed=seed, progress=progress, report=report,
        notify=notify,
        output=output, logs=logs, keep_logs=keep_logs,
        resources=resources, memory=memory, escalate=escalate, slots=slots,
        journal=journal, key=key,
    ).start()  # fmt: skip
    results: list[Any] = []
    try:
        for values in runs:
            results += values
    except RuntimeError as error:
        # A call may raise StopIteration, but the stream, which is a generator, cannot.
        if isinstance(error.__cause__, StopIteration) and raised(error.__cause__):
            raise error.__cause__ from error.__cause__.__cause__
        raise
    finally:
        runs.close()
    return results


# fmt: off
if TYPE_CHECKING:
    @overload
    def imap(
        f: Callable[[A], R], a: Iterable[A], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> Generator[R, None, None]: ...
    @overload
    def imap(
        f: Callable[[A], R], a: Iterable[A], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> Generator[R | BaseException, None, None]: ...
    @overload
    def imap(
        f: Callable[[A, B], R], a: Iterable[A], b: Iterable[B], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> Generator[R, None, None]: ...
    @overload
    def imap(
        f: Callable[[A, B], R], a: Iterable[A], b: Iterable[B], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> Generator[R | BaseException, None, None]: ...
    @overload
    def imap(
        f: Callable[..., R], a: Iterable[Any], b: Iterable[Any], c: Iterable[Any], /,
        *more: Iterable[Any],
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> Generator[R, None, None]: ...
    @overload
    def imap(
        f: Callable[..., R], a: Iterable[Any], b: Iterable[Any], c: Iterable[Any], /,
        *more: Iterable[Any],
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> Generator[R | BaseException, None, None]: ...
# fmt: on


def imap(
    f: Callable[..., R],
    *iterables: Iterable[Any],
    scheduler: SchedulerLike | None = None,
    reraise: bool = True,
    chunksize: int | None = None,
    buffersize: int | None = None,
    timeout: float | None = None,
    timeout_per_call: float | None = None,
    retries: int | None = None,
    retry_on: RetryOn | None = None,
    cwd: Directory | None = None,
    env: Mapping[str, str | None] | None = None,
    seed: SeedLike | None = None,
    progress: ProgressLike | None = None,
    report: Directory | None = None,
    notify: NotifyLike | None = None,
    output: str | None = None,
    logs: Directory | None = None,
    keep_logs: bool = True,
    resources: Mapping[str, object] | None = None,
    memory: str | int | None = None,
    escalate: Escalation | None = None,
    journal: Directory | None = None,
    key: Callable[..., Any] | None = None,
    slots: int | None = None,
) -> Generator[Any, None, None]:
    """As `map`, but yields the results one by one, in order, as soon as they are there.

    It is lazy on both ends: items are drawn only a little ahead of the workers, and results are
    made only a little ahead of who asks for them. So the items may be without end, and any number
    of them takes the memory of a few. All that happens does so while a result is asked for, in
    that thread. Nothing is begun before the first.

    Example:
        >>> import gridengine, itertools
        >>> with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        ...     for root in gridengine.imap(abs, itertools.count(-3), scheduler=scheduler):
        ...         if root == 0:
        ...             break

    Leaving the loop early, or ``close()``, takes back what is not done, and ends what runs.

    Args:
        f: As for `map`.
        iterables: As for `map`.
        scheduler: As for `map`.
        reraise: Whether to raise an exception as soon as it is known, after the results before it
            that are known too. Otherwise exceptions are yielded in the place of values; `raised`
            tells them from exceptions that ``f`` returned.
        chunksize: As for `map`.
        buffersize: Calls at most that are drawn from the iterables and whose results have not
            been asked for. By default as many as keep the workers busy.
        timeout: Seconds from now in which the last result is asked for.
        timeout_per_call: As for `map`.
        retries: As for `map`.
        retry_on: As for `map`.
        cwd: As for `map`.
        env: As for `map`.
        seed: As for `map`.
        progress: As for `map`.
        report: As for `map`.
        notify: As for `map`.
        output: As for `map`.
        logs: As for `map`.
        keep_logs: As for `map`.
        resources: As for `map`.
        memory: As for `map`.
        escalate: As for `map`.
        journal: As for `map`.
        key: As for `map`.
        slots: As for `map`.

    Yields:
        The values, in the order of the items.

    Raises:
        RuntimeError: ``f`` raised StopIteration, which no generator can: it is the ``__cause__``.
        BaseException: Else as `map`; what is wrong with the arguments at once, all else when the
            results are asked for.
    """
    return _each(
        MapRuns(
            f, iterables,
            scheduler=scheduler, reraise=reraise, chunksize=chunksize, buffersize=buffersize,
            timeout=timeout, timeout_per_call=timeout_per_call, retries=retries,
            retry_on=retry_on, cwd=cwd, env=env, seed=seed, progress=progress, report=report,
            notify=notify,
            output=output, logs=logs, keep_logs=keep_logs,
            resources=resources, memory=memory, escalate=escalate, slots=slots,
            journal=journal, key=key,
        )
    )  # fmt: skip


# fmt: off
if TYPE_CHECKING:
    @overload
    def imap_unordered(
        f: Callable[[A], R], a: Iterable[A], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> Generator[R, None, None]: ...
    @overload
    def imap_unordered(
        f: Callable[[A], R], a: Iterable[A], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> Generator[R | BaseException, None, None]: ...
    @overload
    def imap_unordered(
        f: Callable[[A, B], R], a: Iterable[A], b: Iterable[B], /, *,
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> Generator[R, None, None]: ...
    @overload
    def imap_unordered(
        f: Callable[[A, B], R], a: Iterable[A], b: Iterable[B], /, *,
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> Generator[R | BaseException, None, None]: ...
    @overload
    def imap_unordered(
        f: Callable[..., R], a: Iterable[Any], b: Iterable[Any], c: Iterable[Any], /,
        *more: Iterable[Any],
        reraise: Literal[True] = ..., **options: Unpack[ImapOptions],
    ) -> Generator[R, None, None]: ...
    @overload
    def imap_unordered(
        f: Callable[..., R], a: Iterable[Any], b: Iterable[Any], c: Iterable[Any], /,
        *more: Iterable[Any],
        reraise: bool, **options: Unpack[ImapOptions],
    ) -> Generator[R | BaseException, None, None]: ...
# fmt: on


def imap_unordered(
    f: Callable[..., R], *iterables: Iterable[Any], reraise: bool = True, **options: Any
) -> Generator[Any, None, None]:
    """As `imap`, but the results come in the order in which they are done.

    So a slow call is in nobody's way. Who wants to know which item a result is of has ``f``
    return that too.

    Args:
        f: As for `map`.
        iterables: As for `map`.
        reraise: As for `imap`.
        options: What else `imap` takes.

    Yields:
        The values.

    Raises:
        BaseException: As `imap`.
    """
    return _each(MapRuns(f, iterables, reraise=reraise, ordered=False, **options))


def _each(runs: MapRuns) -> Generator[Any, None, None]:
    __tracebackhide__ = True
    stream: Generator[list[Any], None, None] = runs.start()
    try:
        for values in stream:
            yield from values
    finally:
        stream.close()
