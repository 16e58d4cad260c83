"""Connections that break: whatever was on its way arrives all the same, once.

The first part has both sides real, and a relay between them that breaks all connections, with what
is on its way in them. In the second one side is played here, over the real sockets and the real
protocol, so that what it says comes in an order that hardly ever happens.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

import gridengine
from gridengine import DeathCause, Job, JobCancelled, JobDied
from gridengine.dispatcher import shutdown
from gridengine.dispatcher.registry import dispatcher_for
from gridengine.schedulers.base import Scheduler, Session
from gridengine.schedulers.events import End, Ended, Event, Submitted
from gridengine.serialization.serializer import pack
from gridengine.transport import messages, zeromq
from gridengine.transport.launch_file import Keys, Launch
from gridengine.transport.messages import (
    Beat,
    Died,
    Done,
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
from ..system.peers import OverTcp
from ..waiting import wait_until

PATIENCE = 10.0
M = TypeVar("M")


# -- both sides are real ----------------------------------------------------------------------


class Relay:
    """Passes on what workers and program say, until it breaks their connections.

    Args:
        address: Where the program listens.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._door = socket.create_server(("127.0.0.1", 0))
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._break = threading.Event()
        self._end = threading.Event()
        self.address = self._door.getsockname()
        self.breaks = 0
        self.passed = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def break_connections(self) -> None:
        """Ends all connections, and forgets what was on its way in them."""
        before = self.breaks
        self._break.set()
        wait_until(lambda: self.breaks > before, what="the connections are broken")

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        with self._door:
            while not self._end.is_set():
                readable, _, _ = select.select([self._door, *self._pairs], [], [], 0.01)
                for each in readable:
                    if each is self._door:
                        self._connect()
                    elif each in self._pairs:
                        self._pass_on(each)
                if self._break.is_set():
                    self._hang_up(*self._pairs)
                    self.breaks += 1
                    self._break.clear()
            self._hang_up(*self._pairs)

    def _connect(self) -> None:
        near, _ = self._door.accept()
        try:
            far = socket.create_connection(self._address)
        except OSError:
            near.close()
            return
        self._pairs[near], self._pairs[far] = far, near

    def _pass_on(self, each: socket.socket) -> None:
        try:
            data = each.recv(65536)
            self._pairs[each].sendall(data)
        except OSError:
            data = b""
        self.passed += len(data)
        if not data:
            self._hang_up(each, self._pairs[each])

    def _hang_up(self, *sockets: socket.socket) -> None:
        for each in sockets:
            if self._pairs.pop(each, None) is not None:
                # At once, with what was not sent: as if the network were gone.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0] + [0] * 4))
                each.close()


@pytest.fixture(autouse=True)
def nobody_waits_for_those_who_only_play(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not leave when they are told to."""
    monkeypatch.setattr(shutdown, "_DEPARTURES", 0.1)


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Relay]]:
    """The relays between programs that are opened from now on and their workers."""
    made: list[Relay] = []
    listen = ZeroMQConnections._open

    def behind_a_relay(self: ZeroMQConnections, keys: Keys, host: str, ports: str) -> list[str]:
        (endpoint,) = listen(self, keys, host, ports)
        name, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        made.append(Relay((name, int(port))))
        return [f"tcp://127.0.0.1:{made[-1].address[1]}"]

    monkeypatch.setattr(ZeroMQConnections, "_open", behind_a_relay)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GRIDENGINE_HOST", "127.0.0.1")
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "0.2")
    yield made
    for each in made:
        each.close()


def test_breaks_in_the_middle_of_all_lose_no_answer_and_cost_no_attempt(
    relay: list[Relay],
) -> None:
    with OverTcp(2) as scheduler:
        jobs = [Job(target=targets.square, args=(x,), scheduler=scheduler) for x in range(3000)]
        for job in jobs[:1000]:
            job.start()
        (between,) = relay
        for begin in (1000, 2000):
            between.break_connections()
            for job in jobs[begin : begin + 1000]:
                job.start()
        for _ in range(5):
            passed = between.passed
            wait_until(lambda passed=passed: between.passed > passed or not jobs[-1].is_alive(),
                       what="something is on its way")  # fmt: skip
            between.break_connections()
        assert [x * x for x in range(3000)] == [job.result for job in jobs]
        assert {1} == {job.attempts for job in jobs}


def test_large_arguments_and_results_survive_a_break(relay: list[Relay]) -> None:
    data = os.urandom(5_000_000)
    with OverTcp(1) as scheduler:
        assert 4 == gridengine.map(targets.square, [2], scheduler=scheduler)[0]
        (between,) = relay
        jobs = [Job(target=targets.give, args=(data,), scheduler=scheduler) for _ in range(4)]
        for job in jobs:
            passed = between.passed
            job.start()
            wait_until(lambda passed=passed: between.passed > passed + 1_000_000, what="half of it")
            between.break_connections()
        assert all(job.result == data for job in jobs)
        assert {1} == {job.attempts for job in jobs}


def test_an_order_to_end_survives_a_break(relay: list[Relay], tmp_path: Path) -> None:
    path = tmp_path / "runs"
    with OverTcp(1) as scheduler:
        job = Job(target=targets.touch_and_wait, args=(str(path),), scheduler=scheduler)
        job.start()
        wait_until(path.exists, what="the job runs")
        relay[0].break_connections()
        job.terminate()
        relay[0].break_connections()
        assert isinstance(job.exception, JobCancelled)


def test_a_death_that_was_told_in_a_break_is_heard(relay: list[Relay]) -> None:
    with OverTcp(1) as scheduler:
        job = Job(target=targets.kill_self, scheduler=scheduler, retries=0)
        job.start()
        while job.is_alive():
            relay[0].break_connections()
            with contextlib.suppress(TimeoutError):
                job.join(0.3)
        assert isinstance(job.exception, JobDied)


# -- the host is real, the node is played -----------------------------------------------------


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
    queue_job_template = "1.0"

    def __init__(self) -> None:
        self.session = PlayedSession()

    def open(self) -> PlayedSession:
        return self.session


class Peer:
    """A supervisor or worker that the test plays."""

    def __init__(self, peer: peers.Peer) -> None:
        self._peer = peer

    def say(self, message: object) -> None:
        self._peer.send(messages.encode(message))

    def hears(self, kind: type[M]) -> M:
        """Returns the next message of this kind; what comes before it is not heard."""
        others = []
        while self._peer.poll(int(PATIENCE * 1000)):
            message = messages.decode_to_node(self._peer.recv_multipart()[0])
            if isinstance(message, kind):
                return message
            others.append(message)
        raise AssertionError(f"no {kind.__name__}, but {others}")

    def is_connected(self) -> None:
        peers.fence(self._peer)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GRIDENGINE_HOST", "127.0.0.1")
    monkeypatch.setenv("GRIDENGINE_CHANNEL", "tcp")
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


@pytest.fixture
def at_work(cast: tuple[Job, Peer, Peer]) -> tuple[Job, Peer, Peer]:
    """The same, when the worker has the job."""
    _, _, worker = cast
    worker.say(Ready(4712))
    worker.hears(Run)
    return cast


def cause_of(job: Job) -> DeathCause:
    died = job.exception
    assert isinstance(died, JobDied)
    return died.death.cause


def crashed(sent: int) -> Died:
    return Died(0, -11, 0, 1, DeathCause.CRASHED.value, 1, sent)


def held(scheduler: Played) -> threading.Event:
    """Has the dispatcher's thread wait for an event, which it is in the middle of that."""
    waits, go_on = threading.Event(), threading.Event()
    dispatcher_for(scheduler)._ask(lambda: (waits.set(), go_on.wait(PATIENCE)))
    assert waits.wait(PATIENCE)
    return go_on


def test_a_worker_may_be_heard_before_its_supervisor(played: Played) -> None:
    _, port = start(played)
    with peers.worker(port, b"s") as first, peers.worker(port, b"s.0") as second:
        supervisor, worker = Peer(first), Peer(second)
        worker.say(Ready(4712))
        worker.is_connected()
        supervisor.say(Supervising(messages.VERSION, "1.0", 0, "node", 4711))
        assert 1 == worker.hears(Run).block
        played.close()


def test_a_worker_whose_end_is_heard_before_its_first_word_gets_no_work(
    cast: tuple[Job, Peer, Peer], played: Played
) -> None:
    _, supervisor, worker = cast
    supervisor.say(Died(0, -9, 0, 0, DeathCause.KILLED.value, 1, 1))
    supervisor.is_connected()
    worker.say(Ready(4712))
    worker.is_connected()
    assert not dispatcher_for(played)._state.ledger.workers


def test_a_sign_of_life_is_answered(at_work: tuple[Job, Peer, Peer]) -> None:
    _, *both = at_work
    for peer in both:
        peer.say(Beat())
        peer.hears(Beat)


def test_how_a_worker_has_died_is_not_forgotten_with_the_end_of_its_supervisor(
    played: Played, at_work: tuple[Job, Peer, Peer]
) -> None:
    job, supervisor, _ = at_work
    go_on = held(played)
    supervisor.say(crashed(sent=1))
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
    job, supervisor, _ = at_work
    played.session.say(Ended("1.0", End(cause=DeathCause.NODE_LOST)))
    staffing = dispatcher_for(played)._state.staffing
    wait_until(lambda: not staffing.supervisors, what="it is counted as lost")
    supervisor.say(crashed(sent=1))
    assert cause_of(job) is DeathCause.CRASHED


def test_who_is_dead_gets_no_work_while_a_second_opinion_is_waited_for(
    played: Played, at_work: tuple[Job, Peer, Peer]
) -> None:
    job, supervisor, _ = at_work
    supervisor.say(Died(0, -9, 0, 1, DeathCause.KILLED.value, 1, 1))
    supervisor.is_connected()
    (record,) = dispatcher_for(played)._state.ledger.workers.values()
    assert record.leaving
    assert isinstance(job.exception, JobDied)


def test_a_death_is_settled_when_all_has_been_heard_that_the_dead_had_sent(
    played: Played, cast: tuple[Job, Peer, Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever comes first, and however much else there is to be heard.
    monkeypatch.setattr(zeromq, "_MESSAGES", 1)
    job, supervisor, worker = cast
    worker.say(Ready(4712))
    (call,) = worker.hears(Run).calls
    payload, _ = pack(9, "the result")
    supervisor.say(Died(0, -11, 1, 0, DeathCause.CRASHED.value, 1, 10))
    supervisor.is_connected()
    for _ in range(8):
        worker.say(Beat())
    worker.say(Done([Result(call.task, 1, 0, 1, payload, 0, {}, 0.0, 0.0, 0)]))
    assert 9 == job.result


def test_a_message_that_the_dead_could_not_send_is_not_waited_for_long(
    at_work: tuple[Job, Peer, Peer],
) -> None:
    job, supervisor, _ = at_work
    supervisor.say(crashed(sent=2))
    begin = time.monotonic()
    assert cause_of(job) is DeathCause.CRASHED
    assert time.monotonic() - begin < PATIENCE


def test_the_end_of_a_job_is_ordered_of_its_supervisor(at_work: tuple[Job, Peer, Peer]) -> None:
    job, supervisor, _ = at_work
    job.terminate()
    assert (1, 15) == (supervisor.hears(Recall).end, supervisor.hears(Signal).signum)
    supervisor.say(Recalled(0, 1, 1))
    supervisor.say(Died(0, -15, 0, 1, "signal", 1, 1))
    assert isinstance(job.exception, JobCancelled)


def test_workers_that_are_wanted_are_asked_for(cast: tuple[Job, Peer, Peer]) -> None:
    _, supervisor, _ = cast
    assert 1 == supervisor.hears(Staff).workers


def test_a_worker_that_has_nothing_to_do_is_told_to_end(
    played: Played, cast: tuple[Job, Peer, Peer]
) -> None:
    job, _, worker = cast
    dispatcher_for(played)._state._linger = 0.0
    worker.say(Ready(4712))
    (call,) = worker.hears(Run).calls
    payload, _ = pack(9, "the result")
    worker.say(Done([Result(call.task, 1, 0, 1, payload, 0, {}, 0.0, 0.0, 0)]))
    assert 9 == job.result
    worker.hears(Stop)


def test_a_supervisor_that_was_counted_as_lost_is_told_to_stop(
    played: Played, at_work: tuple[Job, Peer, Peer]
) -> None:
    _, supervisor, _ = at_work
    played.session.say(Ended("1.0", End(cause=DeathCause.NODE_LOST)))
    staffing = dispatcher_for(played)._state.staffing
    wait_until(lambda: not staffing.supervisors, what="it is counted as lost")
    for word in (Beat(), Supervising(messages.VERSION, "1.0", 0, "node", 4711)):
        supervisor.say(word)
        supervisor.hears(Stop)
