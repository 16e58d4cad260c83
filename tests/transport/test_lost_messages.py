"""What is lost with a connection that breaks is said again.

One side is real; the other is played here, over the real sockets and the real protocol, and
simply has not heard, or not said, what the test wants to be lost.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
import zmq

from gridengine import DeathCause, Job, JobCancelled, JobDied
from gridengine.dispatcher.registry import dispatcher_for
from gridengine.dispatcher.staffing import Loss
from gridengine.schedulers.base import Scheduler, Session
from gridengine.schedulers.events import End, Ended, Event, Submitted
from gridengine.serialization.functions import pack_function
from gridengine.serialization.serializer import pack
from gridengine.transport import messages
from gridengine.transport import zeromq as network
from gridengine.transport.launch_file import Launch, import_path
from gridengine.transport.messages import (
    Beat,
    Call,
    Died,
    Done,
    FunctionDefinition,
    Idle,
    Introduce,
    Leave,
    Missed,
    Ready,
    Recall,
    Recalled,
    Result,
    Run,
    Signal,
    Staff,
    Stop,
    Supervising,
)
from gridengine.transport.zeromq import ZeroMQConnections

from .. import targets
from ..system import peers
from ..waiting import wait_until

PATIENCE = 10.0
ROOT = Path(__file__).parents[2]
M = TypeVar("M")


# -- the host is real -------------------------------------------------------------------------


class PlayedSession(Session):
    """Starts nothing: the test plays all that a queue job does."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._events: list[Event] = []
        self.launch_file = ""

    def say(self, event: Event) -> None:
        self._events.append(event)
        os.write(self._write, b"\0")

    def start(self, batch: int, command: Sequence[str], count: int, **_: Any) -> None:
        self.launch_file = command[-1]
        self.say(Submitted(batch, tuple(f"{batch}.{copy}" for copy in range(count))))

    def stop(self, queue_jobs: Sequence[str]) -> None:
        pass

    def events(self) -> list[Event]:
        os.read(self._read, 4096)
        events, self._events = self._events, []
        return events

    def fileno(self) -> int:
        return self._read

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


class Played(Scheduler):
    remote = True
    queue_job_name = "1.0"

    def __init__(self) -> None:
        self.session = PlayedSession()

    def open(self) -> PlayedSession:
        return self.session


class Peer:
    """A supervisor or worker that the test plays."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket

    def say(self, message: object) -> None:
        self.socket.send(messages.encode(message))

    def hears(self, kind: type[M]) -> M:
        """Returns the next message of this kind; what comes before it is not heard."""
        others = []
        while self.socket.poll(int(PATIENCE * 1000)):
            message = messages.decode_to_node(self.socket.recv_multipart()[0])
            if isinstance(message, kind):
                return message
            others.append(message)
        raise AssertionError(f"no {kind.__name__}, but {others}")

    def is_connected(self) -> None:
        peers.fence(self.socket)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GRIDENGINE_HOST", "127.0.0.1")
    with Played() as scheduler:
        yield scheduler  # type: ignore[misc]


def start(scheduler: Played, **options: Any) -> tuple[Job, peers.Port]:
    """Starts a job, and waits until queue jobs for it are asked for."""
    job = Job(target=targets.square, args=(3,), scheduler=scheduler, **options)
    job.start()
    path = wait_until(lambda: scheduler.session.launch_file, what="queue jobs are asked for")
    return job, peers.Port(Launch.read(path))


@pytest.fixture
def cast(played: Played) -> Iterator[tuple[Job, Peer, Peer]]:
    """A job without a second try, a supervisor that has said its first word, and its worker."""
    job, port = start(played, retries=0)
    with peers.worker(port, b"s") as first, peers.worker(port, b"s.0") as second:
        supervisor, worker = Peer(first), Peer(second)
        supervisor.is_connected()
        worker.is_connected()
        supervisor.say(Supervising(messages.VERSION, "1.0", 0, "node", 4711))
        yield job, supervisor, worker
        played.close()


def test_a_first_word_of_a_supervisor_is_asked_for(played: Played) -> None:
    _, port = start(played)
    with peers.worker(port, b"s") as socket:
        supervisor = Peer(socket)
        supervisor.say(Beat())
        supervisor.hears(Introduce)
        supervisor.say(Supervising(messages.VERSION, "1.0", 0, "node", 4711))
        supervisor.say(Beat([]))
        supervisor.hears(Beat)


def test_a_first_word_of_a_worker_is_asked_for(cast: tuple[Job, Peer, Peer]) -> None:
    _, supervisor, worker = cast
    supervisor.say(Beat([0]))
    worker.hears(Introduce)
    worker.say(Ready(messages.VERSION, 4712))
    assert 1 == worker.hears(Run).block


def test_a_death_that_was_not_heard_is_asked_for(cast: tuple[Job, Peer, Peer]) -> None:
    job, supervisor, worker = cast
    worker.say(Ready(messages.VERSION, 4712))
    worker.hears(Run)
    supervisor.say(Beat([0]))
    assert [] == supervisor.hears(Beat).workers
    supervisor.say(Beat([]))
    assert [0] == supervisor.hears(Beat).workers
    died = Died(0, -11, 0, 1, DeathCause.CRASHED.value, 1)
    supervisor.say(died)
    supervisor.say(died)
    assert isinstance(job.exception, JobDied)
    supervisor.say(Beat([]))
    assert [] == supervisor.hears(Beat).workers


@pytest.fixture
def at_work(cast: tuple[Job, Peer, Peer]) -> tuple[Job, Peer, Peer]:
    """The same, when the worker has the job."""
    _, _, worker = cast
    worker.say(Ready(messages.VERSION, 4712))
    worker.hears(Run)
    return cast


def cause_of(job: Job) -> DeathCause:
    died = job.exception
    assert isinstance(died, JobDied)
    return died.death.cause


def held(scheduler: Played) -> threading.Event:
    """Has the dispatcher's thread wait for an event, which it is in the middle of that."""
    waits, go_on = threading.Event(), threading.Event()
    dispatcher_for(scheduler)._ask(lambda: (waits.set(), go_on.wait(PATIENCE)))
    assert waits.wait(PATIENCE)
    return go_on


def test_how_a_worker_has_died_is_not_forgotten_with_the_end_of_its_supervisor(
    played: Played, at_work: tuple[Job, Peer, Peer]
) -> None:
    job, supervisor, _ = at_work
    go_on = held(played)
    supervisor.say(Died(0, -11, 0, 1, DeathCause.CRASHED.value, 1))
    played.session.say(Ended("1.0", End(cause=DeathCause.NODE_LOST)))
    # Sent is not yet received, by ZeroMQ's thread.
    poller = dispatcher_for(played)._connections
    assert isinstance(poller, ZeroMQConnections)
    assert poller.socket.poll(int(PATIENCE * 1000))
    go_on.set()
    assert cause_of(job) is DeathCause.CRASHED


def test_how_a_worker_has_died_is_heard_after_the_end_of_its_supervisor(
    played: Played, at_work: tuple[Job, Peer, Peer]
) -> None:
    job, _, _ = at_work
    dispatcher = dispatcher_for(played)

    def first_the_one_then_the_other() -> None:
        handlers = dispatcher._handlers
        record = handlers._staffing.supervisors[b"s"]
        handlers._staffing._forget(record)
        handlers._deaths.lose(Loss(record, End(cause=DeathCause.NODE_LOST)), time.monotonic())
        died = Died(0, -11, 0, 1, DeathCause.CRASHED.value, 1)
        handlers._deaths.hear(b"s", died, time.monotonic())

    dispatcher._ask(first_the_one_then_the_other)
    assert cause_of(job) is DeathCause.CRASHED


def test_who_is_dead_gets_no_work_while_a_second_opinion_is_waited_for(
    played: Played, at_work: tuple[Job, Peer, Peer]
) -> None:
    job, supervisor, _ = at_work
    supervisor.say(Died(0, -9, 0, 1, DeathCause.KILLED.value, 1))
    supervisor.is_connected()
    (record,) = dispatcher_for(played)._handlers.ledger.workers.values()
    assert record.leaving
    assert isinstance(job.exception, JobDied)


def test_answers_behind_a_flood_are_heard_before_their_worker_is_buried(
    played: Played, cast: tuple[Job, Peer, Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_MESSAGES", 1)
    job, supervisor, worker = cast
    worker.say(Ready(messages.VERSION, 4712))
    (call,) = worker.hears(Run).calls
    payload, _ = pack(9, "the result")
    go_on = held(played)
    supervisor.say(Died(0, -11, 1, 0, DeathCause.CRASHED.value, 1))
    for _ in range(8):
        worker.say(Idle(0))
    worker.say(Done([Result(call.task, 1, 0, 1, payload, 0, {}, 0.0, 0.0, 0)]))
    go_on.set()
    assert 9 == job.result


def test_the_end_of_a_job_is_ordered_again(cast: tuple[Job, Peer, Peer]) -> None:
    job, supervisor, worker = cast
    worker.say(Ready(messages.VERSION, 4712))
    worker.hears(Run)
    job.terminate()
    ordered = supervisor.hears(Recall), supervisor.hears(Signal)
    supervisor.say(Beat([0]))
    assert ordered == (supervisor.hears(Recall), supervisor.hears(Signal))
    supervisor.say(Recalled(0, 1, 1))
    supervisor.say(Died(0, -15, 0, 1, "signal", 1))
    assert isinstance(job.exception, JobCancelled)


def test_workers_that_are_wanted_are_asked_for_again(cast: tuple[Job, Peer, Peer]) -> None:
    _, supervisor, _ = cast
    assert 1 == supervisor.hears(Staff).workers
    supervisor.say(Beat([]))
    assert 1 == supervisor.hears(Staff).workers


def test_a_worker_that_shall_leave_is_told_again(
    played: Played, cast: tuple[Job, Peer, Peer]
) -> None:
    job, _, worker = cast
    dispatcher_for(played)._scheduler.linger = 0.0
    worker.say(Ready(messages.VERSION, 4712))
    (call,) = worker.hears(Run).calls
    payload, _ = pack(9, "the result")
    worker.say(Done([Result(call.task, 1, 0, 1, payload, 0, {}, 0.0, 0.0, 0)]))
    assert 9 == job.result
    worker.hears(Leave)
    worker.say(Idle(1))
    worker.hears(Leave)


def test_a_supervisor_that_was_counted_as_lost_is_told_to_stop(
    played: Played, cast: tuple[Job, Peer, Peer]
) -> None:
    _, supervisor, worker = cast
    worker.say(Ready(messages.VERSION, 4712))
    worker.hears(Run)
    played.session.say(Ended("1.0", End(cause=DeathCause.NODE_LOST)))
    for word in (Beat([0]), Supervising(messages.VERSION, "1.0", 0, "node", 4711)):
        # Its loss, on a way of its own, may be heard later than its word.
        wait_until(lambda word=word: _is_told_to_stop(supervisor, word), what="it shall stop")


def _is_told_to_stop(supervisor: Peer, word: object) -> bool:
    supervisor.say(word)
    while supervisor.socket.poll(100):
        if isinstance(messages.decode_to_node(supervisor.socket.recv()), Stop):
            return True
    return False


def test_a_function_that_did_not_arrive_is_sent_again(cast: tuple[Job, Peer, Peer]) -> None:
    job, _, worker = cast
    worker.say(Ready(messages.VERSION, 4712))
    block = worker.hears(Run)
    assert 1 == len(block.functions)
    worker.say(Missed(block.calls[0].task, block.calls[0].attempt))
    again = worker.hears(Run)
    assert (block.functions, 2) == (again.functions, again.calls[0].attempt)
    job.kill()


# -- the node is real -------------------------------------------------------------------------


class Host:
    """A dispatcher that the test plays, with one supervisor of two workers."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o700)
        self.connections = ZeroMQConnections(host="127.0.0.1")
        launch = peers.port_of(self.connections).launch._replace(
            workers=2, persistent=True, heartbeat=0.2, patience=PATIENCE, sys_path=import_path(),
            cwd=str(ROOT), queue_job="1.0",
        )  # fmt: skip
        launch.write(str(folder / "launch"))
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "gridengine" / "worker"), str(folder / "launch")]
        )

    def hears(self, kind: type[M]) -> tuple[bytes, M]:
        """Returns the next message of this kind, and whose it is; the others are not heard."""
        end = time.monotonic() + PATIENCE
        others = []
        while time.monotonic() < end:
            self.connections.wait(0.01)
            for address, message, _ in self.connections.receive():
                if isinstance(message, kind):
                    return address, message
                others.append(message)
        raise AssertionError(f"no {kind.__name__}, but {others[-5:]}")

    def say(self, address: bytes, message: messages.ToNode) -> None:
        # A supervisor's connection may take longer than its worker's.
        end = time.monotonic() + PATIENCE
        while not self.connections.send(address, message):
            assert time.monotonic() < end, f"{address!r} is not connected"
            self.connections.wait(0.01)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    host.process.terminate()
    host.process.wait(timeout=10)
    host.connections.close()


def call(function: messages.FunctionDefinition, task: int) -> Call:
    payload, _ = pack(((task,), {}), "the arguments")
    return Call(task, 1, function.key, 0, 0, 1, payload, 0)


@pytest.fixture
def square() -> FunctionDefinition:
    packed = pack_function(targets.square)
    return FunctionDefinition(packed.key, packed.payload, 0)


def test_supervisors_and_workers_say_again_who_they_are(host: Host) -> None:
    worker, ready = host.hears(Ready)
    host.say(worker, Introduce())
    while (again := host.hears(Ready))[0] != worker:
        pass
    assert (worker, ready) == again
    supervisor, _ = messages.supervisor_of(worker)
    host.say(supervisor, Introduce())
    assert supervisor == host.hears(Supervising)[0]


def test_a_supervisor_tells_again_how_a_worker_has_died(host: Host) -> None:
    worker, ready = host.hears(Ready)
    os.kill(ready.pid, signal.SIGSEGV)
    supervisor, died = host.hears(Died)
    assert (supervisor, died.worker) == messages.supervisor_of(worker)
    host.say(supervisor, Beat([died.worker]))
    assert died == host.hears(Died)[1]


def test_a_supervisor_answers_for_a_worker_that_it_does_not_remember(host: Host) -> None:
    supervisor, _ = host.hears(Beat)
    host.say(supervisor, Beat([12345]))
    _, died = host.hears(Died)
    assert (12345, DeathCause.UNKNOWN.value) == (died.worker, died.reason)


def test_a_beat_names_the_workers_that_are_there(host: Host) -> None:
    worker, ready = host.hears(Ready)
    _, number = messages.supervisor_of(worker)
    assert [0, 1] == host.hears(Beat)[1].workers
    os.kill(ready.pid, signal.SIGKILL)
    host.hears(Died)
    assert sorted({0, 1, 2} - {number}) == sorted(host.hears(Beat)[1].workers)


def test_a_call_without_its_function_is_sent_back(host: Host, square: FunctionDefinition) -> None:
    worker, _ = host.hears(Ready)
    host.say(worker, Run(1, 0, [], [], [call(square, 5), call(square, 6)]))
    assert Missed(5, 1) == host.hears(Missed)[1]
    assert Missed(6, 1) == host.hears(Missed)[1]
    host.say(worker, Run(2, 2, [square], [], [call(square, 7)]))
    assert 7 == host.hears(Done)[1].results[0].task


def test_a_recall_has_the_same_answer_each_time(host: Host, square: FunctionDefinition) -> None:
    worker, _ = host.hears(Ready)
    supervisor, number = messages.supervisor_of(worker)
    host.say(worker, Run(1, 0, [square], [], [call(square, 5), call(square, 6)]))
    answered: list[Result] = []
    while len(answered) < 2:
        answered += host.hears(Done)[1].results
    for _ in range(2):
        host.say(supervisor, Recall(number, 9))
        assert Recalled(number, 2, 9) == host.hears(Recalled)[1]
