"""The calls of a map as runs of results: what `gridengine.client.map` is made of."""

from __future__ import annotations

import math
import operator
import os
import time

from .. import nesting
from ..dispatcher.registry import dispatcher_for
from ..schedulers import best_available
from ..schedulers.arguments import seconds, whole_number
from ..schedulers.base import innermost
from ..schedulers.choice import scheduler_for
from .call_options import call_options
from .callables import check_callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from typing import Any, TypeVar

    from ..dispatcher.dispatcher import Dispatcher
    from ..ledger.task import Task
    from ..observers.mails.map_mail import MapMail
    from ..observers.progress import Progress
    from ..observers.report.map_report import MapReport
    from ..schedulers.choice import SchedulerLike
    from ..states import Mode
    from .call_options import Directory, Escalation, NotifyLike, ProgressLike, RetryOn, SeedLike
    from .journal.map_tasks import KeptCalls
    from .stream_control import Arriving, StreamControl

    R = TypeVar("R")

#: Calls of a map of unknown length, as far as the number of workers goes.
_MANY = 1_000_000


class MapRuns:
    """A map that was asked for, before anything of it is run.

    Args:
        f: What is called.
        iterables: Its arguments.
        scheduler: Where to run; None for the one of the ``with`` around it, or the best.
        reraise: Whether the first exception ends it; otherwise exceptions take the places of
            values.
        chunksize: Calls that go to a worker together; by default by the time they take.
        buffersize: Calls at most that are drawn and whose values have not been asked for.
        ordered: Whether the runs come in the order of the items.
        timeout: Seconds for the whole map, from now on.
        timeout_per_call: As for `gridengine.client.map.map`.
        retries: As there.
        retry_on: As there.
        cwd: As there.
        env: As there.
        seed: As there.
        progress: As there.
        report: As there.
        notify: As there.
        output: As there.
        logs: As there.
        keep_logs: As there.
        resources: As there.
        memory: As there.
        escalate: As there.
        journal: As there.
        key: As there.
        slots: As there.
        arriving: What is drawn in place of the iterables, if they come by themselves.

    Attributes:
        inline: Whether, once it was started, the calls run in the thread that draws.

    Raises:
        TypeError, ValueError: An argument is impossible.
        ModuleNotFoundError: A bar or a report is asked for, and what makes it is not installed.
    """

    def __init__(
        self,
        f: Callable[..., R],
        iterables: tuple[Iterable[Any], ...],
        *,
        scheduler: SchedulerLike | None = None,
        reraise: bool = True,
        chunksize: int | None = None,
        buffersize: int | None = None,
        ordered: bool = True,
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
        arriving: Arriving | None = None,
    ) -> None:
        check_callable("f", f)
        if not iterables:
            raise TypeError("map() must have at least one iterable")
        if len(iterables) > 1:
            from ..schedulers.first_gridengine import positional_scheduler

            iterables, scheduler = positional_scheduler(iterables, scheduler)
        if key is not None:
            check_callable("key", key)
        if chunksize is not None:
            chunksize = whole_number("chunksize", chunksize, 1)
        if buffersize is not None:
            buffersize = whole_number("buffersize", buffersize, 1)
        self._function = f
        self._single = len(iterables) == 1
        self._length = min(operator.length_hint(each, -1) for each in iterables)
        self._items: Iterable[Any]
        if arriving is not None:
            self._items = arriving
        elif self._single:
            self._items = iterables[0]
            iter(self._items)
        else:
            # As the builtin does, whose items may be of different numbers.
            self._items = zip(*iterables)  # noqa: B905
        self._scheduler = innermost() if scheduler is None else scheduler_for(scheduler)
        self._options = call_options(
            timeout=timeout_per_call, retries=retries, retry_on=retry_on,
            cwd=cwd, env=env, seed=seed, output=output, logs=logs, keep_logs=keep_logs,
            resources=resources, memory=memory, escalate=escalate, slots=slots,
            journal=journal, key=key,
            timeout_name="timeout_per_call",
        )  # fmt: skip
        if progress is not None and progress is not False and not nesting.in_job():
            from ..observers import bars

            bars.check(progress)
        self._progress = progress
        self._report: str | None = None
        if report is not None:
            from ..observers.report import page

            page.check()
            self._report = page.checked_path(report)
        self._recipients = None
        if notify is not None and notify is not False:
            from ..mail_addresses import recipients_in

            self._recipients = recipients_in(notify)
        self._reraise = reraise
        self._chunksize = chunksize
        self._buffersize = buffersize
        self._ordered = ordered
        self.inline = False
        self._end = math.inf
        if timeout is not None:
            self._end = time.monotonic() + seconds("timeout", timeout)

    def start(self, control: StreamControl | None = None) -> Generator[list[R], None, None]:
        """Has workers start, and returns the runs of results, which do all else when drawn from.

        Args:
            control: What other threads may do to them meanwhile.

        Raises:
            PackingError: The function cannot travel (also a TypeError).
            SchedulerError: The scheduler cannot be used.
        """
        options = self._options
        unbound = self._scheduler is None and self._end == math.inf and options.in_place
        if unbound and self._report is None and nesting.runs_in_place():
            self.inline = True
            return self._in_place()
        # Before the first workers, of which calls that are done need none.
        kept = self._kept_calls()
        try:
            return self._watched(kept, control)
        except BaseException:
            if kept is not None:
                kept.close()
            raise

    def _watched(
        self, kept: KeptCalls | None, control: StreamControl | None
    ) -> Generator[list[R], None, None]:
        calls = _MANY if self._length < 0 else self._length
        dispatcher = dispatcher_for(
            self._scheduler or best_available(),
            calls=calls if kept is None else max(0, calls - kept.known),
        )
        self.inline = dispatcher.inline
        # Now, when the first workers are on their way: they start in the meantime.
        from ..serialization.functions import pack_function
        from .map_stream import stream

        options = self._options
        function = options.attached_to(self._function, many=True)
        watchers = [
            self._shown_progress(dispatcher),
            self._written_report(dispatcher),
            self._wanted_mail(dispatcher),
        ]
        observers = [each for each in watchers if each is not None]
        runs = stream(
            dispatcher,
            options.placed(pack_function(function, "the function"), *dispatcher.surroundings),
            self._items,
            self._mode,
            length=self._length,
            chunksize=self._chunksize,
            buffersize=self._buffersize,
            ordered=self._ordered,
            reraise=self._reraise,
            end=self._end,
            control=control,
            options=options,
            before=_all_of([each.expect for each in observers]),
            kept=kept,
        )
        for each in observers:
            runs = each.around(runs)
        return runs

    @property
    def _mode(self) -> Mode:
        from ..states import Mode

        return Mode.MAP if self._single else Mode.STARMAP

    def _kept_calls(self) -> KeptCalls | None:
        """Returns what a journal has of the calls, None if nothing is kept of them."""
        if self._options.journal is None:
            return None
        from .journal.map_tasks import KeptCalls

        return KeptCalls(self._options.journal, self._function, self._mode, self._options)

    def _wanted_mail(self, dispatcher: Dispatcher) -> MapMail | None:
        """Returns what sends a mail at the end, None if nobody wants one."""
        if self._recipients is None or nesting.in_job():
            return None
        from ..dispatcher import mails
        from ..serialization.functions import name_of
        from ..settings import Settings

        settings = Settings.read(arguments=(self._scheduler or best_available()).settings)
        name = name_of(self._function)
        return mails.of_map(self._recipients, settings, name, dispatcher.observe)

    def _shown_progress(self, dispatcher: Dispatcher) -> Progress | None:
        """Returns what shows how far it is, None if nothing does."""
        given = self._progress
        if given is False or (given is None and not dispatcher.shows_progress) or nesting.in_job():
            return None
        from ..observers import bars
        from ..observers.progress import Progress
        from ..serialization.functions import name_of

        make = bars.maker(given, name_of(self._function), self._length)
        if make is None:
            return None
        return Progress(make, dispatcher.observe, self._length, remote=dispatcher.remote)

    def _written_report(self, dispatcher: Dispatcher) -> MapReport | None:
        """Returns what writes a report, None if nobody wants one."""
        if self._report is None:
            return None
        from ..observers.report.map_report import MapReport
        from ..observers.report.records import About
        from ..serialization.functions import name_of

        scheduler = self._scheduler or best_available()
        about = About(
            f"map of {name_of(self._function)}",
            "",
            os.uname().nodename,
            repr(scheduler),
            scheduler.slots,
        )
        return MapReport(self._report, about, dispatcher.observe)

    def _in_place(self) -> Generator[list[R], None, None]:
        from .in_place import stream_in_place

        return stream_in_place(
            self._function,
            self._items,
            self._mode,
            chunksize=self._chunksize,
            buffersize=self._buffersize,
            reraise=self._reraise,
            seed=self._options.seed,
        )


def _all_of(
    expecting: Sequence[Callable[[Iterable[Task]], object]],
) -> Callable[[Iterable[Task]], object] | None:
    """Returns what calls all of these with the same tasks."""
    if len(expecting) < 2:
        return expecting[0] if expecting else None

    def expect(tasks: Iterable[Task]) -> None:
        tasks = list(tasks)
        for each in expecting:
            each(tasks)

    return expect
