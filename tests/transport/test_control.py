"""What a supervisor inherits, with real sockets: it is told what to do there, and passes others."""

from __future__ import annotations

import _socket
import errno
import os
import resource
import stat
import threading
from collections.abc import Iterator

import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler
from gridengine.transport.control import Control, Controls, pass_end
from gridengine.transport.launch_file import Launch
from gridengine.worker import connection as worker_connection

from ..two_users import User
from ..waiting import wait_until
from .passed import PassedConnections, passed_connections


@pytest.fixture
def controls() -> Controls:
    return Controls()


@pytest.fixture
def control(controls: Controls) -> Iterator[Control]:
    control = Control(controls)
    yield control
    control.close()
    control.inherited.close()


def passed(control: Control) -> _socket.socket:
    """Returns what a supervisor has of a connection that it passes."""
    return pass_end(control.inherited.fileno())


def test_both_ends_of_what_is_passed_are_a_connection_that_no_other_program_inherits(
    control: Control,
) -> None:
    there = passed(control)
    here = control.take()
    for end, other in ((there, here), (here, there)):
        assert not os.get_inheritable(end.fileno())
        end.sendall(b"hello")
        assert other.recv(10) == b"hello"
    with pytest.raises(BlockingIOError):
        here.recv(10)
    with pytest.raises(BlockingIOError):
        control.take()
    here.close()
    there.close()


def test_what_a_supervisor_inherits_blocks_whatever_the_programs_sockets_do_by_default(
    controls: Controls,
) -> None:
    _socket.setdefaulttimeout(5.0)
    try:
        control = Control(controls)
    finally:
        _socket.setdefaulttimeout(None)
    assert os.get_blocking(control.inherited.fileno())
    control.close()
    control.inherited.close()


def test_a_supervisor_waits_until_there_is_room_for_its_own_connection(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[_socket.socket] = []
    with pytest.raises(OSError, match="does not take"):
        waiting.extend(iter(lambda: passed(control), None))
    monkeypatch.setattr(worker_connection, "pass_end", lambda: passed(control))
    launch = Launch([], parent=os.getpid())
    enough = threading.Event()
    tried: list[int] = []

    def stopping() -> bool:
        tried.append(0)
        return enough.is_set()

    found: list[_socket.socket | None] = []
    thread = threading.Thread(
        target=lambda: found.append(worker_connection.own_socket_for(launch, stopping))
    )
    thread.start()
    wait_until(lambda: len(tried) > 1, what="it has found no room")
    for each in waiting:
        control.take().close()
        each.close()
    thread.join(20)
    assert found
    assert found[0] is not None
    found[0].close()
    control.take().close()
    enough.set()
    with pytest.raises(ConnectionError):
        worker_connection.own_socket_for(launch, stopping)


def test_what_a_supervisor_has_passed_is_taken_though_it_has_ended(control: Control) -> None:
    for name in (b"one", b"two"):
        there = passed(control)
        there.sendall(name)
        there.close()
    control.inherited.close()
    for name in (b"one", b"two"):
        here = control.take()
        assert (here.recv(10), here.recv(10)) == (name, b"")
        here.close()
    with pytest.raises(ConnectionError):
        control.take()


def test_where_the_program_is_gone_what_waited_ends_and_nothing_more_is_passed(
    control: Control, controls: Controls
) -> None:
    there = passed(control)
    assert control in controls.open.values()
    control.close()
    control.close()
    assert there.recv(10) == b""
    there.close()
    with pytest.raises(ConnectionError):
        passed(control)
    assert not controls.open


def test_who_takes_none_is_passed_no_more_than_can_wait_and_nobody_is_held_up(
    control: Control,
) -> None:
    waiting: list[_socket.socket] = []
    with pytest.raises(OSError, match="does not take") as refused:
        waiting.extend(iter(lambda: passed(control), None))
    assert refused.value.errno == errno.ENOBUFS
    assert len(waiting) > 100
    taken = [control.take() for _ in waiting]
    for there, here in zip(waiting, taken, strict=True):
        there.sendall(b"x")
        assert here.recv(2) == b"x"
    for each in (*waiting, *taken):
        each.close()
    # There is room again.
    passed(control).close()


TOO_MANY = """
import errno, resource
from gridengine.transport.control import Control, Controls, pass_end
resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
control = Control(Controls())
try:
    while True:
        pass_end(control.inherited.fileno()).close()
except OSError as error:
    print(errno.errorcode[error.errno])
control.take().close()
pass_end(control.inherited.fileno()).close()
print("and again")
"""


def test_an_ordinary_user_may_have_so_many_on_their_way_and_then_an_error(
    users: tuple[User, User],
) -> None:
    # Its limit of open files holds for those too (unix(7)): not for root.
    ended = users[0].run_python(TOO_MANY)
    assert ended.stdout == "ETOOMANYREFS\nand again\n"


def test_where_there_is_no_room_after_all_the_other_end_is_closed(control: Control) -> None:
    there = passed(control)
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            control.take()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert there.recv(10) == b""
    there.close()


def test_who_is_told_more_than_fits_is_told_the_rest_when_there_is_room(
    controls: Controls, control: Control
) -> None:
    what = os.urandom(3_000_000)
    controls.tell(what)
    assert control.unsent
    # Told once, by whoever is first.
    controls.tell(b"something else")
    heard = bytearray()

    def listen() -> None:
        while len(heard) < 4 + len(what):
            heard.extend(control.inherited.recv(1 << 20))

    listener = threading.Thread(target=listen)
    listener.start()
    while listener.is_alive():
        control.flush()
    assert heard == len(what).to_bytes(4, "big") + what


def test_the_rest_is_told_while_the_dispatcher_waits() -> None:
    with passed_connections() as connections:
        what = os.urandom(3_000_000)
        connections.control.tell(what)
        listener = threading.Thread(target=_hear, args=(connections, 4 + len(what)))
        listener.start()
        while listener.is_alive():
            connections.wait(0.01)
        assert not connections.control.unsent
        # It is not looked at for nothing any more.
        assert list(connections.wait(0)) == []
        assert connections._poll.poll(0) == []


def _hear(connections: PassedConnections, size: int) -> None:
    while size:
        size -= len(connections.inherited.recv(size))


def test_a_supervisor_that_has_ended_is_not_looked_at_for_nothing() -> None:
    with passed_connections() as connections:
        connections.wait(0)
        connections.inherited.close()
        connections.wait(20)
        assert connections._poll.poll(0) == []


def sockets_of_this_process(_: object) -> list[int]:
    """The numbers of what is a socket among all that is open."""
    return [number for number in range(256) if _is_socket(number)]


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


def test_a_job_has_its_workers_connection_and_no_other() -> None:
    with ProcessScheduler(3) as scheduler:
        found = gridengine.map(sockets_of_this_process, range(6), scheduler=scheduler, chunksize=1)
    assert [len(each) for each in found] == [1] * 6
    # What it would read is not what its supervisor is told.
    assert all(0 not in each for each in found)
