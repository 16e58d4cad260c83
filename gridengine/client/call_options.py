"""What a job or a map asks for its calls, beside what is called with what."""

from __future__ import annotations

import os

from ..schedulers.arguments import (
    checked_cwd,
    checked_directory,
    checked_env,
    checked_output,
    whole_number,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias, TypedDict

    import numpy as np

    from ..ledger.task_output import OutputPolicy
    from ..schedulers.asked import Asked
    from ..schedulers.choice import SchedulerLike
    from ..serialization.function_options import Seed
    from ..serialization.packed import Function
    from .journal.request import JournalRequest

    RetryOn: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]
    """What ``retry_on=`` takes."""

    SeedLike: TypeAlias = int | np.random.SeedSequence
    """What ``seed=`` takes."""

    Directory: TypeAlias = str | os.PathLike[str]
    """What ``cwd=`` and ``report=`` take."""

    Escalation: TypeAlias = Mapping[str, Sequence[object]]
    """What ``escalate=`` takes."""

    ProgressLike: TypeAlias = bool | str | Callable[..., Any]
    """What ``progress=`` takes."""

    NotifyLike: TypeAlias = bool | str | Sequence[str]
    """What ``notify=`` takes."""

    class MapOptions(TypedDict, total=False):
        """What `gridengine.map` takes beside ``reraise=``."""

        scheduler: SchedulerLike | None
        chunksize: int | None
        timeout: float | None
        timeout_per_call: float | None
        retries: int | None
        retry_on: RetryOn | None
        cwd: Directory | None
        env: Mapping[str, str | None] | None
        seed: SeedLike | None
        progress: ProgressLike | None
        notify: NotifyLike | None
        report: Directory | None
        output: str | None
        logs: Directory | None
        keep_logs: bool
        resources: Mapping[str, object] | None
        memory: str | int | None
        escalate: Escalation | None
        journal: Directory | None
        key: Callable[..., Any] | None
        slots: int | None

    class ImapOptions(MapOptions, total=False):
        """What `gridengine.imap` takes beside it."""

        buffersize: int | None


class CallOptions:
    """The options, looked at. They are not changed any more.

    Attributes:
        timeout: Seconds that each call may take, 0 for no limit.
        lost_retries: As of `gridengine.ledger.task.Task`.
        error_retries: As there.
        timeout_retries: As there.
        retry_on: The exceptions after which a call is tried again, None for all.
        cwd: The directory of the calls, None for the scheduler's.
        env: Variables that are set for the calls, or taken away, beside the scheduler's.
        seed: What the calls are seeded with, None if they are not.
        output: What is asked for what they print, None if nothing is.
        asked: What is asked of the batch system, None if nothing is.
        journal: Where results are kept, None if they are not.
    """

    __slots__ = (
        "asked",
        "cwd",
        "env",
        "error_retries",
        "journal",
        "lost_retries",
        "output",
        "retry_on",
        "seed",
        "timeout",
        "timeout_retries",
    )

    def __init__(self) -> None:
        self.timeout = 0.0
        self.lost_retries = 1
        self.error_retries = self.timeout_retries = 0
        self.retry_on: tuple[type[BaseException], ...] | None = None
        self.cwd: str | None = None
        self.env: Mapping[str, str | None] | None = None
        self.seed: Seed | None = None
        self.output: OutputPolicy | None = None
        self.asked: Asked | None = None
        self.journal: JournalRequest | None = None

    @property
    def in_place(self) -> bool:
        """Whether the calls may run in the process that asks for them."""
        return self is PLAIN or (
            not (self.timeout or self.error_retries or self.timeout_retries)
            and self.lost_retries == 1
            and self.cwd is None
            and not self.env
            and self.output is None
            and self.journal is None
            and (self.asked is None or self.asked.one_core)
        )

    def attached_to(self, function: Callable[..., Any], *, many: bool) -> Callable[..., Any]:
        """Returns what is packed in the place of a function.

        Args:
            function: It.
            many: Whether it is a map's, some calls of which may fail while others do not.
        """
        retried = self.error_retries and (many or self.retry_on is not None)
        if not retried and self.seed is None:
            return function
        from ..serialization.function_options import FunctionWithOptions

        return FunctionWithOptions(function, self.retry_on if retried else (), self.seed)

    def placed(
        self, function: Function, cwd: str | None, env: Mapping[str, str | None] | None
    ) -> Function:
        """Returns a packed function that is called in its directory and environment.

        Args:
            function: It.
            cwd: The scheduler's, None for that of the program.
            env: The scheduler's.
        """
        if cwd is self.cwd is None and not env and not self.env:
            return function
        cwd = cwd if self.cwd is None else self.cwd
        env = {**(env or {}), **(self.env or {})}
        from ..serialization.own_surroundings import in_own_surroundings

        return in_own_surroundings(function, cwd, env)


PLAIN = CallOptions()
"""What is asked for if nothing is."""


def call_options(
    *,
    timeout: float | None = None,
    retries: int | None = None,
    retry_on: RetryOn | None = None,
    cwd: Directory | None = None,
    env: Mapping[str, str | None] | None = None,
    seed: SeedLike | None = None,
    output: str | None = None,
    logs: Directory | None = None,
    keep_logs: bool = True,
    resources: Mapping[str, object] | None = None,
    memory: str | int | None = None,
    escalate: Escalation | None = None,
    journal: Directory | None = None,
    key: object = None,
    slots: int | None = None,
    timeout_name: str = "timeout",
) -> CallOptions:
    """Returns what was asked for.

    Args:
        timeout: Seconds that each call may take.
        retries: Further attempts after a loss, and as many after an exception.
        retry_on: The exceptions after which there are any.
        cwd: The directory of the calls.
        env: Variables that are set for the calls; None takes one away.
        seed: What the calls are seeded with.
        output: What becomes of what they print.
        logs: The folder of the files that it is written to.
        keep_logs: Whether the file of a job that has succeeded stays.
        resources: What is asked of the batch system.
        memory: How much memory is asked for.
        escalate: What is asked for one after the other.
        journal: Where results are kept.
        key: What calls are known by there.
        slots: How many slots are asked for.
        timeout_name: What the user calls ``timeout``.

    Raises:
        TypeError, ValueError: One of them is impossible.
    """
    of_batch_system = resources, memory, escalate, slots
    kept = journal, key
    given = timeout, retries, retry_on, cwd, env, seed, output, logs, *of_batch_system, *kept
    if given == (None,) * len(given):
        return PLAIN
    made = CallOptions()
    if timeout is not None:
        made.timeout = checked_timeout(timeout, timeout_name)
    if retry_on is not None:
        made.retry_on = _exceptions(retry_on)
        made.error_retries = 1 if made.retry_on else 0
    if retries is not None:
        made.lost_retries = whole_number("retries", retries, 0)
        # Nothing is tried again after none of all exceptions.
        made.error_retries = 0 if made.retry_on == () else made.lost_retries
    made.timeout_retries = made.error_retries if _includes_timeouts(made.retry_on) else 0
    made.cwd = checked_cwd(cwd)
    made.env = checked_env(env)
    if seed is not None:
        made.seed = _seed(seed)
    if output is not None or logs is not None:
        made.output = _output_policy(output, logs, keep_logs)
    if of_batch_system != (None,) * len(of_batch_system):
        from ..schedulers.asked import asked

        made.asked = asked(resources, memory, escalate, slots)
    if kept != (None, None):
        from .journal.request import journal_request

        made.journal = journal_request(journal, key)
    return made


def checked_timeout(timeout: float, name: str) -> float:
    """Returns seconds that an attempt may take.

    Raises:
        TypeError: It is no number.
        ValueError: It is not above 0.
    """
    # numpy's too, but no text.
    if not hasattr(timeout, "__float__"):
        raise TypeError(f"{name} is {timeout!r}; it takes seconds")
    if not timeout > 0:
        raise ValueError(f"{name} is {timeout!r}; it takes more than 0 seconds")
    return float(timeout)


def _output_policy(output: str | None, logs: Directory | None, keep_logs: bool) -> OutputPolicy:
    from ..ledger.task_output import OutputPolicy

    folder = "" if logs is None else checked_directory("logs", logs)
    return OutputPolicy(checked_output(output) or "", folder, bool(keep_logs))


def _exceptions(retry_on: object) -> tuple[type[BaseException], ...]:
    kinds = retry_on if isinstance(retry_on, tuple) else (retry_on,)
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError(
                f"retry_on is {retry_on!r}; it takes exceptions' classes, such as (OSError,)"
            )
    return kinds


def _includes_timeouts(retry_on: tuple[type[BaseException], ...] | None) -> bool:
    if retry_on is None:
        return True
    from ..errors import JobTimeout

    return issubclass(JobTimeout, retry_on)


def _seed(seed: Any) -> Seed:
    from ..serialization.function_options import Seed

    # A SeedSequence of numpy's, which need not be imported here.
    if all(hasattr(seed, name) for name in ("entropy", "spawn_key", "pool_size")):
        entropy = seed.entropy
        numbers = int(entropy) if hasattr(entropy, "__index__") else tuple(map(int, entropy))
        return Seed(numbers, tuple(map(int, seed.spawn_key)), int(seed.pool_size))
    return Seed(whole_number("seed", seed, 0))
