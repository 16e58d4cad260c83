"""The programs that there are, and what is known of each: kept by a thread of its own."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import select
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from ..ledger.events import DispatcherEvent
from ..logs import Log
from ..observers.program_view import ProgramView
from ..observers.programs import ProgramGone, Search, WatchedProgram
from ..observers.task_stream import TaskStream
from ..transport.private_files import NotPrivate
from ..transport.viewer_messages import ProgramFacts

log = Log(__name__)

#: Seconds between two looks for programs that have come.
_NEW_PROGRAMS = 0.5

#: Programs that have ended and are still shown: the last ones.
_ENDED = 20

#: Points of the curves that are kept, one each second: the last ten minutes.
_POINTS = 600


class Point(NamedTuple):
    """How a program stood at one moment.

    Attributes:
        when: In seconds since 1970.
        rate: Calls that were done in the second before.
        busy: Workers that had something to do.
        workers: How many there were.
        memory: Bytes that they had, all together.
    """

    when: float
    rate: int
    busy: int
    workers: int
    memory: int


class Watched:
    """A program.

    Args:
        number: Names it here.
        facts: Whose it is.

    Attributes:
        number: As given.
        facts: As given.
        view: What is known of it.
        stream: What its workers did.
        ended: When it ended, in seconds since 1970, 0 as long as it runs.
        points: The last minutes, for curves.
        cpu: Cores that each worker has used lately, by its address.
    """

    def __init__(self, number: int, facts: ProgramFacts) -> None:
        self.number = number
        self.facts = facts
        self.view = ProgramView()
        self.stream = TaskStream()
        self.ended = 0.0
        self.points: collections.deque[Point] = collections.deque(maxlen=_POINTS)
        self.cpu: dict[bytes, float] = {}
        self._sampled: dict[bytes, tuple[float, float]] = {}
        self._done_before = -1

    def hear(self, timed: list[tuple[float, DispatcherEvent]]) -> None:
        """Takes in what has happened."""
        self.view.hear(timed)
        self.stream.hear(timed)

    def tick(self, now: float) -> None:
        """Adds a point to the curves; called each second."""
        view = self.view
        before, self._done_before = self._done_before, view.done
        rate = view.done - before if before >= 0 else 0
        memory = sum(each.sample.rss for each in view.workers.values() if each.sample is not None)
        self.points.append(Point(now, rate, view.running, len(view.workers), memory))
        self.stream.settle(now - 2.0)
        self._take_cpu(now)

    def end(self, now: float) -> None:
        """Notes that it has ended."""
        self.ended = now
        self.stream.settle()

    def _take_cpu(self, now: float) -> None:
        sampled = {}
        for address, worker in self.view.workers.items():
            if worker.sample is None:
                continue
            cpu = worker.sample.cpu
            when, before = sampled[address] = self._sampled.get(address, (now, cpu))
            # A sample stays until the next one: without news nothing is known of the time since.
            if cpu != before:
                self.cpu[address] = max(0.0, cpu - before) / max(0.1, now - when)
                sampled[address] = (now, cpu)
            elif now - when > 15.0:
                self.cpu[address] = 0.0
        self._sampled = sampled
        self.cpu = {address: cores for address, cores in self.cpu.items() if address in sampled}


class Watcher:
    """Watches all of this user's programs on this host, until it is closed.

    Args:
        run_dir: As `gridengine.settings.Settings.run_dir`.

    Attributes:
        lock: Held by who reads of `programs`, and of what is in there.
        programs: By their numbers, in the order in which they were found.
        trouble: Why no programs can be found, empty if they can.
    """

    def __init__(self, run_dir: str = "") -> None:
        self.lock = threading.Lock()
        self.programs: dict[int, Watched] = {}
        self.trouble = ""
        self._search = Search(run_dir)
        self._found: collections.deque[tuple[str, WatchedProgram]] = collections.deque()
        self._numbers = itertools.count(1)
        self._connected: dict[str, tuple[WatchedProgram, Watched]] = {}
        self._closing, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name="gridengine-watcher", daemon=True)
        self._thread.start()
        # It may wait for a program that is stopped; then the others are watched meanwhile.
        threading.Thread(target=self._look, name="gridengine-search", daemon=True).start()

    def close(self) -> None:
        """Watches nothing any more, and waits for that. Idempotent."""
        if self._wake >= 0:
            # Before the thread ends: from then on the other one closes what it finds.
            wake, self._wake = self._wake, -1
            os.close(wake)
            self._thread.join()
            os.close(self._closing)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        take = tick = 0.0
        try:
            while True:
                now = time.monotonic()
                if now >= take:
                    take = now + _NEW_PROGRAMS
                    self._take_new()
                if now >= tick:
                    tick = now + 1.0
                    self._tick()
                if self._closing in self._wait(min(take, tick) - time.monotonic()):
                    return
        finally:
            for program, _ in self._connected.values():
                program.close()
            self._close_found()

    def _wait(self, seconds: float) -> list[int]:
        poll = select.poll()
        poll.register(self._closing, select.POLLIN)
        by_descriptor = {}
        for path, (program, _) in self._connected.items():
            by_descriptor[program.fileno()] = path
            poll.register(program, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(max(0.0, seconds) * 1000)]
        for descriptor in ready:
            if descriptor in by_descriptor:
                self._read(by_descriptor[descriptor])
        return ready

    def _read(self, path: str) -> None:
        program, watched = self._connected[path]
        try:
            told = program.events(0.0)
        except (ProgramGone, ValueError) as gone:
            log.info("%s: %s", watched.facts.program, gone)
            del self._connected[path]
            program.close()
            with self.lock:
                watched.end(time.time())
                self._forget_old()
        else:
            with self.lock:
                watched.hear(told)

    def _take_new(self) -> None:
        while self._found:
            path, program = self._found.popleft()
            if path in self._connected:
                program.close()
                continue
            watched = Watched(next(self._numbers), program.facts)
            self._connected[path] = program, watched
            with self.lock:
                self.programs[watched.number] = watched

    def _tick(self) -> None:
        now = time.time()
        with self.lock:
            for _, watched in self._connected.values():
                watched.tick(now)

    def _forget_old(self) -> None:
        ended = sorted(self._ended(), key=lambda each: each.ended)
        for watched in ended[:-_ENDED]:
            del self.programs[watched.number]

    def _ended(self) -> Iterator[Watched]:
        return (each for each in self.programs.values() if each.ended)

    # ------------------------------------------------------------------ the other thread

    def _look(self) -> None:
        while self._wake >= 0:
            try:
                self._found.extend(self._search.new(list(self._connected)))
                self.trouble = ""
            except (NotPrivate, OSError) as error:
                self.trouble = str(error)
            time.sleep(_NEW_PROGRAMS)
        self._close_found()

    def _close_found(self) -> None:
        with contextlib.suppress(IndexError):  # There is no more, or the other thread has it.
            while True:
                self._found.popleft()[1].close()
