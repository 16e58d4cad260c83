"""The relay: what a supervisor and its workers speak with where no address of the program answers.

To them it is the program, on their own host: they get sockets of it as those of a program's own
host do. What they say it writes to a file in the program's folder, and what the program writes to
another one it tells them, see `gridengine.transport.files`::

    reaper ─▶ relay ─▶ supervisor ─▶ workers
              ║  ╚═══ sockets ═╩════════╝
      RELAY.up, RELAY.down

It is the supervisor's parent: neither does the one outlive the other, nor is it among what jobs
leave behind. It runs nobody's code, and understands no message but its own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from typing import Any

from ..transport import relay_words
from ..transport.control import Control, Controls
from ..transport.launch_file import Launch
from ..transport.local import LocalConnections
from ..transport.looks import LATEST, Looks
from ..transport.outlet import Outlet
from ..transport.private_files import NotPrivate
from ..transport.relay_words import RelayHello
from ..transport.segments import Damaged, Folder, SegmentReader, is_gone
from ..transport.shared_memory import Missing
from ..transport.unreached import Unreached
from ..transport.wake_pipe import WakePipe
from . import os_support
from .program_gone import clear_up
from .subreaper import end_like

#: Seconds of silence until the program has said how long it may last.
_PATIENCE = 120.0

#: Seconds between two measurements of a message and its answer.
_MEASURE = 2.0


class _Locally(LocalConnections):
    """Connections whose messages are for others to understand."""

    def heard(self) -> Iterable[tuple[bytes, list[Any]]]:
        """Yields the messages that are there, and who sent them."""
        return self._messages()

    def tell(self, address: bytes, frames: list[Any]) -> bool:
        """Sends a message; False if that peer is not connected."""
        return self._put(address, None, frames)


def stand_between(launch: Launch, path: str, reason: str) -> Launch:
    """Leaves a relay behind, as the parent of this process; returns in the supervisor to be.

    Args:
        launch: What the supervisor was told.
        path: The file in which that stood, in the program's folder.
        reason: Why it does not speak by the network, empty if it was told not to.

    Returns:
        What it is told by that.
    """
    relay = os.getpid()
    controls = Controls()
    control = Control(controls)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
    supervisor = os.fork()
    if not supervisor:
        os.dup2(control.inherited.fileno(), 0)
        control.inherited.close()
        # The relay's end: only with that closed here is its end seen.
        control.let_go()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os_support.die_with_parent(relay, signal.SIGTERM)
        return launch._replace(endpoints=(), parent=relay)
    control.inherited.close()
    status = 1
    try:
        status = Relay(launch, path, reason, supervisor, controls, before).run()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os_support.kill(supervisor, signal.SIGKILL)
        os_support.kill_strays(keep=set())
        end_like(status)


class Relay:
    """Passes on what is said, until the supervisor has ended or the program is gone.

    Args:
        launch: What the supervisor was told.
        path: The file in which that stood.
        reason: Why it does not speak by the network.
        supervisor: Its process.
        controls: By which it passes its connections.
        signals: The signals to block from then on.
    """

    def __init__(
        self,
        launch: Launch,
        path: str,
        reason: str,
        supervisor: int,
        controls: Controls,
        signals: Iterable[int],
    ) -> None:
        # Not where the program's side needs nothing of it.
        from ..serialization.undeliverable import failing_done

        self._launch, self._path, self._reason = launch, path, reason
        self._queue_job = launch.queue_job.format_map(os.environ)
        self._supervisor = supervisor
        self._locally = _Locally(controls)
        self._pipe = WakePipe()
        self._locally.watch(self._pipe.read_end)
        self._watch_signals(signals)
        self._folder = Folder(os.path.join(os.path.dirname(path), relay_words.FOLDER))
        name = os.urandom(8).hex()
        up, down = (
            relay_words.segments_of(name, way) for way in (relay_words.UP, relay_words.DOWN)
        )
        self._outlet = Outlet(up, self._folder.path, failing_done)
        self._reader = SegmentReader(down)
        now = time.monotonic()
        self._looks = Looks(now)
        self._heard = self._turned = now
        self._patience = max(_PATIENCE, launch.patience)
        self._measured, self._asked, self._round_trip = -1.0, 0, 0.0
        self._answered = self._more = False

    def _watch_signals(self, mask: Iterable[int]) -> None:
        for signum in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            # For the supervisor, which is in the group that gets them.
            signal.signal(signum, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._end_supervisor)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._pipe.write_end, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _end_supervisor(self, *_: object) -> None:
        os_support.kill(self._supervisor, signal.SIGTERM)
        os_support.kill(self._supervisor, signal.SIGCONT)

    # ------------------------------------------------------------------ the loop

    def run(self) -> int:
        """Returns the exit status of the queue job, -N if it ends by signal N."""
        self._outlet.say(*relay_words.hello(self._what()))
        status = None
        while True:
            now = time.monotonic()
            if now - self._turned > 2 * self._launch.heartbeat:
                # This process was stopped, see `gridengine.worker.supervisor`.
                self._heard += now - self._turned
            self._turned = now
            if status is None:
                ended, told = os.waitpid(self._supervisor, os.WNOHANG)
                status = os.waitstatus_to_exitcode(told) if ended else None
            pause = min(self._looks.due - now, LATEST)
            wait = status is None and not self._more
            self._locally.wait(max(0.0, pause) if wait else 0.0)
            self._pipe.empty()
            self._listen()
            if status is not None:
                self._take_leave()
                return status
            reason = self._exchange()
            if reason is not None:
                return self._give_up(reason)

    def _what(self) -> RelayHello:
        return RelayHello(os.uname().nodename, self._queue_job, self._reason)

    def _listen(self) -> None:
        for address, frames in self._locally.heard():
            self._outlet.say(address, *frames)
        for address in self._locally.hung_up():
            self._outlet.say(b"", relay_words.GONE, address)

    def _exchange(self) -> str | None:
        """Writes and reads; returns why there is no more to be said, None if there is."""
        now = time.monotonic()
        self._more = False
        try:
            place = self._folder.open()
        except OSError as error:
            self._looks.looked(now, time.monotonic(), heard=False)
            return str(error) if is_gone(error) else self._silence(now)
        try:
            self._flush(place, now)
            if now >= self._looks.due:
                heard = self._look(place)
                self._looks.looked(now, time.monotonic(), heard=heard)
                if self._reader.more:
                    self._looks.due = now
        except (NotPrivate, Damaged) as error:
            return str(error)
        except OSError:
            # A file server that is started anew, say: it is tried again.
            self._looks.looked(now, time.monotonic(), heard=False)
        finally:
            os.close(place)
        if self._outlet.has_given_up(now, self._patience):
            return self._outlet.trouble
        return self._silence(now)

    def _flush(self, place: int, now: float) -> None:
        if self._outlet.writer.waiting and now > self._measured + _MEASURE and not self._asked:
            # With what is to be said anyway: it has no need of a writing of its own.
            self._measured, self._asked = now, self._asked + 1
            self._outlet.say(
                *relay_words.pair(relay_words.PING, time.monotonic_ns(), self._round_trip)
            )
        if self._outlet.flush(place, now):
            self._looks.said(now)
            self._more = bool(self._outlet.writer.waiting)

    def _look(self, place: int) -> bool:
        records = self._reader.look(place)
        if self._reader.moved:
            self._heard = time.monotonic()
        for address, *frames in records:
            self._heard = time.monotonic()
            if address:
                self._pass_on(address, frames)
            elif frames[0] == relay_words.PONG:
                self._answered, self._asked = True, 0
                number, self._patience = relay_words.read_pair(bytes(frames[1]))
                self._round_trip = max(1e-3, (time.monotonic_ns() - number) / 1e9)
        return bool(records)

    def _pass_on(self, address: bytes, frames: list[Any]) -> None:
        if any(type(frame) is Missing for frame in frames):
            from ..serialization.undeliverable import failing_run

            size = sum(memoryview(f).nbytes if type(f) is bytes else f.nbytes for f in frames)
            host = os.uname().nodename
            lighter = failing_run([address, *frames], f"no memory for {size} bytes on {host}")
            frames = frames if lighter is None else lighter[1:]
        self._locally.tell(address, frames)

    def _silence(self, now: float) -> str | None:
        if now <= self._heard + self._patience:
            return None
        return f"nothing heard of the program by files for {now - self._heard:.0f} s"

    # ------------------------------------------------------------------ the end

    def _take_leave(self) -> None:
        """Writes what the supervisor and its workers have said last."""
        self._outlet.say(b"", relay_words.BYE)
        self._outlet.finish(self._folder)

    def _give_up(self, reason: str) -> int:
        """Ends all, and says why; returns the exit status."""
        host = os.uname().nodename
        both = f"{self._reason}; " if self._reason else ""
        if not self._answered or self._outlet.trouble:
            note = Unreached(host, f"{both}{host}: {reason}")
            note.write(os.path.dirname(self._path), self._queue_job)
        os.write(2, f"gridengine: {reason}\n".encode())
        self._end_supervisor()
        clear_up(self._launch, self._path)
        return 1
