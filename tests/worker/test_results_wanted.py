"""Signals that ask a worker for what it has done come at any moment, and nothing is lost by it."""

from __future__ import annotations

import collections
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler
from gridengine.transport import messages
from gridengine.transport.logged import Logged, LoggedRecord
from gridengine.worker.outbox import Outbox
from gridengine.worker.progress_page import ProgressPage
from gridengine.worker.termination import RESULTS_WANTED


class Connection:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.texts: list[list[str]] = []
        self.on_send: Callable[[], object] = lambda: None
        self.on_drain: Callable[[], object] = lambda: None

    def send(self, frames: Sequence[Any], *, sign_of_life: bool = False) -> None:
        message = messages.decode_to_host(frames[0])
        assert isinstance(message, Logged)
        self.texts.append([record.text for record in message.records])
        self.on_send()

    def drain(self) -> None:
        self.on_drain()


class Scene:
    def __init__(self) -> None:
        self.connection = Connection()
        connection: Any = self.connection
        self.page = ProgressPage()
        self.outbox = Outbox(connection, self.page, None, lambda: None)
        # The first one is sent at once.
        self.log("first")

    def log(self, text: str, size: int = 100) -> None:
        record = LoggedRecord(
            1, "shop", 20, "INFO", text, "/shop.py", 3, "sell", 1.5e9, 1, "MainThread", 4712,
            "MainProcess",
        )  # fmt: skip
        self.outbox.records.add(record, size, urgent=False)


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    before = signal.signal(RESULTS_WANTED, lambda *_: scene.outbox.flush_within_a_call())
    yield scene
    signal.signal(RESULTS_WANTED, before)
    scene.page.close()


class Interrupted(collections.deque[Any]):
    """Has the signal come as something is taken from it."""

    def popleft(self) -> Any:
        signal.raise_signal(RESULTS_WANTED)
        return super().popleft()


def test_what_is_logged_comes_once_and_in_order_though_the_signal_comes_as_it_is_sent(
    scene: Scene,
) -> None:
    for text in "abc":
        scene.log(text)
    records = scene.outbox.records
    records._waiting = Interrupted(records._waiting)
    scene.outbox.flush()
    assert scene.connection.texts == [["first"], ["a", "b", "c"]]


def test_who_logs_as_fast_as_it_is_sent_keeps_no_worker_from_work(scene: Scene) -> None:
    scene.log("a")
    scene.connection.on_send = lambda: scene.log("another")
    scene.outbox.flush()
    assert scene.connection.texts == [["first"], ["a"]]


def test_nothing_is_sent_in_the_middle_of_what_is_received_as_the_outbox_waits(
    scene: Scene,
) -> None:
    def signalled_amid() -> None:
        sent = len(scene.connection.texts)
        scene.outbox.records._waiting.append(scene_record)
        signal.raise_signal(RESULTS_WANTED)
        seen.append(len(scene.connection.texts) - sent)

    scene.log("b")
    scene_record = scene.outbox.records._waiting[-1]
    seen: list[int] = []
    scene.connection.on_drain = signalled_amid
    scene.outbox.drain()
    assert seen == [0]
    scene.outbox.flush()
    assert scene.connection.texts[-1] == ["b", "b"]


class _AsksAsItIsCompared(type):
    def __instancecheck__(cls, instance: object) -> bool:
        signal.raise_signal(RESULTS_WANTED)
        return False


class Never(Exception, metaclass=_AsksAsItIsCompared):
    """What no exception is an instance of."""


def fail_at_times(number: int) -> int:
    if number % 7 == 3:
        raise ValueError(number)
    return number


def test_a_failure_is_one_though_the_signal_comes_as_it_is_noted() -> None:
    with ProcessScheduler(1) as scheduler:
        found = gridengine.map(
            fail_at_times, range(40), scheduler=scheduler, chunksize=20, reraise=False, retries=1,
            retry_on=Never, timeout=60,
        )  # fmt: skip
    failed = [number for number in range(40) if number % 7 == 3]
    assert [n for n, value in enumerate(found) if isinstance(value, ValueError)] == failed
    assert [value for value in found if not isinstance(value, ValueError)] == [
        number for number in range(40) if number not in failed
    ]


def write_later(path: str) -> None:
    # Longer than a supervisor waits until it asks.
    time.sleep(1.5)
    Path(path).touch()


def start_and_leave(path: str) -> str:
    gridengine.Job(target=write_later, args=(path,)).start()
    return path


def test_a_call_is_not_over_before_the_jobs_that_it_has_started(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in "abc"]
    with ProcessScheduler(1) as scheduler:
        answers = gridengine.imap(start_and_leave, paths, scheduler=scheduler, chunksize=3)
        assert [Path(path).exists() for path in answers] == [True, True, True]
