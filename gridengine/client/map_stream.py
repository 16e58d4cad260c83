"""A map as a stream of results, with a bounded number of calls under way.

`stream` is what all faces of a map are made of: a list is made of all that it yields, and
`itertools.chain.from_iterable` makes it a stream of single values.
"""

from __future__ import annotations

import functools
import math
import operator
import time
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from ..dispatcher.dispatcher import Dispatcher
from ..errors import TimeoutError
from ..ledger.start_failures import counted
from ..ledger.task import Outcome, Task
from ..logs import printable
from ..serialization.packed import Function
from ..states import Mode
from .answer_order import AnswerOrder, AsTheyCome, InOrder
from .call_options import PLAIN, CallOptions
from .map_tasks import MapTasks
from .results import let_go, values_in
from .stream_control import StreamControl

if TYPE_CHECKING:
    from .journal.map_tasks import KeptCalls

#: Seconds for which runs are given out before a look at the workers: a look costs some µs, as much
#: as to take a small run does.
_BURST = 0.0005


def stream(
    dispatcher: Dispatcher,
    function: Function,
    items: Iterable[Any],
    mode: Mode,
    *,
    length: int = -1,
    chunksize: int | None = None,
    buffersize: int | None = None,
    ordered: bool = True,
    reraise: bool = True,
    end: float = math.inf,
    control: StreamControl | None = None,
    options: CallOptions = PLAIN,
    before: Callable[[Iterable[Task]], object] | None = None,
    kept: KeptCalls | None = None,
) -> Generator[list[Any], None, None]:
    """Yields the values of a map in runs: one list for each answer, of some neighbouring calls.

    The thread that draws from it does all of the work: it draws the items and packs them, only
    just ahead of the workers, and unpacks the answers. Nothing is drawn before the first run is
    asked for, nor while the consumer does something else. Closing it early cancels what is under
    way; running calls are killed.

    Args:
        dispatcher: Whose workers do it.
        function: What is called.
        items: The arguments; of any length.
        mode: How the function is applied to an item.
        length: How many items there are, below 0 if that is not known.
        chunksize: Calls in a task; by default by the time that they take.
        buffersize: Calls at most that are drawn and whose values have not been asked for. By
            default as many as keep the workers busy, and any number of those that wait for
            their turn behind a slow one.
        ordered: Whether the runs come in the order of the items. Otherwise as they are done.
        reraise: Whether the first exception ends it; otherwise exceptions take the places of
            values.
        end: When time is up, on the monotonic clock.
        control: What other threads may do to it.
        options: What is asked for the calls.
        before: What is told of tasks before they are submitted.
        kept: What is known of the calls already, and kept of them.

    Raises:
        BaseException: What the function raised, as soon as that is known, after the values before
            it that are known too; of several, the first in order. What drawing the items raised,
            at once.
        JobError: A call ended in another way.
        TimeoutError: Time is up, and calls are not done.
        PackingError: An item cannot travel.
        SchedulerError: The scheduler was closed.
    """
    __tracebackhide__ = True  # as in `gridengine.client.map.map`
    make: Callable[..., MapTasks] = MapTasks
    if kept is not None:
        from .journal.map_tasks import KeptMapTasks

        make = functools.partial(KeptMapTasks, kept)
    tasks = make(
        dispatcher, function, items, mode,
        length=length, chunksize=chunksize, buffersize=buffersize, fail_fast=reraise, end=end,
        control=control, options=options, before=before,
    )  # fmt: skip
    # For who looks from elsewhere how far it is.
    dispatcher.maps[tasks] = lambda: max(0, length - tasks.fed)
    # What has been read of the answers that have come: values, and the error behind them.
    order: AnswerOrder[tuple[Task, int, list[Any], BaseException | None]]
    order = InOrder() if ordered else AsTheyCome()
    failed: list[tuple[int, BaseException]] = []
    try:
        while True:
            if control is not None and control.stopped:
                tasks.cancel()
                return
            # What waits for a slow call keeps no worker from work, but what waits for a slow
            # consumer does.
            ready = order.ready()
            tasks.feed(waits_for_consumer=ready)
            if tasks.all_taken:
                return
            if not tasks.over and time.monotonic() >= end:
                done = f"{counted(tasks.taken, 'call')} {'was' if tasks.taken == 1 else 'were'}"
                why = dispatcher.state_reasons.without_workers()
                text = f"the map was not done in time; {done}{f'; {why}' if why else ''}"
                raise TimeoutError(printable(text))
            # Unpacked in the order in which they come: an answer that waits for its turn as it
            # came holds the memory of its worker, beside that of its values later.
            wait = not ready and not tasks.has_room()
            for task, outcome in tasks.answered(wait=wait):
                first, calls, values, error = _read(task, outcome, reraise)
                if error is not None:
                    tasks.failed = True
                    failed.append((first, error))
                order.add(first, calls, (task, calls, values, error))
            patience = time.monotonic() + _BURST
            while order.ready():
                task, calls, values, error = order.take()
                if values:
                    yield values
                # Its consumer may have let go of it.
                del values
                tasks.take(task, calls)
                # A consumer that takes its time does not keep the workers waiting.
                if error is not None or (time.monotonic() > patience and not failed):
                    break
            if failed:
                # At once, though something before it still runs: that may take for ever.
                tasks.drop()
                raise min(failed, key=operator.itemgetter(0))[1]
    except BaseException:
        try:
            tasks.cancel()
        except KeyboardInterrupt:
            # The second one: calls that went on would keep their workers from the next map.
            tasks.cancel()
            raise
        raise
    finally:
        del dispatcher.maps[tasks]
        tasks.close()


def _read(
    task: Task, outcome: Outcome | list[Any] | None, reraise: bool
) -> tuple[int, int, list[Any], BaseException | None]:
    """Returns the number of the first call, how many there are, their values, and the error."""
    if isinstance(outcome, list):
        return task.first, task.size, outcome, None
    if outcome is None:
        assert task.error is not None
        return task.first, task.size, [], task.error
    values, error = values_in(task, outcome, reraise)
    let_go(task, outcome)
    return task.first + outcome.lo, outcome.hi - outcome.lo, values, error
