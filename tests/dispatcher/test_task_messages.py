"""What a worker is told of a block of work."""

from __future__ import annotations

import pytest

from gridengine.dispatcher import task_messages
from gridengine.dispatcher.task_messages import TaskMessages
from gridengine.ledger.orders import Assign
from gridengine.ledger.records import Chunk, SupervisorRecord, WorkerRecord
from gridengine.ledger.task import Place, Task
from gridengine.serialization.packed import Function
from gridengine.states import Mode


@pytest.fixture
def worker() -> WorkerRecord:
    worker = WorkerRecord(SupervisorRecord(b"s"), 0, Place("host", 1, "1.1"), 0.0, 1.0)
    worker.memory = TaskMessages().memory_for("")
    return worker


def chunk(name: str) -> Chunk:
    return Chunk(Task(Function(name.encode(), bytes(100), (), name), Mode.CALL, b""), 0, 1)


def test_a_function_is_sent_once_to_each_worker(worker: WorkerRecord) -> None:
    sent = []
    for _ in range(3):
        block, _ = TaskMessages().block(Assign(worker, [chunk("f"), chunk("f")]))
        sent.append([definition.key for definition in block.functions])
    assert sent == [[b"f"], [], []]


def test_no_function_is_forgotten_that_the_same_block_uses(
    worker: WorkerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_messages, "FUNCTION_BYTES", 250)
    messages = TaskMessages()
    for name in ("old", "a"):
        messages.block(Assign(worker, [chunk(name)]))
    block, _ = messages.block(Assign(worker, [chunk("a"), chunk("b")]))
    assert block.forget == [b"old"]
    block, _ = messages.block(Assign(worker, [chunk("a"), chunk("b"), chunk("c")]))
    assert block.forget == []
