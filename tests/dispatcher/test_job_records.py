"""What workers say that jobs have logged, from where it is taken in to where it is handled."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

import gridengine
from gridengine.dispatcher import job_records
from gridengine.dispatcher.handle_record import handle
from gridengine.dispatcher.job_records import JobRecords
from gridengine.ledger.records import Chunk, SupervisorRecord, WorkerRecord
from gridengine.ledger.task import Place, Task
from gridengine.schedulers import ProcessScheduler
from gridengine.serialization.packed import Function
from gridengine.states import Mode
from gridengine.transport.logged import Logged, LoggedRecord, WarningShown

from ..waiting import wait_until


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.goes_on.wait(30)
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler
    handler.goes_on.set()
    logging.getLogger().removeHandler(handler)
    wait_until(lambda: not _threads(), what="the end of the thread")


def _threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "gridengine-logs"]


def a_task() -> Task:
    return Task(Function(b"", b"", (), "f"), Mode.CALL, b"", name="sale")


def a_worker(*tasks: Task) -> WorkerRecord:
    place = Place("node2", 4712, "17.3")
    worker = WorkerRecord(
        SupervisorRecord(b"s", "17.3", 0, "node2", 1, now=0.0), 0, place, 0.0, 1.0
    )
    worker.outstanding.extend(Chunk(task, 0, 1) for task in tasks)
    return worker


def a_record(task: int, text: str = "no apples", **changed: object) -> LoggedRecord:
    record = LoggedRecord(
        task, "shop", 30, "WARNING", text, "/shop.py", 3, "sell", 1.5e9, 1, "MainThread", 4712,
        "MainProcess",
    )  # fmt: skip
    return msgspec.structs.replace(record, **changed)


def test_who_asks_about_a_task_waits_until_its_records_are_handled(kept: Kept) -> None:
    records, task, silent = JobRecords(), a_task(), a_task()
    worker = a_worker(silent, task)
    records.take_in(worker, Logged([a_record(task.id, str(number)) for number in range(500)]))
    task.told.settle()
    assert [record.getMessage() for record in kept.records] == [str(n) for n in range(500)]
    assert {(record.job, record.host) for record in kept.records} == {("sale", "node2")}  # type: ignore[attr-defined]
    assert silent.told is None


def test_what_a_thread_logs_when_its_task_is_over_has_its_name(kept: Kept) -> None:
    records, task = JobRecords(), a_task()
    worker = a_worker(task)
    records.take_in(worker, Logged([a_record(task.id)]))
    worker.outstanding.clear()
    records.take_in(worker, Logged([a_record(task.id)]))
    records.take_in(worker, Logged([a_record(10**12)]))
    records.close()
    assert [record.job for record in kept.records] == ["sale", "sale", ""]  # type: ignore[attr-defined]


def test_what_is_too_much_is_dropped_and_said_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_records, "_MOST", 10)
    kept.goes_on.clear()
    records, task = JobRecords(), a_task()
    worker = a_worker(task)
    records.take_in(worker, Logged([a_record(task.id)], [], 5))
    wait_until(lambda: not records._waiting, what="the first record to be taken")
    records.take_in(worker, Logged([a_record(task.id)] * 30))
    kept.goes_on.set()
    task.told.settle()
    wait_until(lambda: len(kept.records) == 12, what="a word about the rest")
    assert [r.getMessage() for r in kept.records if r.name != "shop"] == [
        "25 records and warnings of jobs were dropped: more came than were handled"
    ]


def test_what_waits_is_counted_whatever_two_threads_do_at_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, task = JobRecords(), a_task()
    worker = a_worker(task)
    records.take_in(worker, Logged([a_record(task.id)]))
    task.told.settle()
    size = job_records._size

    def interrupted(record: LoggedRecord) -> int:
        # As if the interpreter let the other thread go on here.
        if threading.current_thread().name == "gridengine-logs" and more:
            taking = threading.Thread(target=records.take_in, args=(worker, more.pop()))
            taking.start()
            taking.join(0.2)
        return size(record)

    more = [Logged([a_record(task.id)])]
    monkeypatch.setattr(job_records, "_size", interrupted)
    records.take_in(worker, Logged([a_record(task.id)]))
    wait_until(lambda: len(kept.records) == 3, what="all records")
    wait_until(lambda: not _threads(), what="the end of the thread")
    assert records._bytes == 0


def test_a_handler_that_is_stuck_is_waited_for_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_records, "_PATIENCE", 0.05)
    kept.goes_on.clear()
    records, task = JobRecords(), a_task()
    records.take_in(a_worker(task), Logged([a_record(task.id)]))
    begin = time.monotonic()
    for _ in range(100):
        task.told.settle()
    assert time.monotonic() - begin < 4
    kept.goes_on.set()
    wait_until(lambda: kept.records, what="the record")


def test_that_more_comes_does_not_make_a_handler_stuck(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_records, "_PATIENCE", 60.0)
    kept.goes_on.clear()
    records, task, other = JobRecords(), a_task(), a_task()
    worker = a_worker(task, other)
    records.take_in(worker, Logged([a_record(task.id)]))
    asking = threading.Thread(target=task.told.settle)
    asking.start()
    wait_until(lambda: records._changed._waiters, what="somebody who waits")  # type: ignore[attr-defined]
    for _ in range(5):
        records.take_in(worker, Logged([a_record(other.id)]))
        asking.join(0.05)
    assert asking.is_alive()
    kept.goes_on.set()
    asking.join(30)
    assert not asking.is_alive()
    records.close()


def test_warnings_that_are_shown_before_their_time_hold_up_no_dispatcher(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_records, "_MOST_UNASKED", 1)
    goes_on, shown = threading.Event(), []

    def show(*given: object) -> None:
        assert goes_on.wait(30)
        shown.append(threading.current_thread().name)

    monkeypatch.setattr("warnings.showwarning", show)
    records, tasks = JobRecords(), [a_task() for _ in range(3)]
    worker = a_worker(*tasks)

    def take_in() -> None:
        for number, task in enumerate(tasks):
            category = [("builtins", "FutureWarning")]
            warning = WarningShown(task.id, f"old {number}", category, "/shop.py", 3, "shop")
            records.take_in(worker, Logged([], [warning]))

    taking = threading.Thread(target=take_in, daemon=True)
    taking.start()
    taking.join(20)
    held_up = taking.is_alive()
    goes_on.set()
    assert not held_up
    wait_until(lambda: len(shown) == 2, what="the warnings of two")
    assert set(shown) == {"gridengine-logs"}
    records.close()
    assert len(shown) == 3


def test_where_no_thread_can_be_had_the_end_handles_them(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    records, task = JobRecords(), a_task()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        records.take_in(a_worker(task), Logged([a_record(task.id)]))
    task.told.settle()
    assert kept.records == []
    records.close()
    assert len(kept.records) == 1


def test_warnings_that_nobody_asks_about_are_shown_at_the_end() -> None:
    records, task = JobRecords(), a_task()
    warning = WarningShown(
        task.id, "old", [("nobody", "Has"), ("builtins", "FutureWarning")], "/shop.py", 3, "shop"
    )
    records.take_in(a_worker(task), Logged([], [warning] * 1500))
    with pytest.warns(FutureWarning, match=r"^old \[sale on node2\]$") as told:
        records.close()
    assert len(told) == 1000


def test_warnings_that_nobody_asks_about_take_no_memory_without_end(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_records, "_MOST_BYTES", 2500)
    records, tasks = JobRecords(), [a_task() for _ in range(5)]
    worker = a_worker(*tasks)

    def take_in(task: Task) -> None:
        warning = WarningShown(
            task.id, "old" * 333, [("builtins", "FutureWarning")], "/shop.py", 3, "shop"
        )
        records.take_in(worker, Logged([], [warning]))

    for task in tasks[:4]:
        take_in(task)
    wait_until(lambda: kept.records, what="a word about the rest")
    assert kept.records[0].args == (1,)
    with pytest.warns(FutureWarning):
        tasks[0].told.settle()
    take_in(tasks[4])
    with pytest.warns(FutureWarning) as told:
        records.close()
    assert len(told) == 3


@pytest.mark.parametrize("extra", [b"\xc1", b"\x93", b"\x81" * 5000, b"\x81\xa1a\xa1\xff", b"\x01"])
def test_what_is_no_packed_dictionary_is_passed_over(kept: Kept, extra: bytes) -> None:
    handle(a_record(1, extra=extra), "sale", "node2")
    assert len(kept.records) == 1


def test_what_no_worker_has_said_is_dropped(kept: Kept) -> None:
    with ProcessScheduler(1) as scheduler:
        gridengine.map(abs, [1], scheduler=scheduler)
        (dispatcher,) = (scheduler.dispatchers or {}).values()
        handlers = dispatcher._handlers
        handlers._logged(b"a stranger", Logged([a_record(1)]), 0.0)
        assert handlers._job_records._told == {}
    assert kept.records == []
