"""The supervisor: forks workers, watches them, and says how each one ended.

One small single-threaded process for each queue job; on a laptop one for all workers. It runs
none of the user's code, so it answers whatever the jobs do: a job that holds the interpreter's
lock for an hour is not mistaken for a dead one, and a crashed one is known the moment it
crashes.
"""

from __future__ import annotations

import functools
import math
import os
import resource
import select
import signal
import sys
import time
from _socket import socket

from ..errors import reason_of
from ..settings import ASK_SECONDS
from ..transport import messages, versions
from ..transport.launch_file import Launch
from ..transport.messages import (
    Beat,
    Died,
    Recall,
    Recalled,
    ShowStack,
    Signal,
    Staff,
    Stop,
    Supervising,
)
from ..transport.output_messages import OutputHeard
from ..transport.wake_pipe import WakePipe
from . import os_support
from .causes_of_death import CausesOfDeath
from .connection import NO_ROOM, Connection, open_connection, own_socket_for, socket_for
from .devices import Places
from .node_environment import NodeEnvironment
from .output_forwarding import OutputForwarding
from .sampling import Sampling
from .stacks import StackDumps
from .worker_process import WorkerProcess, become_worker
from .worker_setup import run_worker

#: Workers that die before their first job, one after the other, until the supervisor gives up:
#: what kills them will kill the next one too.
_BARREN_DEATHS = 5

#: Seconds until a worker is tried to be started again, when there was no room for one.
_FULL = 0.2


class Supervisor:
    """Runs the workers of one queue job until it is told to stop, or is no longer needed.

    Args:
        launch: What it is told.
        environment: What the program's variables are here.

    Attributes:
        unheard: Whether it ended because it has heard nothing of its program for too long.
    """

    def __init__(self, launch: Launch, environment: NodeEnvironment) -> None:
        self._launch = launch
        self._environment = environment
        self._places = Places(environment.shares)
        self._began = time.monotonic()
        self._queue_job = launch.queue_job.format_map(os.environ)
        self._address = os.urandom(8).hex().encode()
        self._children: dict[int, WorkerProcess] = {}
        self._next = 0
        self._target = int(min(launch.workers, self._places.most))
        self._barren = 0
        self._full_until = 0.0
        self._said_full = False
        self._stopping = False
        self.unheard = False
        self._connection: Connection | None = None
        self._causes = CausesOfDeath()
        self._stacks = StackDumps(self._say)
        self._sampling = Sampling(launch.sample_interval, self._say)
        self._pipe = WakePipe()
        self._poll = select.poll()
        self._output = OutputForwarding(self._poll, self._say)

    def run(self) -> int:
        """Returns the exit status of the queue job."""
        os_support.adopt_orphans()
        self._watch_signals()
        try:
            self._find_the_dispatcher()
            # The first worker connects while this process does, and begins before the others.
            self._fill(1)
            own = own_socket_for(self._launch, lambda: self._stopping)
            self._connection = open_connection(self._launch, self._address, own)
            self._introduce()
            self._fill()
            self._serve()
        except ConnectionError:
            # On one host a connection ends only with the other end.
            return 0
        finally:
            self._end_all()
            if self._connection is not None:
                self._connection.close()
        return 1 if self._barren >= _BARREN_DEATHS else 0

    # ------------------------------------------------------------------ the dispatcher

    def _find_the_dispatcher(self) -> None:
        if not self._launch.parent:
            from .reach import answering_endpoint

            endpoint = answering_endpoint(self._launch, self._address)
            self._launch = self._launch._replace(endpoints=[endpoint])

    def _time_left(self) -> float:
        """Returns the seconds until the batch system ends this queue job, 0 for never."""
        limit = self._launch.time_limit
        return limit and max(1e-3, limit - time.monotonic() + self._began)

    def _introduce(self) -> None:
        self._say(
            Supervising(
                messages.VERSION, self._queue_job, self._launch.kind,
                os.uname().nodename, os.getpid(), self._time_left(), *versions.own(),
                os_support.memory_limit(),
            )
        )  # fmt: skip

    def _say(self, message: object, *, sign_of_life: bool = False) -> None:
        assert self._connection is not None
        self._connection.send([messages.encode(message)], sign_of_life=sign_of_life)

    # ------------------------------------------------------------------ the loop

    def _serve(self) -> None:
        connection = self._connection
        assert connection is not None
        poll = self._poll
        for descriptor in (connection.fileno(), self._pipe.read_end):
            poll.register(descriptor, select.POLLIN)
        parent = self._watch_parent(poll)
        beat = ask = heard = looked = time.monotonic()
        self._sampling.begin(beat)
        while not self._stopping:
            now = time.monotonic()
            if now - looked > 2 * self._launch.heartbeat:
                # This process was stopped, with its workers: by a batch system that has suspended
                # the queue job, or by Ctrl-Z. What was said to it meanwhile waits to be read.
                heard = now
                for child in self._children.values():
                    child.extend_deadline(now - looked)
            looked = now
            # A program on this host may be silent for as long as it likes (Ctrl-Z): its end
            # would be seen.
            if now - heard > self._launch.patience and not parent:
                self.unheard = True
                return
            if now >= beat:
                beat = now + self._launch.heartbeat
                self._say(Beat(), sign_of_life=True)
            self._sampling.look(self._children.values(), now)
            if now >= ask:
                moved = [child.ask_for_results() for child in self._children.values()]
                # Who is at the same calls as before was asked, and need not be once more; but it is
                # noticed when there are others before workers with nothing to do have left.
                ask = now + (ASK_SECONDS if any(moved) else 4 * ASK_SECONDS)
            due = self._next_deadline(min(beat, ask))
            patience = 0.0 if connection.ready() else max(0.0, due - now)
            ready = {descriptor for descriptor, _ in poll.poll(math.ceil(patience * 1000))}
            if parent & ready:
                return
            if self._pipe.read_end in ready:
                self._pipe.empty()
            if connection.ready():
                heard = time.monotonic()
                self._listen(connection)
            self._output.look(ready)
            self._reap()
            self._stacks.look()
            self._enforce_deadlines()
            self._fill()
            if not self._target and not self._launch.persistent:
                return

    def _watch_parent(self, poll: select.poll) -> set[int]:
        """Returns what is ready when the program on this host is gone, or needs this no more."""
        if not self._launch.parent:
            return set()
        # The socket from it closes when it dies, unless a child of its own holds it open too;
        # its process id says so in any case, where the kernel offers that.
        watched = {0}
        process = os_support.open_process(self._launch.parent)
        if process is not None:
            watched.add(process)
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        return watched

    def _next_deadline(self, beat: float) -> float:
        deadlines = [child.deadline for child in self._children.values()]
        deadlines += [child.kill_at for child in self._children.values()]
        deadlines += [child.records_due for child in self._children.values()]
        if len(self._children) < self._target:
            beat = min(beat, self._full_until)
        beat = min(beat, self._stacks.due(time.monotonic()), self._output.due(), self._sampling.due)
        return min([beat, *(deadline for deadline in deadlines if deadline)])

    def _listen(self, connection: Connection) -> None:
        while connection.ready():
            message = connection.receive()
            if message is not None:
                self._obey(messages.decode_to_node(message[0]))

    def _obey(self, message: object) -> None:
        if isinstance(message, Staff):
            self._target = int(min(message.workers, self._places.most))
        elif isinstance(message, Recall):
            child = self._number(message.worker)
            if child is not None:
                position = child.page.recall(message.end, start=message.start, keep=message.keep)
                self._say(Recalled(child.number, position, message.end))
        elif isinstance(message, Signal):
            child = self._number(message.worker)
            if child is not None:
                self._signal(child, message)
        elif isinstance(message, ShowStack):
            self._stacks.ask(self._number(message.worker), message)
        elif isinstance(message, OutputHeard):
            self._output.heard(message.nbytes)
        elif isinstance(message, Stop):
            self._stopping = True

    def _signal(self, child: WorkerProcess, order: Signal) -> None:
        calls = order.position, order.position + order.width
        if not child.signal(calls, order.signum):
            return
        again, child.ended = child.ended == calls, calls
        child.reason = child.reason or order.reason
        if order.signum == signal.SIGTERM and not again:
            child.kill_at = time.monotonic() + self._launch.grace

    def _number(self, number: int) -> WorkerProcess | None:
        return next((c for c in self._children.values() if c.number == number), None)

    # ------------------------------------------------------------------ workers

    def _fill(self, most: float = math.inf) -> None:
        if time.monotonic() < self._full_until:
            return
        while len(self._children) < min(self._target, most) and not self._stopping:
            try:
                self._start_worker()
            except OSError as error:
                self._make_do(error)
                return

    def _make_do(self, error: OSError) -> None:
        """Goes on with the workers that there are, and tries again: a limit has been reached."""
        if isinstance(error, ConnectionError):
            raise error
        self._full_until = time.monotonic() + _FULL
        if error.errno in NO_ROOM:
            return
        if not self._said_full:
            self._said_full = True
            how_many = f"only {len(self._children)} of {self._target} workers"
            sys.stderr.write(f"gridengine: {how_many} can be started: {reason_of(error)}\n")
        if not self._children:
            self._barren += 1
            self._stopping = self._barren >= _BARREN_DEATHS

    def _start_worker(self) -> None:
        connection = socket_for(self._launch)
        try:
            self._fork(connection)
        finally:
            # Its own affair from now on: with a copy here the program would not see its end.
            if connection is not None:
                connection.close()

    def _fork(self, connection: socket | None) -> None:
        child = WorkerProcess(self._next, self._places.take())
        parent = os.getpid()
        try:
            child.pid = os.fork()
        except OSError:
            self._places.free(child.place)
            child.close()
            raise
        self._next += 1
        if not child.pid:
            keep = {0, 1, 2, self._pipe.write_end, *child.output.descriptors}
            if connection is not None:
                keep.add(connection.fileno())
            given = self._launch, self._environment, self._address, self._queue_job
            work = functools.partial(run_worker, child, connection, *given, self._pipe.wake)
            become_worker(child, parent, keep, work)
        child.output.is_shared()
        self._children[child.pid] = child
        self._output.watch(child)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            child = self._children.pop(pid, None)
            if child is not None:
                self._report(child, os.waitstatus_to_exitcode(status), usage)

    def _report(self, child: WorkerProcess, status: int, usage: resource.struct_rusage) -> None:
        position, width = child.page.begun
        sent, shortage = child.page.sent, child.page.shortage
        left = status == 0 and child.page.left_for_good
        reason = child.reason
        if not reason and not left:
            reason = "signal" if child.was_ended else self._causes.of(status, shortage, usage)
        if status == 0 and child.page.replaced:
            reason = "replaced"
        peak_memory = os_support.peak_memory(usage)
        said = self._output.ended(child)
        self._stacks.ended(child)
        self._sampling.ended(child)
        child.close()
        # What it had started and left behind has become this process's child.
        os_support.kill_strays(keep={*self._children, *self._sampling.own_processes})
        # Not before: they would have its devices, too.
        self._places.free(child.place)
        if left:
            self._target = max(0, self._target - 1)
        self._barren = 0 if width or status == 0 else self._barren + 1
        if self._barren >= _BARREN_DEATHS:
            self._stopping = True
        self._say(
            Died(
                child.number, status, position, width, reason, peak_memory, sent, said,
                shortage, os_support.memory_limit(), usage.ru_utime + usage.ru_stime,
            )
        )  # fmt: skip

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            child.ask_for_records(now)
            child.kill_if_due(now)

    def _end_all(self) -> None:
        for pid in self._children:
            os_support.kill(pid, signal.SIGKILL)
        self._sampling.close()
        os_support.kill_strays(keep=self._sampling.own_processes)

    # ------------------------------------------------------------------ signals

    def _watch_signals(self) -> None:
        for signum in (signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        for signum in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            # Grid Engine warns with SIGUSR1 and SIGUSR2 (-notify) before it kills.
            signal.signal(signum, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._pipe.write_end, warn_on_full_buffer=False)

    def _stop(self, *_: object) -> None:
        self._stopping = True
