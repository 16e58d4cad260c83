"""Classes that travel; run by test_by_value.py."""

import functools
from typing import Any

import pytest
from harness import call, echo, report, worker

from gridengine.serialization import serializer

EVENTS: list = []
SCALE = 10


class Base:
    unit = "m"

    def __init__(self, x):
        self.x = x

    def area(self):
        return self.x * SCALE

    def twin(self):
        # A base that knows of its own subclass.
        return Derived(self.x, 1)


class Derived(Base):
    def __init__(self, x, y):
        super().__init__(x)
        self.y = y

    def area(self):
        return super().area() + self.y

    @classmethod
    def make(cls):
        return cls(1, 2)

    @staticmethod
    def twice(x):
        return 2 * x * SCALE

    @property
    def half(self):
        return self.x / 2

    @half.setter
    def half(self, value):
        self.x = value * 2

    @functools.cached_property
    def slow(self):
        return [self.x]

    @functools.lru_cache  # noqa: B019
    def cached(self, n):
        return self.x + n

    def __eq__(self, other):
        return isinstance(other, Derived) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash((self.x, self.y))

    class Inner:
        def outer(self):
            return Derived


Derived.itself = Derived
Derived.example = Derived(7, 8)


def case_round_trip():
    thing = Derived(1, 2)
    back = echo(thing)
    assert type(back) is Derived
    assert back == thing
    assert echo(Derived) is Derived
    assert type(echo(Derived.Inner())) is Derived.Inner


def case_inheritance():
    def use(thing):
        thing.half = 4
        return thing.area(), thing.half, thing.slow, isinstance(thing, Base), thing.twin() == thing

    assert call(use, Derived(1, 1)) == (81, 4, [8], True, True)


def case_subclass_known_to_its_base():
    assert call(lambda thing: thing.twin(), Base(3)) == Derived(3, 1)
    assert call(lambda: Derived.__mro__[1].__subclasses__() == [Derived])
    assert type(call(lambda: Base(1).twin())) is Derived


def case_kinds_of_methods():
    assert call(Derived.make) == Derived(1, 2)
    assert call(lambda: Derived.twice(2)) == 40
    assert call(lambda: Derived(1, 1).cached(2)) == 3
    assert call(Derived(1, 1).cached, 2) == 3


def case_refers_to_itself():
    assert call(lambda: (Derived.itself is Derived, Derived.example.x, Derived.Inner().outer()))
    assert call(lambda: Derived.Inner().outer() is Derived)


class Registry:
    """Holds, before them, methods of its own: bound to itself, and to an instance."""

    hooks: list = []

    @classmethod
    def of_class(cls):
        return cls.__name__

    def of_instance(self):
        return type(self) is Registry, SCALE


Registry.hooks += [Registry.of_class, Registry().of_instance]


def case_holds_its_own_methods():
    assert call(lambda: [hook() for hook in Registry.hooks]) == ["Registry", (True, 10)]
    # The program has the class, with its methods.
    back = call(lambda: Registry().of_instance)
    assert back.__func__ is Registry.of_instance


def case_same_class_twice():
    def use(a, b, cls):
        return type(a) is type(b) is cls is Derived

    assert call(use, Derived(1, 1), Derived(1, 2), Derived) is True
    call(lambda thing: globals().__setitem__("KEPT", thing), Derived(1, 1))
    assert call(lambda thing: isinstance(globals()["KEPT"], type(thing)), Derived(1, 1)) is True


def case_program_keeps_its_class():
    def change():
        Base.unit = "km"
        return Base(1)

    before = dict(vars(Base))
    assert call(change).unit == "m"
    assert dict(vars(Base)) == before


def case_worker_keeps_what_a_job_has_set():
    class Settings:
        loaded = None
        cache: dict = {}

    def load():
        Settings.loaded = True
        Settings.cache["a"] = 1

    call(load)
    assert call(lambda: (Settings.loaded, Settings.cache)) == (True, {"a": 1})
    Settings.loaded = False
    assert call(lambda: Settings.loaded) is False


class Card:
    def __init__(self, rank):
        self.known = rank in VALUES
        self.rank = rank

    def __hash__(self):
        return hash(self.rank)

    def __eq__(self, other):
        return isinstance(other, Card) and self.rank == other.rank

    def value(self):
        return VALUES[self]


VALUES: dict = {}
VALUES.update({Card("ace"): 11, Card("ten"): 10})


def case_table_of_its_own_instances():
    assert call(Card("ace").value) == 11
    assert call(lambda: Card("ten").value()) == 10


def case_descriptor_is_not_named_again():
    class Named:
        def __set_name__(self, owner, name):
            assert not hasattr(self, "name"), "named twice"
            self.name = name

        def __get__(self, instance, owner):
            return self.name

    class Owner:
        field = Named()

    assert call(lambda: Owner.field) == "field"


def case_local_class():
    offset = 5

    class Local:
        def get(self):
            return offset + SCALE, __class__ is Local

    assert call(Local().get) == (15, True)
    assert type(echo(Local())) is Local


def case_class_of_the_worker():
    def make():
        class Made(Base):
            def area(self):
                return super().area() + 1

        return Made(1), Made(2)

    first, second = call(make)
    assert first.area() == 11
    assert type(first) is type(second)
    assert isinstance(first, Base)
    # To and fro, to its home and elsewhere.
    assert type(echo(first)) is type(first)
    assert worker(1).call(lambda thing: thing.area(), second) == 21
    assert type(worker(1).call(lambda thing: thing, second)) is type(first)


def case_builtin_bases():
    class Names(dict):
        def first(self):
            return next(iter(self))

    class Number(int):
        def double(self):
            return Number(self * 2)

    class Pair(tuple):
        __slots__ = ()

    names = Names(a=1)
    names.label = "x"
    back = echo(names)
    assert (type(back), back, back.label) == (Names, names, "x")
    assert call(lambda: Names(b=1).first()) == "b"
    assert type(call(Number(4).double)) is Number
    assert echo(Pair((1, 2))) == (1, 2)


def case_special_methods():
    class Stack:
        def __init__(self):
            self.items = []

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return "dynamic " + name

        def __len__(self):
            return 3

        def __getitem__(self, i):
            return i

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return True

        def __class_getitem__(cls, item):
            return cls, item

    def use(stack):
        with stack:
            raise ValueError
        return len(stack), stack[5], stack.foo, Stack[int][1] is int

    assert call(use, Stack()) == (3, 5, "dynamic foo", True)


def case_state_methods():
    class Stateful:
        def __init__(self, x):
            self.x = x
            self.handle = open(__file__)  # noqa: SIM115

        def __getstate__(self):
            return {"x": self.x * SCALE}

        def __setstate__(self, state):
            self.x = state["x"] / SCALE

    thing = Stateful(4)
    assert echo(thing).x == 4
    thing.handle.close()


def case_class_from_exec():
    namespace: dict[str, Any] = {}
    exec("class A:\n    def get(self): return K\nK = 5", namespace)
    assert namespace["A"].__module__ == "builtins"
    assert call(namespace["A"]().get) == 5
    assert type(echo(namespace["A"]())) is namespace["A"]


def case_types_of_the_interpreter():
    import types

    kinds = (type(None), type(...), types.FunctionType, types.GeneratorType, int, type)
    assert echo(kinds) == kinds


def case_attribute_cannot_travel():
    class Holder:
        lock = __import__("threading").Lock()

    with pytest.raises(TypeError) as caught:
        serializer.pack(Holder(), "it")
    assert "it → its class.lock (<unlocked _thread.lock" in str(caught.value)


def case_multiple_inheritance():
    class Mixin:
        def who(self):
            return "mixin", *super().who()

    class Root:
        def who(self):
            return ("root",)

    class Both(Mixin, Root):
        def who(self):
            return "both", *super().who()

    assert call(Both().who) == ("both", "mixin", "root")


def case_redefined():
    # As a notebook does when a cell is run again.
    def define(n):
        text = f"class Cell:\n    def n(self): return {n}\n"
        exec(text, globals())

    define(1)
    first = globals()["Cell"]()
    assert call(lambda: Cell().n()) == 1  # noqa: F821
    define(2)
    assert call(lambda: Cell().n()) == 2  # noqa: F821
    assert call(lambda cell: (cell.n(), Cell().n()), first) == (1, 2)  # noqa: F821
    assert type(echo(first)) is type(first)


if __name__ == "__main__":
    report(dict(globals()))
