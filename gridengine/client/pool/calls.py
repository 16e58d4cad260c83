"""What a pool has under way: its tasks, its threads, and what becomes of them at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...dispatcher.dispatcher import Dispatcher
from ...dispatcher.registry import dispatcher_for
from ...dispatcher.waiting import wait, when_over
from ...ledger.task import Task
from ...schedulers.base import Scheduler
from .background_thread import BackgroundThread

if TYPE_CHECKING:
    from .chunk_feed import ChunkFeed

#: Tasks that are kept though they are over, at most, beside as many as are not.
_FEW = 64

RUN, CLOSE, TERMINATE = "RUN", "CLOSE", "TERMINATE"


class PoolCalls:
    """The calls of one pool. It does not know the pool, which may be let go of meanwhile.

    Args:
        scheduler: Where they run.
        owned: Whether it is the pool's, and ends with it.

    Attributes:
        state: ``RUN``, ``CLOSE`` when it takes no more, ``TERMINATE`` when they are taken back.
        telling: Calls callbacks.
        feeding: Draws from iterables what the calling thread does not.
        draining: Whether all that there is is to be drawn, whoever asks for its results.
    """

    def __init__(self, scheduler: Scheduler, owned: bool) -> None:
        self._scheduler = scheduler
        self._owned = owned
        # Those that are not over, and few others.
        self._tasks: dict[Task, None] = {}
        self._most = _FEW
        self._feeds: dict[ChunkFeed, None] = {}
        self.state = RUN
        self.telling = BackgroundThread("gridengine-pool-callbacks")
        self.feeding = BackgroundThread("gridengine-pool-inputs")
        self.draining = False

    def dispatcher(self) -> Dispatcher:
        """Returns what hands them out.

        Raises:
            SchedulerError: The scheduler cannot be used.
        """
        return dispatcher_for(self._scheduler)

    def check_running(self) -> None:
        """Raises if it takes no more.

        Asked when a call is begun and again when it is packed, since that may take long. Whoever
        closes the pool between the second look and the submission has closed it after the call.

        Raises:
            ValueError: The pool was closed or terminated.
        """
        if self.state != RUN:
            raise ValueError("Pool not running")

    def submit(self, dispatcher: Dispatcher, task: Task, then: Callable[[], object] | None) -> None:
        """Has a task run.

        Args:
            dispatcher: What hands it out.
            task: It.
            then: Called when it is over, in the dispatcher's thread.

        Raises:
            SchedulerError: The scheduler was closed.
        """
        self._tasks[task] = None
        if then is not None:
            # As `when_over` does it for a task that others know of.
            task.waiters = [then]
        try:
            dispatcher.submit(task)
        except BaseException:
            self.forget(task)
            raise
        if len(self._tasks) > self._most:
            self._unfinished()
        if self.state != RUN:
            # Since somebody has last looked at what is under way.
            if self.state == TERMINATE:
                dispatcher.cancel([task])
            when_over(task, self._end_if_done)

    def forget(self, task: Task) -> None:
        """Lets go of a task that is over, and whose result was taken."""
        self._tasks.pop(task, None)

    def _unfinished(self) -> list[Task]:
        """Returns the tasks that are not over, and lets go of the others."""
        # They are not told apart when each is over: that is half of what it takes to submit one.
        unfinished = []
        for task in list(self._tasks):
            if task.over:
                self.forget(task)
            else:
                unfinished.append(task)
        self._most = 2 * len(unfinished) + _FEW
        return unfinished

    # ------------------------------------------------------------------ what is not drawn yet

    def add_feed(self, feed: ChunkFeed) -> None:
        """Notes that more tasks are to come."""
        self.feeding.start()
        self._feeds[feed] = None
        if self.state == TERMINATE:
            # Since somebody has last looked at what is under way.
            feed.stop()

    def remove_feed(self, feed: ChunkFeed) -> None:
        """Notes that all of these are over, and whoever asked for them knows."""
        if self._feeds.pop(feed, feed) is None:
            self._end_if_done()

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Takes no more; its workers and threads end when all is done."""
        if self.state == RUN:
            self.state = CLOSE
            for task in self._unfinished():
                when_over(task, self._end_if_done)
            self._end_if_done()

    def join(self) -> None:
        """Waits until all is done, callbacks included, and its workers are gone."""
        self.draining = True
        for feed in list(self._feeds):
            feed.ask()
        while self._feeds or self._unfinished():
            for feed in list(self._feeds):
                feed.ended.wait()
            for task in self._unfinished():
                wait(task)
        for dispatcher in self._dispatchers():
            if not dispatcher.closed:
                # Once its thread answers, it has told of all tasks that could be seen to be over.
                dispatcher.unfinished()
        self._end_threads()
        self.telling.join()
        self.feeding.join()
        if self._owned:
            self._scheduler.close()

    def terminate(self) -> None:
        """Takes back what is not done; what runs is killed, and waited for."""
        self.state = TERMINATE
        self.abandon()
        if self._owned:
            self._scheduler.close()
        for task in self._unfinished():
            wait(task)
        self._end_threads()

    def abandon(self) -> None:
        """As `terminate`, but returns at once."""
        # By the garbage collector too, anywhere: it can wait for no lock, which the thread that it
        # has interrupted may hold. So nobody waits for the tasks, as `close` does.
        self.state = TERMINATE
        for feed in list(self._feeds):
            feed.stop()
        unfinished = self._unfinished()
        for dispatcher in self._dispatchers():
            if unfinished and not dispatcher.forsaken:
                dispatcher.cancel(unfinished)
        # No more come, and each ends when it has done what it has.
        self._end()

    def _end_if_done(self) -> None:
        """Lets go of workers and threads if there is nothing left for them, nor will be."""
        if self.state != RUN and not self._feeds and not self._unfinished():
            self._end()

    def _end(self) -> None:
        if self._owned:
            for dispatcher in self._dispatchers():
                dispatcher.release()
        self._end_threads()

    def _dispatchers(self) -> list[Dispatcher]:
        return list((self._scheduler.dispatchers or {}).values())

    def _end_threads(self) -> None:
        self.telling.end()
        self.feeding.end()
