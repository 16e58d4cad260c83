"""The dispatcher's way to nodes that reach no port of its: through files of the run folder.

On the node a relay stands between the supervisor with its workers and the files, see
`gridengine.worker.relay`. Each of the two writes what the other reads::

    dispatcher ══ FileConnections ── thread ──▶ messages/RELAY.down.0 ──▶ relay ══ supervisor,
                                        ◀────── messages/RELAY.up.0  ◀──────       workers

Files are read and written by a thread of their own: a file server may take seconds to answer.
What arrives has come in its order and once, as by a connection that does not break.
"""

from __future__ import annotations

import collections
import contextlib
import math
import os
import select
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from . import relay_words
from .base import LINGER, Connections
from .looks import LATEST, SOONEST, Looks
from .outlet import MAKE_ROOM, Lighten, Outlet, has_room
from .private_files import NotPrivate
from .relay_words import RelayHello
from .segments import Damaged, Folder, SegmentReader, is_gone
from .wake_pipe import WakePipe

LEAST_PATIENCE = 120.0
"""Seconds of silence at least after which one side counts the other as lost: a file server that is
busy, or is started anew, may keep both waiting for a minute."""

_ROUND_TRIPS = 20
"""Times that a message and its answer take, after which it is no delay."""

#: Seconds for a message and its answer until it was measured.
_GUESS = 0.2

#: Seconds for a message and its answer from which it is said that they are many.
_SLOW = 1.5

#: Round trips of a relay that are remembered; while nothing is said they take longer.
_REMEMBERED = 4

#: Messages that are read before work is handed out again.
_MESSAGES = 500

#: Seconds between two tries whether there is room again, when nobody is there any more.
_TRY = 0.5

#: Seconds between two looks at most, while those are expected who have not come yet.
_EXPECTED = 0.2


class _Relay:
    """What is known of one relay.

    Attributes:
        reader: Of what it says.
        outlet: For what it is told.
        heard: When it was heard last.
        addresses: Who speaks by it.
        hello: What it has said of itself.
        round_trips: Seconds that the last ones have taken, as it has measured them.
        over: Whether it has said its last word.
    """

    def __init__(self, name: str, where: str, lighten: Lighten, now: float) -> None:
        self.name = name
        self.reader = SegmentReader(relay_words.segments_of(name, relay_words.UP))
        down = relay_words.segments_of(name, relay_words.DOWN)
        self.outlet = Outlet(down, where, lighten)
        self.heard = now
        self.addresses: set[bytes] = set()
        self.hello: RelayHello | None = None
        self.round_trips: collections.deque[float] = collections.deque(maxlen=_REMEMBERED)
        self.over = False

    def remove(self, place: int) -> None:
        """Removes the files that are left."""
        for file in os.listdir(place):
            if file.startswith(f"{self.name}."):
                with contextlib.suppress(OSError):
                    os.unlink(file, dir_fd=place)


class FileConnections(Connections):
    """`Connections` through files.

    Args:
        path: The folder for them, a private one.
        patience: Seconds of silence after which others count as lost.
        lighten: Makes of work that cannot be written the word that it has failed.
        expected: Whether all nodes come this way, and not only those that find no other.

    Attributes:
        descriptor: What is readable when there is something to `receive`.
        patience: Seconds of silence after which one side counts the other as lost.

    Raises:
        NotPrivate: The folder is not private.
        OSError: It is not there.
    """

    def __init__(self, path: str, patience: float, lighten: Lighten, *, expected: bool) -> None:
        super().__init__()
        self._folder = Folder(path)
        self._least = max(patience, LEAST_PATIENCE)
        self._lighten = lighten
        self._expected = expected
        self._relays: dict[str, _Relay] = {}
        self._gone: set[str] = set()
        self._routes: dict[bytes, _Relay] = {}
        self._received: collections.deque[tuple[bytes, list[Any]]] = collections.deque()
        self._to_send: collections.deque[tuple[_Relay, list[Any]]] = collections.deque()
        self._hung_up: collections.deque[bytes] = collections.deque()
        self._news: collections.deque[str] = collections.deque()
        self._alive: collections.deque[bytes] = collections.deque()
        self._told = self._told_slow = False
        self._cut_off: collections.deque[tuple[bytes, str]] = collections.deque()
        self._trouble, self._tried = "", 0.0
        self._looks = Looks(time.monotonic(), _EXPECTED if expected else LATEST)
        self._pipe = WakePipe()
        self.descriptor = self._pipe.read_end
        self._poll = select.poll()
        self._poll.register(self.descriptor, select.POLLIN)
        self._stir = threading.Event()
        self._ends = math.inf
        self.patience = self._least
        if expected:
            self.round_trip = _GUESS
        self._thread = threading.Thread(target=self._run, name="gridengine-files", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ the dispatcher's thread

    def watch(self, descriptor: int) -> None:
        """See `Connections`."""
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, seconds: float) -> Iterable[int]:
        """See `Connections`."""
        ready = {number for number, _ in self._poll.poll(math.ceil(seconds * 1000))}
        ready.discard(self.descriptor)
        return ready

    def _messages(self) -> Iterator[tuple[bytes, list[Any]]]:
        # First: what is put there meanwhile makes it ready again.
        self._pipe.empty()
        for _ in range(_MESSAGES):
            if not self._received:
                self.more = False
                return
            yield self._received.popleft()
        self.more = True
        self._pipe.wake()

    def _put(self, address: bytes, message: object, frames: list[Any]) -> bool:
        relay = self._routes.get(address)
        if relay is None:
            return False
        self._to_send.append((relay, [address, *frames]))
        self._stir.set()
        return True

    def patience_of(self, address: bytes) -> float:
        """See `Connections`."""
        return self.patience

    def knows(self, address: bytes) -> bool:
        """Tells whether somebody has spoken this way."""
        return address in self._routes

    def hung_up(self) -> list[bytes]:
        """See `Connections`."""
        return [self._hung_up.popleft() for _ in range(len(self._hung_up))]

    def alive(self) -> list[bytes]:
        """See `Connections`."""
        return list({self._alive.popleft() for _ in range(len(self._alive))})

    def cut_off(self) -> list[tuple[bytes, str]]:
        """See `Connections`."""
        return [self._cut_off.popleft() for _ in range(len(self._cut_off))]

    def forget(self, address: bytes) -> None:
        """See `Connections`."""
        relay = self._routes.pop(address, None)
        if relay is not None:
            relay.addresses.discard(address)

    @property
    def used(self) -> bool:
        """Whether any node speaks, or has spoken, this way."""
        return bool(self._relays or self._gone)

    def shut_out(self) -> str:
        """See `Connections`."""
        return self._trouble

    def news(self) -> list[str]:
        """See `Connections`."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def close(self) -> None:
        """See `Connections`."""
        self._ends = time.monotonic() + LINGER
        self._stir.set()
        # A file server that does not answer holds up the thread, and nobody else.
        self._thread.join(2 * LINGER)
        self._pipe.close()

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._stir.wait(max(0.0, min(self._looks.due, self._ends) - time.monotonic()))
                self._stir.clear()
                self._turn(time.monotonic())
        except Exception as error:
            self._fail(f"{error!r}")
            raise

    def _is_over(self) -> bool:
        if self._ends == math.inf:
            return False
        waits = any(relay.outlet.writer.waiting for relay in self._relays.values())
        return time.monotonic() > self._ends or not (waits or self._to_send)

    def _turn(self, now: float) -> None:
        try:
            place = self._folder.open()
        except OSError as error:
            # It may be that the file server does not answer, but not that the folder is gone.
            self._looks.looked(now, time.monotonic(), heard=False)
            self._complain_of_folder(error)
            if is_gone(error):
                self._fail(str(error))
            return
        try:
            if now >= self._looks.due:
                heard = self._look(place, now)
                self._looks.looked(now, time.monotonic(), heard=heard)
                if any(relay.reader.more for relay in self._relays.values()):
                    self._looks.due = now
            self._flush(place, now)
        finally:
            os.close(place)

    def _complain_of_folder(self, error: OSError) -> None:
        self.complain(b"the folder", f"messages cannot be looked for: {error}")

    def _fail(self, why: str) -> None:
        self._trouble = f"messages through files have failed: {why}"
        for relay in list(self._relays.values()):
            self._drop(relay, None, self._trouble)

    def _look(self, place: int, now: float) -> bool:
        for file in os.listdir(place):
            name = relay_words.first_of(file)
            if name and name not in self._relays and name not in self._gone:
                self._relays[name] = _Relay(name, self._folder.path, self._lighten, now)
                self._looks.latest = LATEST
                self.round_trip = self.round_trip or _GUESS
        heard = False
        for relay in list(self._relays.values()):
            try:
                heard |= self._hear(relay, place, now)
            except (NotPrivate, Damaged) as error:
                self.complain(relay.name.encode(), f"dropped rubbish: {error}")
                self._drop(relay, place, f"what it says by files makes no sense: {error}")
            except OSError as error:
                self.complain(relay.name.encode(), f"cannot be heard: {error}")
            silent = now - relay.heard
            if relay.name in self._relays and (relay.over or silent > self.patience):
                self._drop(relay, place, f"nothing heard by files for {silent:.0f} s")
        if heard:
            self._pipe.wake()
        return heard

    def _hear(self, relay: _Relay, place: int, now: float) -> bool:
        records = relay.reader.look(place)
        if records or relay.reader.moved:
            relay.heard = now
            self._alive.extend(relay.addresses)
        said = False
        for address, *frames in records:
            if not address:
                self._obey(relay, frames)
                continue
            if len(frames) == 0 or not isinstance(address, bytes):
                raise Damaged("a message without a text")
            said = True
            relay.addresses.add(address)
            self._routes[address] = relay
            self._received.append((address, frames))
        return said

    def _obey(self, relay: _Relay, words: list[Any]) -> None:
        try:
            word, *told = words
            if word == relay_words.HELLO:
                relay.hello = relay_words.read_hello(*told)
                if relay.hello.reason and not self._told:
                    self._told = True
                    self._news.append(_notice(relay.hello, self._folder.path))
            elif word == relay_words.PING:
                number, seconds = relay_words.read_pair(*told)
                if seconds:
                    self._measured(relay, seconds)
                relay.outlet.say(*relay_words.pair(relay_words.PONG, number, self.patience))
            elif word == relay_words.GONE:
                self._hung_up.extend(bytes(address) for address in told)
                self._pipe.wake()
            elif word == relay_words.BYE:
                relay.over = True
        except (ValueError, TypeError) as error:
            raise Damaged(str(error)) from None

    def _measured(self, relay: _Relay, seconds: float) -> None:
        relay.round_trips.append(seconds)
        each = sorted(min(one.round_trips) for one in self._relays.values() if one.round_trips)
        # The quickest that was measured was lucky to be looked for at once, on either side.
        self.round_trip = each[len(each) // 2] + 2 * SOONEST
        self.patience = max(self._least, _ROUND_TRIPS * each[-1])
        # Not of one that was held up by something large, or measured while nothing was said.
        seconds = min(relay.round_trips)
        often = len(relay.round_trips) == _REMEMBERED
        if often and seconds > _SLOW and not self._told_slow and relay.hello is not None:
            self._told_slow = True
            self._news.append(
                f"a message to {relay.hello.host} through files of {self._folder.path} and its "
                f"answer take {seconds:.1f} s: short calls wait for that. Name a folder on a "
                "quicker file system that all nodes see (GRIDENGINE_RUN_DIR), or have a port opened"
            )

    def _flush(self, place: int, now: float) -> None:
        # What is put there meanwhile has its own turn.
        for _ in range(len(self._to_send)):
            relay, frames = self._to_send.popleft()
            relay.outlet.say(*frames)
        trouble = self._trouble
        for relay in list(self._relays.values()):
            if relay.outlet.flush(place, now):
                self._looks.said(now)
                trouble = ""
                if relay.outlet.writer.waiting:
                    # After the others, and a look at what they say.
                    self._stir.set()
            elif now > relay.outlet.since + MAKE_ROOM:
                trouble = relay.outlet.trouble
            if relay.outlet.has_given_up(now, self.patience):
                self.complain(relay.name.encode(), relay.outlet.trouble)
                self._drop(relay, place, relay.outlet.trouble)
        if trouble and not self._relays and now >= self._tried + _TRY:
            self._tried = now
            trouble = "" if has_room(place) else trouble
        self._trouble = trouble

    def _drop(self, relay: _Relay, place: int | None, why: str) -> None:
        """Has no more said to a relay, nor heard of it.

        Args:
            relay: It.
            place: The folder, None if it cannot be opened.
            why: What has become of it, if it has not taken leave.
        """
        del self._relays[relay.name]
        self._gone.add(relay.name)
        if not self._relays and not self._expected:
            # The others are as they were before the first one came.
            self.round_trip, self.patience = 0.0, self._least
        # Who has taken leave is not missed.
        if not relay.over:
            self._cut_off.extend((address, why) for address in list(relay.addresses))
        if place is not None:
            relay.remove(place)


def _notice(hello: RelayHello, path: str) -> str:
    return (
        f"{hello.host} does not reach this program, so its messages go through files in {path}: a "
        f"message and its answer take 0.1 s or more instead of 0.001 s, and are as secret as "
        "that folder; GRIDENGINE_CHANNEL=files spares workers the attempt, GRIDENGINE_CHANNEL=tcp "
        f"has them fail instead. {hello.reason}"
    )
