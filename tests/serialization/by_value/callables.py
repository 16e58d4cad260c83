"""Decorated functions, partials, methods and their kin; run by test_by_value.py."""

import contextlib
import functools
import pickle

from harness import call, echo, report

import gridengine.client.map

FACTOR = 3


def times(x):
    return x * FACTOR


def traced(function):
    @functools.wraps(function)
    def wrapper(*args):
        """Of the wrapper."""
        return "traced", function(*args)

    return wrapper


@traced
def decorated(x):
    """Its documentation."""
    return times(x)


def case_decorated():
    assert call(decorated, 1) == ("traced", 3)
    assert call(lambda: (decorated.__name__, decorated.__doc__)) == (
        "decorated",
        "Its documentation.",
    )
    assert call(lambda: decorated.__wrapped__(2)) == 6


@functools.lru_cache(maxsize=10)
def cached_fibonacci(n):
    return n if n < 2 else cached_fibonacci(n - 1) + cached_fibonacci(n - 2)


def case_lru_cache():
    def use():
        return cached_fibonacci(50), cached_fibonacci.cache_info().currsize

    assert call(use) == (12586269025, 10)
    assert call(cached_fibonacci, 10) == 55
    assert call(lambda: cached_fibonacci.cache_parameters()["maxsize"]) == 10


@functools.singledispatch
def kind_of(x):
    return "object"


@kind_of.register
def _(x: int):
    return "int"


def case_singledispatch():
    assert call(kind_of, 1) == "int"
    assert call(lambda: [kind_of(1), kind_of("")]) == ["int", "object"]


@contextlib.contextmanager
def factor(value):
    yield value * FACTOR


def case_contextmanager():
    def use():
        with factor(2) as value:
            return value

    assert call(use) == 6


def case_partial():
    assert call(functools.partial(times), 2) == 6
    assert call(functools.partial(lambda a, b: (a, b), b=times(1)), 2) == (2, 3)
    mine = gridengine.partial(lambda a, b: (a, b, FACTOR), b=1)
    assert call(mine, 2) == (2, 1, 3)
    assert call(lambda: mine(5)) == (5, 1, 3)
    assert echo(mine).__name__ == mine.__name__


class Counter:
    step = 2

    def __init__(self, start):
        self.count = start

    def __call__(self, x):
        return self.count + x

    def add(self, x):
        return self.count + x * self.step

    def __hidden(self):
        return "hidden"

    def hidden(self):
        return self.__hidden

    @staticmethod
    def static(x):
        return x * FACTOR

    @classmethod
    def make(cls, x):
        return cls(x).add(1)


Counter.late = lambda self: "late"


def case_methods():
    counter = Counter(10)
    assert call(counter, 1) == 11
    assert call(counter.add, 1) == 12
    assert call(Counter.static, 1) == 3
    assert call(counter.static, 1) == 3
    assert call(Counter.make, 1) == 3
    assert call(Counter.add, counter, 1) == 12
    assert call(counter.hidden()) == "hidden"
    assert call(counter.late) == "late"
    assert call([3, 1].index, 1) == 1
    assert call("a".join, "bc") == "bac"
    assert call(dict.fromkeys, "a") == {"a": None}


def case_class_attribute_changes():
    counter = Counter(0)
    assert call(counter.add, 1) == 2
    Counter.step = 5
    try:
        assert call(counter.add, 1) == 5
    finally:
        Counter.step = 2
    assert call(counter.add, 1) == 2


def case_plain_pickle_in_the_worker():
    assert call(lambda: pickle.loads(pickle.dumps(Counter(3))).add(times(1))) == 9


if __name__ == "__main__":
    report(dict(globals()))
