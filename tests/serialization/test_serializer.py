"""What the serializer promises within one process; by_value/test_by_value.py has the rest."""

from __future__ import annotations

import ctypes
import functools
import json
import linecache
import os
import pickle
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

import gridengine
from gridengine.errors import PackingError, UnpackingError
from gridengine.serialization import by_value, exceptions, functions, serializer
from gridengine.serialization.by_value.explain import short_repr
from gridengine.settings import OUT_OF_BAND
from gridengine.transport.shared_memory import gather


class AnswersToAll:
    """What a mock, or a proxy, does."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        if name.startswith("__"):
            raise RuntimeError("not bound to anything")
        return AnswersToAll()

    def __call__(self) -> None:
        """Does nothing."""


def test_what_answers_to_all_is_called_by_its_type_and_asked_for_nothing_else() -> None:
    function = AnswersToAll()
    assert functions.name_of(function) == "AnswersToAll"
    assert function.asked == ["__qualname__", "__name__"]
    assert functions.name_of(functools.partial(functools.partial(len))) == "len"


def test_the_calls_of_a_mock_travel_with_it() -> None:
    mock = Mock(return_value=3)
    mock.method(1, key=mock)
    arrived = serializer.unpack(*serializer.pack(mock))
    assert arrived() == 3
    [call] = arrived.method.call_args_list
    assert (call.args, call.kwargs) == ((1,), {"key": arrived})


TEXT = """Traceback (most recent call last):
  File "/no/such/file.py", line 2, in f
  File "<ipython-input-7-abc>", line 2, in g
  File "<ipython-input-7-abc>", line 9, in g
  File "/there.py", line 2, in h
    shown already
  | File "<ipython-input-7-abc>", line 1, in group
  File "<string>", line 1, in <module>
ValueError: File "<ipython-input-7-abc>", line 1, in g"""


def test_lines_that_only_the_program_knows_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = ["def g():\n", "    return f()\n"]
    for name in ("<ipython-input-7-abc>", "<string>", "/there.py"):
        monkeypatch.setitem(linecache.cache, name, (1, None, cell, name))
    shown = str(exceptions.RemoteTraceback(TEXT)).splitlines()
    added = [(n, line) for n, line in enumerate(shown) if line and line not in TEXT.splitlines()]
    assert added == [(4, "    return f()"), (9, "  |   def g():")]


def module_by_hand(text: str, name: str = "by_hand") -> types.ModuleType:
    """Returns a module that no worker can import."""
    module = types.ModuleType(name)
    exec(text, vars(module))
    return module


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Makes a module whose globals count as shared, as those of ``__main__`` do."""

    def make(text: str) -> Any:
        module = module_by_hand(text)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    return make


# ---------------------------------------------------------------------- pack and unpack


PLAIN: list[object] = [
    None,
    True,
    1,
    10**30,
    2.5,
    "text",
    b"bytes",
    3j,
    (),
    ((), {}),
    ((7,), {}),
    ((7, "a"), {"x": 1}),
    (("a" * 10_000,), {}),
    ([1], {"a": [2]}),
    ((1,), {1: 2, "x": (3,)}),
    {"a": {1, 2}},
]


def there_and_back(value: object) -> Any:
    payload, frames = serializer.pack(value)
    return serializer.unpack(payload, gather(frames))


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:20])
def test_plain_values_come_back(value: object) -> None:
    assert not serializer.pack(value)[1]
    assert there_and_back(value) == value


def test_simple_arguments_are_looked_at_in_full() -> None:
    local = module_by_hand("class A:\n    def __hash__(self): return 1\nlow = lambda: 3")
    values: tuple[Any, ...] = ((local.A(),), {}), ((1,), {"a": local.A()}), ((1,), {local.A(): 1})
    for value in values:
        assert b"by_hand" in serializer.pack(value)[0]
    args, _ = serializer.unpack(*serializer.pack(((local.low,), {})))
    assert args[0]() == 3


@pytest.mark.parametrize("kind", ["argument", "closure", "global", "default", "class"])
def test_large_buffers_travel_uncopied(kind: str) -> None:
    array = np.arange(100_000)
    carriers: dict[str, Any] = {
        "argument": ((array,), {}),
        "closure": lambda: array,
        "global": module_by_hand("def get(): return ARRAY").get,
        "default": module_by_hand("def get(a=None): return a").get,
        "class": type("Holder", (), {"array": array}),
    }
    carriers["global"].__globals__["ARRAY"] = array
    carriers["default"].__defaults__ = (array,)
    payload, frames = serializer.pack(carriers[kind])
    assert len(frames) == 1
    assert len(payload) < 5000
    assert np.shares_memory(np.frombuffer(frames[0], array.dtype), array)


def test_small_buffers_stay_in_the_payload() -> None:
    assert not serializer.pack([np.zeros(OUT_OF_BAND // 2, np.uint8)])[1]
    assert len(serializer.pack([np.zeros(OUT_OF_BAND, np.uint8)])[1]) == 1


def test_no_copy_on_arrival_into_memory_that_may_be_written_to() -> None:
    payload, frames = serializer.pack([np.arange(100_000)])
    received = bytearray(frames[0])
    (array,) = serializer.unpack(payload, [received])
    assert np.shares_memory(array, np.frombuffer(received, array.dtype))


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("received", [bytes, bytearray])
@pytest.mark.parametrize("size", [10, 100_000])
def test_arrays_may_be_written_to_if_they_could(
    writable: bool, received: Callable[[Any], Any], size: int
) -> None:
    array = np.arange(size)
    array.flags.writeable = writable
    payload, frames = serializer.pack([array])
    (back,) = serializer.unpack(payload, [received(frame) for frame in frames])
    assert back.flags.writeable is writable
    assert (back == array).all()


def test_arrays_of_all_shapes() -> None:
    square = np.arange(250_000.0).reshape(500, 500)
    arrays = [square, square.T, square[::2, ::3], np.asfortranarray(square), square[0:0]]
    for array, back in zip(arrays, there_and_back(arrays), strict=True):
        assert np.array_equal(array, back)


def test_large_bytes() -> None:
    large = os.urandom(1_000_000)
    for value in (large, [large], bytearray(large), {"text": "ü" * 1_000_000}):
        assert there_and_back(value) == value


@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("around", [lambda x: x, lambda x: [1, x, "a"], lambda x: ((x,), {"a": x})])
def test_large_bytes_are_not_copied(kind: Any, around: Callable[[Any], Any]) -> None:
    large = kind(OUT_OF_BAND + 1)
    payload, (scattered, *frames) = serializer.pack(around(large))
    assert not payload
    assert not frames
    assert any(part is large for part in scattered.parts)


def test_a_large_payload_stands_before_the_buffers_in_it() -> None:
    text, array = "x" * 1_000_000, np.arange(100_000)
    payload, frames = serializer.pack([array, text])
    assert not payload
    assert len(frames) == 2
    back, same = serializer.unpack(payload, gather(frames))
    assert (text, True) == (same, np.array_equal(array, back))


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("size", [12, 120_000])
def test_memoryviews(size: int, writable: bool) -> None:
    array = np.arange(size, dtype=np.int32)
    array.flags.writeable = writable
    cube = array.reshape(2, 3, size // 6)
    views = [memoryview(each) for each in (array, cube, cube[:, ::2], array[::-1], cube.T)]
    for view, back in zip(views, there_and_back(views), strict=True):
        assert type(back) is memoryview
        assert (back.format, back.shape) == (view.format, view.shape)
        assert back.tobytes() == view.tobytes()
        assert back.readonly is not writable


def test_large_memoryviews_travel_uncopied() -> None:
    array = np.arange(100_000)
    packed = serializer.pack([memoryview(array)])
    assert np.shares_memory(np.frombuffer(packed[1][0], array.dtype), array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3, [("a", "i4"), ("b", "f8")]),
        np.arange(3, dtype=">i4"),
        (ctypes.c_int * 3)(1, 2, 3),
        np.zeros(2, complex),
        np.zeros(2, np.float16),
        np.zeros((0, 3)),
    ],
    ids=lambda array: memoryview(array).format,
)
def test_memoryviews_that_python_cannot_make(array: Any) -> None:
    view = memoryview(array)
    # It learns more formats with each version.
    try:
        memoryview(bytes(view.nbytes)).cast(view.format, view.shape)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        assert "send the array itself" in message_of([view])
    else:
        back = there_and_back(view)
        assert (back.format, back.shape) == (view.format, view.shape)


def test_memoryviews_of_little() -> None:
    for view in (memoryview(b""), memoryview(np.zeros(0)), memoryview(np.array(5))):
        back = there_and_back(view)
        assert (back.format, back.shape, back.nbytes) == (view.format, view.shape, view.nbytes)


def test_a_released_memoryview_cannot_travel() -> None:
    view = memoryview(b"abc")
    view.release()
    assert "released" in message_of([view])


# ---------------------------------------------------------------------- what stays the same


def test_a_class_that_is_packed_again_has_no_function_packed_again(
    program: Callable[[str], Any],
) -> None:
    cls = program("import abc\nclass Here(abc.ABC):\n    number: int = 1\nHere.register(int)").Here
    serializer.pack(cls)
    generation = by_value.generation()
    # As fresh objects seldom have the same id as older ones while these are there.
    kept = [serializer.pack(cls) for _ in range(3)]
    assert by_value.generation() == generation
    assert kept[0] == kept[1] == kept[2]


# ---------------------------------------------------------------------- what cannot travel


class Holder:
    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("handle",)


@pytest.fixture
def handle() -> Iterator[Any]:
    with open(__file__, encoding="utf-8") as file:
        yield file


def message_of(obj: object, what: str = "the result") -> str:
    with pytest.raises(PackingError) as caught:
        serializer.pack(obj, what)
    return str(caught.value)


def test_an_open_file_is_named_with_its_path(handle: Any) -> None:
    arguments: Any = (("a", Holder(x=1, handle=handle)), {})
    assert message_of(arguments, "the arguments (args, kwargs)") == (
        f"the arguments (args, kwargs)[0][1].handle ({handle!r}) cannot travel to another process: "
        f"an open file ({__file__!r}) belongs to the process that opened it; "
        "open it where it is used, or send what is in it"
    ).replace(repr(handle), short_repr(handle))


def test_the_path_to_a_culprit(handle: Any) -> None:
    slotted: Any = Slotted()
    slotted.handle = handle
    uses_global: Any = module_by_hand("def inner(): return HANDLE\ndef outer(): return inner()")
    uses_global.HANDLE = handle
    cases: dict[str, object] = {
        "['k'][0]": {"k": [handle]},
        ".handle": slotted,
        " → its variable 'handle'": lambda: handle,
        " → its global 'inner' → its global 'HANDLE'": uses_global.outer,
        ".args[0]": functools.partial(print, handle),
        ".func → its variable 'handle'": functools.partial(lambda: handle),
        ".keywords['file']": functools.partial(print, file=handle),
        ".__self__.handle": Holder.__init__.__get__(Holder(handle=handle)),
        " → its class.handle": type("Local", (), {"handle": handle})(),
        " → its default of 'x'": _with_default(handle),
    }
    for path, obj in cases.items():
        assert message_of(obj).startswith(f"the result{path} (<_io.TextIOWrapper")


def _with_default(handle: object) -> Callable[..., object]:
    def use(*, x: object = handle) -> object:
        return x

    return use


def test_each_kind_says_what_to_do() -> None:
    assert "make it where it is used" in message_of([threading.Lock()])
    assert "make it where it is used" in message_of([threading.RLock()])
    assert "the result[0] (<threading.Event" in message_of([threading.Event()])
    assert "make a list of what it yields" in message_of([i for i in [iter(())] if False] or gen())
    with socket.socket() as open_socket:
        assert "open it where it is used" in message_of({"s": open_socket})
    with open(os.devnull, "rb") as binary:
        assert "an open file ('/dev/null')" in message_of(binary)


INHERITED = """\
import multiprocessing
from gridengine.errors import PackingError
from gridengine.serialization.serializer import pack

kept = multiprocessing.Pipe()
for obj in (
    multiprocessing.Lock(), multiprocessing.RLock(), multiprocessing.Semaphore(),
    multiprocessing.Condition(), multiprocessing.Event(), multiprocessing.Barrier(2),
    multiprocessing.Value("i"), multiprocessing.Array("i", 2), multiprocessing.RawValue("i"),
    multiprocessing.RawArray("i", 2), multiprocessing.Queue(), multiprocessing.SimpleQueue(),
    kept[0],
):
    try:
        pack([obj], "the result")
    except PackingError as error:
        print(error)
"""


def test_what_multiprocessing_inherits_says_what_to_take_instead() -> None:
    # In a process of its own: memory that is shared stays until its end.
    done = subprocess.run(
        [sys.executable, "-c", INHERITED], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    said = done.stdout.splitlines()
    assert len(said) == 13
    for line in said:
        assert line.startswith("the result[0]")
        assert "workers are none" in line
        assert "multiprocessing.Manager()" in line


def gen() -> Iterator[int]:
    yield 1


def test_an_object_that_holds_itself() -> None:
    holder = Holder(lock=threading.Lock())
    vars(holder)["aaa"] = holder
    assert "the result.lock (" in message_of(holder)
    turning: list[object] = []
    turning.append([turning, threading.Lock()])
    assert "the result[0][1] (" in message_of(turning)


def test_whatever_the_objects_own_code_raises_is_a_packing_error() -> None:
    class Refuses:
        def __reduce__(self) -> Any:
            raise ZeroDivisionError("refused")

        def __repr__(self) -> str:
            raise ZeroDivisionError

    message = message_of([Refuses()])
    assert message.startswith("the result[0] (<")
    assert message.endswith("refused")


def test_packing_goes_too_deep() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    message = message_of(nested)
    # The second from CPython 3.14 on.
    assert "recursion" in message or "Stack overflow" in message


def test_short_repr() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise SystemExit

    assert short_repr(Silent()).startswith("<Silent")
    assert len(short_repr("x" * 1000)) < 100


# ---------------------------------------------------------------------- functions


def test_a_function_is_packed_once(program: Callable[[str], Any]) -> None:
    code = program("K = 1\ndef helper(x): return x + K\ndef f(x): return helper(x)")
    first = functions.pack_function(code.f)
    assert functions.pack_function(code.f) is first
    assert first.name == "f"
    code.K = 2
    second = functions.pack_function(code.f)
    assert second.key != first.key
    code.K = 1
    # Another key than at first: in a worker, K is 2 by now.
    assert functions.pack_function(code.f).key not in (first.key, second.key)


def test_a_function_travels_anew_after_another_changed_what_they_share(
    program: Callable[[str], Any],
) -> None:
    code = program("K = 1\ndef f(): return K\ndef g(): return K")
    first = functions.pack_function(code.f)
    code.K = 2
    functions.pack_function(code.g)
    code.K = 1
    assert functions.pack_function(code.f).key != first.key


def test_a_module_that_is_registered_goes_by_value(program: Callable[[str], Any]) -> None:
    by_name = functions.pack_function(json.dumps)
    with pytest.raises(ValueError, match="not registered"):
        gridengine.unregister_by_value(json)
    gridengine.register_by_value(json)
    try:
        by_value = functions.pack_function(json.dumps)
        encoder = serializer.pack(json.encoder.JSONEncoder)
    finally:
        gridengine.unregister_by_value(json)
    assert len(by_value.payload) > 2 * len(by_name.payload)
    assert by_value.key != by_name.key
    # With a package, its modules.
    assert len(encoder[0]) > 2 * len(serializer.pack(json.encoder.JSONEncoder)[0])
    assert functions.pack_function(json.dumps).payload == by_name.payload
    not_a_module: Any = "json"
    with pytest.raises(TypeError, match="a module"):
        gridengine.register_by_value(not_a_module)


def test_a_callable_that_is_no_function(program: Callable[[str], Any]) -> None:
    code = program("K = [1]\ndef f(x): return K")
    for make in (functools.partial, lambda f, _: f):
        first = functions.pack_function(make(code.f, 1))
        assert functions.pack_function(make(code.f, 1)).key == first.key
        code.K.append(2)
        assert functions.pack_function(make(code.f, 1)).key != first.key


def test_a_large_function_is_not_hashed(program: Callable[[str], Any]) -> None:
    code = program("def f(): return ARRAY")
    code.ARRAY = np.zeros(100_000)
    first, second = functions.pack_function(code.f), functions.pack_function(code.f)
    assert first.key != second.key
    assert len(first.frames) == 1


def test_names() -> None:
    class Callable_:
        def __call__(self) -> None: ...

    assert functions.name_of(gen) == "gen"
    assert functions.name_of(functools.partial(functools.partial(gen))) == "gen"
    assert functions.name_of(Callable_()) == "Callable_"
    assert functions.name_of(Holder.__init__) == "Holder.__init__"


# ---------------------------------------------------------------------- exceptions


def test_an_exception_that_arrives_broken() -> None:
    for received in (b"", b"garbage", pickle.dumps(3), exceptions.pack_error(KeyError())[:-9]):
        assert isinstance(exceptions.unpack_error(received), UnpackingError)


def test_an_exception_of_an_unknown_class() -> None:
    packed = exceptions.PackedError(b"cno_such_module\nError\n.", "no_such_module.Error: text", "T")
    error = exceptions.unpack_error(pickle.dumps(tuple(packed)))
    assert isinstance(error, UnpackingError)
    assert "no_such_module.Error: text" in str(error)
    assert str(error.__cause__) == "\nT"


def test_nothing_that_an_exception_does_stops_it() -> None:
    class Worst(BaseException):
        def __getattribute__(self, name: str) -> Any:
            raise KeyboardInterrupt

        def __str__(self) -> str:
            raise KeyboardInterrupt

    error = exceptions.unpack_error(exceptions.pack_error(Worst()))
    assert isinstance(error, (Worst, UnpackingError))
    assert "Worst" in repr(error) or isinstance(error, Worst)


def test_a_note_where_there_is_no_room() -> None:
    class Closed(Exception):
        __notes__ = property(lambda self: 1 / 0)

    exceptions.add_note(Closed(), "note")
