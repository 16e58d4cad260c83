"""Every message of the drawing travels; whatever else arrives is a ProtocolError and no more."""

from __future__ import annotations

import math
import os
import pickle
import random
import typing
from collections.abc import Callable, Iterator

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from gridengine.dispatcher.dispatcher import Dispatcher
from gridengine.transport import messages
from gridengine.transport.addresses import supervisor_of, worker_address
from gridengine.transport.logged import Logged, LoggedRecord, WarningShown
from gridengine.transport.messages import (
    Beat,
    Call,
    Died,
    Done,
    FunctionDefinition,
    Here,
    Probe,
    ProtocolError,
    Ready,
    Recall,
    Recalled,
    Result,
    Run,
    ShowStack,
    Signal,
    Stack,
    Staff,
    Stop,
    Supervising,
    Unseen,
    decode_to_host,
    decode_to_node,
    encode,
)
from gridengine.transport.output_messages import OutputHeard, Piece, Printed, Printing
from gridengine.transport.sample_messages import Sampled, WorkerSample
from gridengine.worker.supervisor import Supervisor
from gridengine.worker.worker import Worker

#: Mutated and random frames, for each direction; more in a long run.
FRAMES = int(os.environ.get("GRIDENGINE_TEST_FRAMES", "100_000"))

CALL = Call(7, 1, b"key", 0, 0, 1, b"payload", 0, 1.5, True, True)
RESULT = Result(7, 1, 0, 3, b"values", 1, {2: b"error"}, 0.25, 0.125, 2**33)

RECORD = LoggedRecord(
    7, "shop", 30, "WARNING", "no apples", "/shop.py", 3, "sell", 1.5e9, 1, "MainThread", 4712,
    "MainProcess", "Traceback", "Stack", b"\x80",
)  # fmt: skip
WARNING = WarningShown(7, "old", [("builtins", "Warning")], "/shop.py", 3, "shop", "inner")

TO_HOST: list[messages.ToHost] = [
    Probe(),
    Supervising(messages.VERSION, "17.3", 1, "node2", 4711),
    Ready(4712),
    Done([RESULT, RESULT]),
    Done([]),
    Done([RESULT], [], [], [Printed(7, 1, 0, 3, True, [Piece(False, 3, b"said\n")])]),
    Beat(),
    Sampled([WorkerSample(2, 12, 1, 3.5, 2**31, 2**32, 3, 60.0, 2**30, 0.5, 0.9)]),
    Sampled([]),
    Died(2, -9, 12, 3, "out of memory", 2**40, 17, "last words\n", 0, 0, 2.5),
    Recalled(2, 12, 100),
    Logged([RECORD], [WARNING], 3),
    Logged([]),
    Stack(1, "Thread 0x1"),
    Stack(2, "", "it is stopped"),
    Printing(2, 12, 1, [Piece(True, 0, b"\xff\n"), Piece(False, 9, b"")]),
]
TO_NODE: list[messages.ToNode] = [
    Here(),
    Staff(3),
    Unseen(),
    Run(1, 0, [FunctionDefinition(b"key", b"function", 2)], [b"old"], [CALL, CALL]),
    Run(2, 2, [], [], []),
    Beat(),
    Recall(2, 100),
    Signal(2, 12, 1, 15),
    Signal(2, 12, 1, 9, "stalled"),
    ShowStack(1, 2, 12, 1),
    Stop(),
    OutputHeard(2**20),
]
WAYS = [
    pytest.param(decode_to_host, TO_HOST, id="to the host"),
    pytest.param(decode_to_node, TO_NODE, id="to a node"),
]

Decode = Callable[[typing.Any], object]


@pytest.fixture(autouse=True)
def no_unpickling(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    with monkeypatch.context() as patch:
        patch.setattr(pickle, "loads", refuse)
        patch.setattr(pickle, "load", refuse)
        yield


# ---------------------------------------------------------------------- what is meant


@pytest.mark.parametrize(("decode", "messages"), WAYS)
def test_every_message_arrives_as_it_was_sent(decode: Decode, messages: list[object]) -> None:
    for message in messages:
        assert decode(encode(message)) == message
        assert decode(memoryview(encode(message))) == message


def test_every_message_of_the_drawing_is_in_these_tests() -> None:
    assert {type(message) for message in TO_HOST} == set(typing.get_args(messages.ToHost))
    assert {type(message) for message in TO_NODE} == set(typing.get_args(messages.ToNode))


def test_the_drawing_names_every_message() -> None:
    assert messages.__doc__ is not None
    drawing = messages.__doc__.split("`Probe` and `Here`")[0]
    for met in (*{type(message) for message in TO_HOST + TO_NODE}, Dispatcher, Supervisor, Worker):
        assert met.__name__ in drawing


def test_no_message_for_the_host_is_taken_for_one_for_a_node_or_the_other_way_round() -> None:
    for message in TO_HOST:
        if not isinstance(message, Beat):
            with pytest.raises(ProtocolError):
                decode_to_node(encode(message))
    for order in TO_NODE:
        if not isinstance(order, Beat):
            with pytest.raises(ProtocolError):
                decode_to_host(encode(order))


numbers = st.integers(0, 2**63 - 1)
durations = st.floats(0, 1e12)
text = st.text("aZ0 \n\0é€𝄞", max_size=20)
results = st.builds(
    Result, numbers, numbers, numbers, numbers, st.binary(), numbers,
    st.dictionaries(numbers, st.binary()), durations, durations, numbers,
)  # fmt: skip


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.builds(Done, st.lists(results)))
def test_any_answers_arrive_as_they_were_sent(message: Done) -> None:
    assert decode_to_host(encode(message)) == message


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(
    st.builds(Died, numbers, st.integers(-64, 255), numbers, numbers, text, numbers, numbers, text)
)
def test_any_last_words_arrive_as_they_were_sent(message: Died) -> None:
    assert decode_to_host(encode(message)) == message


def test_the_address_of_a_worker_names_its_supervisor_and_its_number() -> None:
    address = worker_address(b"0123abcd", 17)
    assert supervisor_of(address) == (b"0123abcd", 17)


@pytest.mark.parametrize("address", [b"", b"supervisor", b"s.", b"s.x", b"\xff.\xff", b"s.1.2"])
def test_an_address_that_is_no_worker_s_is_a_value_error(address: bytes) -> None:
    with pytest.raises(ValueError):
        supervisor_of(address)


# ---------------------------------------------------------------------- what is not


@pytest.mark.parametrize("wall", [math.nan, math.inf, -math.inf, -1e-9])
def test_a_duration_that_nobody_could_reckon_with_is_refused(wall: float) -> None:
    frame = encode(Done([Result(1, 1, 0, 1, b"", 0, {}, wall, 0.0, 0)]))
    with pytest.raises(ProtocolError):
        decode_to_host(frame)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "x" * 65537},
        {"exception": "x" * 65537},
        {"stack": "x" * 65537},
        {"extra": b"x" * 65537},
        {"name": "x" * 1001},
        {"level_name": "x" * 1001},
        {"path": "x" * 4097},
        {"function": "x" * 1001},
        {"thread_name": "x" * 1001},
        {"process_name": "x" * 1001},
    ],
    ids=list,
)
def test_no_text_of_a_log_record_is_longer_than_it_may_be(changed: dict[str, object]) -> None:
    frame = encode(Logged([msgspec.structs.replace(RECORD, **changed)]))
    with pytest.raises(ProtocolError):
        decode_to_host(frame)


def test_no_message_has_more_records_or_warnings_than_it_may_have() -> None:
    for message in (Logged([RECORD] * 1001), Logged([], [WARNING] * 1001)):
        with pytest.raises(ProtocolError):
            decode_to_host(encode(message))


@pytest.mark.parametrize(
    "message",
    [
        Done([Result(1, 1, -1, 1, b"", 0, {}, 0, 0, 0)]),
        Done([Result(1, 1, 0, 1, b"", -1, {}, 0, 0, 0)]),
        Died(-1, 0, 0, 0, "", 0),
        Died(1, 0, -1, 0, "", 0),
        Died(1, 0, 0, -1, "", 0),
        Recalled(1, -1, 0),
        Logged([], [], -1),
        Stack(-1),
    ],
    ids=str,
)
def test_a_number_below_zero_is_refused(message: object) -> None:
    with pytest.raises(ProtocolError):
        decode_to_host(encode(message))


def test_a_stack_of_any_length_is_refused() -> None:
    with pytest.raises(ProtocolError):
        decode_to_host(encode(Stack(1, "x" * (messages.STACK_LENGTH + 1))))


@pytest.mark.parametrize("decode", [decode_to_host, decode_to_node])
@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        pickle.dumps(print),
        b"GET / HTTP/1.1\r\n\r\n",
        encode(["supervising", 1, "a", 0, "b"]),
        b"\x96\xabsupervising\x01\xa2\xff\xfe\x00\xa1h\x01",
        # Lists and dictionaries that say that they hold four billion.
        b"\x92\xa4done\xdd\xff\xff\xff\xff\x01",
        b"\x92\xa4done\x91\x9a\x01\x01\x00\x01\xc4\x00\x00\xdf\xff\xff\xff\xff\x01",
        b"\x96\xa3run\x01\x00\x90\x90\xdd\xff\xff\xff\xff",
        b"\x91\xc6\xff\xff\xff\xff",
        b"\x92\xa4beat" + b"\x91" * 100_000,
        b"\x81" * 100_000,
    ],
    ids=lambda frame: repr(frame[:16]) if isinstance(frame, bytes) else "",
)
def test_rubbish_is_a_protocol_error(decode: Decode, frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(frame)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_protocol_error(frame: bytes) -> None:
    for decode in (decode_to_host, decode_to_node):
        _decode_or_refuse(decode, frame)


trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | text
    | st.binary() | st.sampled_from(["done", "run", "died", "supervising", "recalled"]),
    lambda inner: st.lists(inner) | st.dictionaries(text | st.integers(0, 9), inner),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(trees)
def test_any_other_data_is_a_message_or_a_protocol_error(tree: object) -> None:
    for decode in (decode_to_host, decode_to_node):
        _decode_or_refuse(decode, msgspec.msgpack.encode(tree))


@pytest.mark.parametrize(("decode", "messages"), WAYS)
def test_mutated_and_random_frames_are_messages_or_protocol_errors(
    decode: Decode, messages: list[object]
) -> None:
    rng = random.Random(20240229)
    frames = [encode(message) for message in messages]
    accepted = 0
    for number in range(FRAMES):
        frame = rng.randbytes(rng.randrange(40)) if number % 8 == 0 else _mutant(frames, rng)
        accepted += _decode_or_refuse(decode, frame)
    # Some mutants are messages still; were all refused, nothing deep was reached.
    assert 0.05 < accepted / FRAMES < 0.95


def _mutant(frames: list[bytes], rng: random.Random) -> bytes:
    frame = bytearray(rng.choice(frames))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(frame) + 1)
        way = rng.randrange(5)
        if way == 0:
            frame[at:] = b""
        elif way == 1:
            frame[at:at] = rng.randbytes(rng.randrange(1, 5))
        elif way == 2:
            frame[at:] = rng.choice(frames)[at:]
        elif at < len(frame):
            frame[at] = rng.randrange(256) if way == 3 else frame[at] ^ 1 << rng.randrange(8)
    return bytes(frame)


def _decode_or_refuse(decode: Decode, frame: bytes) -> bool:
    try:
        message = decode(frame)
    except ProtocolError:
        return False
    assert isinstance(message, msgspec.Struct)
    return True
