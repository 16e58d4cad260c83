"""Functions that travel; run by test_by_value.py."""

import asyncio
import math
import os
import os.path
import sqlite3
import sys
import types
import weakref
import xml.etree.ElementTree
from concurrent import futures
from types import SimpleNamespace

import numpy as np
from harness import call, raised, report, worker

FACTOR = 3
COUNTS: dict = {}
MODEL = None
SENTINEL = object()
ARRAY = np.arange(100_000.0)
WORKER_ONLY = "of the program"


def times(x):
    return x * FACTOR


def case_globals():
    assert call(times, 5) == 15


def case_plain_value_changes():
    global FACTOR
    assert call(times, 5) == 15
    FACTOR = 4
    try:
        assert call(times, 5) == 20
    finally:
        FACTOR = 3
    assert call(times, 5) == 15


def case_modules():
    def use(x):
        parsed = xml.etree.ElementTree.fromstring("<a><b/></a>")
        return math.sqrt(x), os.path.join("a", "b"), parsed[0].tag, futures.Future.__name__

    assert call(use, 16) == (4.0, "a/b", "b", "Future")


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def case_mutual_recursion():
    assert call(is_even, 10) is True
    assert call(is_odd, 10) is False


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def case_recursion():
    assert call(fibonacci, 10) == 55


def case_recursion_of_a_local():
    def down(n):
        return 0 if n == 0 else 1 + down(n - 1)

    assert call(down, 7) == 7


def case_shared_variable():
    count = 0

    def add():
        nonlocal count
        count += 1
        return count

    def get():
        return count

    def use(add, get):
        add()
        add()
        return get()

    assert call(use, add, get) == 2
    assert count == 0


def case_variable_without_value():
    def outer():
        def inner():
            return later

        yield inner
        later = 5
        yield inner

    function = next(outer())

    def use(function):
        try:
            return function()
        except NameError:
            return "no value"

    assert call(use, function) == "no value"


def case_defaults():
    def use(a, b=FACTOR, *, c=4, d=SENTINEL, e=SENTINEL):
        return a, b, c, d is e

    assert call(use, 1) == (1, 3, 4, True)
    assert call(use, 1, c=5, b=0) == (1, 0, 5, True)


def case_lambda():
    assert call(lambda x: x + FACTOR, 1) == 4


def case_nested():
    def outer(x):
        def inner(y):
            return [times(z) for z in (x, y)]

        return inner

    assert call(lambda: outer(1)(2)) == [3, 6]
    assert call(outer(1), 2) == [3, 6]


def case_function_comes_back():
    def make(n):
        def add(x):
            return x + n + FACTOR

        return add

    assert call(make, 1)(2) == 6


def numbers(n):
    for i in range(n):
        yield times(i)


def case_generator_function():
    assert call(lambda: list(numbers(3))) == [0, 3, 6]


def case_coroutine_function():
    async def double(x):
        await asyncio.sleep(0)
        return times(x)

    assert call(lambda: asyncio.run(double(2))) == 6


def load():
    global MODEL, LOADED
    MODEL = LOADED = "loaded"
    COUNTS["load"] = 1


def case_one_function_sets_globals_for_another():
    call(load)
    assert call(lambda: (MODEL, LOADED, COUNTS)) == ("loaded", "loaded", {"load": 1})
    assert MODEL is None
    assert COUNTS == {}
    assert "LOADED" not in globals()


def case_functions_that_come_back_leave_globals_alone():
    def set_and_return():
        global WORKER_ONLY
        WORKER_ONLY = "of the worker"
        return lambda: WORKER_ONLY

    returned = call(set_and_return)
    assert WORKER_ONLY == "of the program"
    assert returned() == "of the program"


def case_name():
    def use():
        import __main__

        return __name__, __main__.times is times, __main__.__name__, os.path.basename(__file__)

    assert call(use) == ("__main__", True, "__main__", "functions.py")


def case_attributes():
    def use():
        return use.label, use.__annotations__, use.__module__, use.__qualname__

    use.label = "labelled"
    use.__annotations__ = {"return": int}
    assert call(use) == (
        "labelled",
        {"return": int},
        "__main__",
        "case_attributes.<locals>.use",
    )


def case_identity_within_one_call():
    def use(a, b):
        return a is b, a.itself is a

    thing = SimpleNamespace(f=times)
    thing.itself = thing
    assert call(use, thing, thing) == (True, True)


def case_class_in_function():
    def use():
        class Local:
            factor = FACTOR

            def get(self):
                return super().__eq__(self), self.factor

        return Local().get()

    assert call(use) == (True, 3)


def case_arrays():
    def total():
        ARRAY[0] += 0
        return float(ARRAY.sum())

    local = ARRAY + 1

    def double():
        return local * 2

    assert call(total) == ARRAY.sum()
    returned = call(double)
    returned += 1
    assert (returned == local * 2 + 1).all()


def case_writable_as_it_was():
    def use(a, b):
        return a.flags.writeable, b.flags.writeable

    frozen = ARRAY.copy()
    frozen.flags.writeable = False
    assert call(use, ARRAY, frozen) == (True, False)
    assert call(use, ARRAY[:10], frozen[:10]) == (True, False)


def case_standard_streams():
    from sys import stderr

    assert call(lambda: stderr is sys.stderr) is True


def case_dict_keys():
    assert list(call(lambda: {1: 2}.keys())) == [1]


def case_two_workers():
    def make():
        class Made:
            value = 4

        return Made()

    made = worker(0).call(make)
    assert made.value == 4
    # What one worker has made another does not know.
    assert worker(1).call(lambda x: x.value + 1, made) == 5
    assert worker(0).call(lambda x: x.value + 1, made) == 5
    assert type(worker(1).call(lambda x: x, made)) is type(made)


def case_generator_cannot_travel():
    message = str(raised(lambda: (i for i in range(3))))
    assert "make a list of what it yields" in message


def case_annotations():
    from typing import NewType, TypeVar

    number = NewType("number", int)
    some = TypeVar("some", bound=float)

    def use(x: number, y: "some") -> number | None:
        return sorted(use.__annotations__)

    assert call(use, 1, 2) == ["return", "x", "y"]


def case_annotations_of_unknown_names():
    # Python looks them up late from 3.14 on; before, a future statement has it not do so.
    namespace: dict = {}
    text = """
def use(x: Unknown, *, y: int = 2) -> "Later":
    "Text."
    return x + y, use.__name__, use.__doc__, sorted(use.__annotations__)
use.label = "labelled"

class Annotated:
    x: Unknown = 3
    y: "Later"
"""
    future = "" if sys.version_info >= (3, 14) else "from __future__ import annotations\n"
    exec(future + text, namespace)
    use, cls = namespace["use"], namespace["Annotated"]
    assert call(use, 1) == (3, "use", "Text.", ["return", "x", "y"])
    assert call(lambda: (use.label, use(4, y=1)[0])) == ("labelled", 5)
    assert call(lambda: (cls.x, sorted(cls.__annotations__))) == (3, ["x", "y"])


def case_module_of_an_inner_function():
    def use():
        return (lambda: xml.etree.ElementTree.fromstring("<a/>").tag)()

    assert call(use) == "a"


def case_views_and_weak_sets():
    def use(keys, values, items, proxy):
        return sorted(keys), sorted(values), sorted(items), proxy["a"]

    names = {"a": 1}
    given = names.keys(), names.values(), names.items(), types.MappingProxyType(names)
    assert call(use, *given) == (["a"], [1], [("a", 1)], 1)
    held = futures.Future
    assert list(call(lambda: weakref.WeakSet([held]))) == [held]


def case_deep():
    namespace: dict = {}
    for i in range(60):
        exec(f"def f{i}(x): return f{i + 1}(x) + 1", namespace)
    exec("def f60(x): return x", namespace)
    assert call(namespace["f0"], 0) == 60


class AnyAttribute(dict):
    def __getattr__(self, name):
        if name == "__getstate__":
            # Plain pickle asks for it, before Python 3.11.
            raise AttributeError(name)
        return self[name]


SETTINGS = AnyAttribute(a=1)
CONNECTION = sqlite3.connect(":memory:")


def case_global_that_makes_up_attributes():
    assert call(lambda: SETTINGS.a) == 1


def case_class_body_with_names_of_globals_that_cannot_travel():
    def use(x):
        class Local:
            CONNECTION = None
            other = x.CONNECTION

        return Local.other

    assert call(use, types.SimpleNamespace(CONNECTION=3)) == 3


if __name__ == "__main__":
    report(dict(globals()))
