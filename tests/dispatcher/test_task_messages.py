"""What a worker is told of a block of work."""

from __future__ import annotations

import pickle

import pytest

from gridengine.dispatcher import task_messages
from gridengine.dispatcher.task_messages import TaskMessages
from gridengine.ledger.orders import Assign
from gridengine.ledger.records import Chunk, SupervisorRecord, WorkerRecord
from gridengine.ledger.task import Place, Task
from gridengine.serialization import context
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


def large(content: bytes, size: int = 1000) -> Function:
    return Function(b"of %s" % content, b"", (memoryview(bytes(size)),), "f", content=content)


def defined(messages: TaskMessages, worker: WorkerRecord, *functions: Function) -> list[object]:
    chunks = [Chunk(Task(each, Mode.CALL, b""), 0, 1) for each in functions]
    block, frames = messages.block(Assign(worker, chunks))
    assert sum(definition.frames for definition in block.functions) == len(frames)
    return [(each.key, each.content, each.frames) for each in block.functions]


def test_the_contents_of_a_large_function_are_sent_once_to_each_worker(
    worker: WorkerRecord,
) -> None:
    messages = TaskMessages()
    first, again = large(b"c"), large(b"c")._replace(key=b"another")
    assert defined(messages, worker, first, first) == [(b"of c", b"c", 1)]
    assert defined(messages, worker, again) == [(b"another", b"c", 0)]
    # When the first map is over, what calls did to its arrays is let go.
    worker.memory.functions.pop(b"of c")
    assert defined(messages, worker, first) == [(b"of c", b"c", 0)]


def test_contents_that_were_not_used_for_long_are_forgotten_above_the_memory_that_is_set(
    worker: WorkerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_messages, "FUNCTION_BYTES", 2500)
    messages = TaskMessages()
    for name in (b"1", b"2", b"1"):
        defined(messages, worker, large(name))
    block, _ = messages.block(Assign(worker, [Chunk(Task(large(b"3"), Mode.CALL, b""), 0, 1)]))
    assert b"2" in block.forget
    assert b"1" not in block.forget
    assert defined(messages, worker, large(b"2")) == [(b"of 2", b"2", 1)]


def contexts(messages: TaskMessages, worker: WorkerRecord, context: bytes) -> list[bytes]:
    function = Function(context, bytes(100), (), "f", context)
    block, _ = messages.block(Assign(worker, [Chunk(Task(function, Mode.CALL, b""), 0, 1)]))
    return [definition.context for definition in block.functions]


def test_over_a_network_a_function_takes_no_variable_along_that_is_to_stay(
    worker: WorkerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.current()
    for name, value in {"MY_SECRET": "sesame", "COLOUR": "gr\udce4\nn", "TMPDIR": "/here"}.items():
        monkeypatch.setenv(name, value)
    packed = context.current()
    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("unpickled"))
    here, nodes = TaskMessages(), TaskMessages(environment="")
    assert contexts(here, worker, packed) == [packed]
    worker.memory = nodes.memory_for("")
    (sent,) = contexts(nodes, worker, packed)
    assert b"sesame" not in sent
    worker.memory = nodes.memory_for("")
    (again,) = contexts(nodes, worker, packed)
    assert again is sent
    assert contexts(nodes, worker, b"") == [b""]
    asked_for = TaskMessages(environment="MY_SECRET")
    worker.memory = asked_for.memory_for("")
    assert b"sesame" in contexts(asked_for, worker, packed)[0]
    monkeypatch.undo()
    all_parts, parts = context.unpack(packed), context.unpack(sent)
    assert all_parts["environ"]["MY_SECRET"] == "sesame"
    assert parts["environ"]["COLOUR"] == "gr\udce4\nn"
    assert not {"MY_SECRET", "TMPDIR"} & parts["environ"].keys()
    assert {**parts, "environ": {}} == {**all_parts, "environ": {}}
