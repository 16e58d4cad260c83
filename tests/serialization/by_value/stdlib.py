"""Dataclasses, enumerations, named tuples and their kin; run by test_by_value.py."""

import collections
import dataclasses
import sys
import typing
from dataclasses import InitVar, dataclass, field
from typing import ClassVar, Generic, NamedTuple, Protocol, TypedDict, TypeVar, runtime_checkable

from harness import call, echo, report

T = TypeVar("T")
GREETING = "hello"


@dataclass
class Point:
    x: int
    y: float = 2.0
    tags: list = field(default_factory=list)
    note: str = field(default="n", repr=False, metadata={"unit": "cm"})
    count: ClassVar[int] = 7
    seed: InitVar[int] = 3
    _: dataclasses.KW_ONLY
    extra: int = 9

    def __post_init__(self, seed):
        self.tags.append(seed)


@dataclass(frozen=True)
class Frozen:
    x: int

    def label(self):
        return LABELS[self]


LABELS = {Frozen(1): "one", Frozen(2): "two"}


@dataclass(slots=True)
class Slotted:
    x: int
    y: list = field(default_factory=list)


@dataclass(frozen=True, slots=True, order=True)
class FrozenSlotted:
    x: int
    y: int = 2


@dataclass(kw_only=True)
class Child(Point):
    z: int


def case_dataclass():
    def use(point):
        made = Point(1)
        return (
            made.tags,
            point == dataclasses.replace(made, seed=3, tags=[], x=5),
            [f.name for f in dataclasses.fields(Point)],
            dataclasses.fields(Point)[3].metadata["unit"],
            dataclasses.asdict(made),
            Point.count,
            repr(made),
        )

    tags, equal, names, unit, as_dict, count, text = call(use, Point(5))
    assert (tags, equal, unit, count) == ([3], True, "cm", 7)
    assert names == ["x", "y", "tags", "note", "extra"]
    assert as_dict == {"x": 1, "y": 2.0, "tags": [3], "note": "n", "extra": 9}
    assert text == "Point(x=1, y=2.0, tags=[3], extra=9)"
    assert echo(Point(5)) == Point(5)
    assert type(call(lambda: Point(6))) is Point


def case_dataclass_inherited_in_the_worker():
    def use():
        @dataclass
        class Local(Child):
            w: int = 5

        return [f.name for f in dataclasses.fields(Local)], Local(1, z=2).w, Local(1, z=2)

    names, w, local = call(use)
    assert names == ["x", "y", "tags", "note", "extra", "z", "w"]
    assert w == 5
    assert isinstance(local, Child)
    assert dataclasses.fields(local)[2].default_factory is list
    assert dataclasses.fields(local)[0].default is dataclasses.MISSING


def case_frozen_dataclass():
    def use(frozen):
        try:
            frozen.x = 3
        except dataclasses.FrozenInstanceError:
            return frozen.label(), hash(frozen) == hash(Frozen(1)), {frozen: 1}[Frozen(1)]

    assert call(use, Frozen(1)) == ("one", True, 1)
    assert call(lambda: Frozen(2).label()) == "two"
    assert echo(Frozen(1)) == Frozen(1)


def case_dataclass_with_slots():
    def use(a, b):
        assert not hasattr(a, "__dict__")
        assert not hasattr(b, "__dict__")
        return a.x, a.y, b < FrozenSlotted(9), Slotted(1).y

    assert call(use, Slotted(1), FrozenSlotted(2)) == (1, [], True, [])
    assert echo(Slotted(1)) == Slotted(1)
    assert echo({FrozenSlotted(2): 1}) == {FrozenSlotted(2): 1}


Old = collections.namedtuple("Old", "a b", defaults=[5])


class New(NamedTuple):
    a: int
    b: str = "b"

    def both(self):
        return self.a, self.b, GREETING


def case_named_tuples():
    def use(old, new):
        made = New(3)._replace(b="c")
        return (
            old.a,
            old._asdict(),
            Old(1).b,
            new.both(),
            made.both(),
            New._fields,
            Old._make([1, 2]),
        )

    values = call(use, Old(1, 2), New(1))
    assert values == use(Old(1, 2), New(1))
    assert type(values[-1]) is Old
    assert type(echo(New(1))) is New
    local = collections.namedtuple("Alias", "x")
    assert type(echo(local(1))) is local
    assert call(lambda: local(x=4).x) == 4


class Movie(TypedDict, total=False):
    name: str
    year: int


def case_typed_dict():
    def use():
        movie: Movie = Movie(name="x")
        return movie, Movie.__total__, sorted(Movie.__optional_keys__), typing.get_type_hints(Movie)

    assert call(use) == ({"name": "x"}, False, ["name", "year"], {"name": str, "year": int})
    assert echo(Movie) is Movie


class Stack(Generic[T]):
    def __init__(self, items: "list[T] | None" = None) -> None:
        self.items = items or []

    def push(self, item: T) -> "Stack[T]":
        return IntStack([*self.items, item])


IntStack = Stack[int]


class Strings(Stack[str]):
    def joined(self):
        return "".join(self.items)


def case_generic():
    def use(stack):
        return (
            stack.push(1).items,
            Stack[int]().items,
            Stack.__parameters__ == (T,),
            IntStack.__args__,
            Strings(["a", "b"]).joined(),
            Strings.__orig_bases__ == (Stack[str],),
        )

    assert call(use, Stack()) == ([1], [], True, (int,), "ab", True)
    assert type(echo(Stack())) is Stack
    assert echo(T) is T
    assert echo(IntStack) == IntStack


@runtime_checkable
class Greets(Protocol):
    name: str

    def greet(self) -> str: ...


class Greeter:
    name = "greeter"

    def greet(self):
        return GREETING


class Explicit(Greets):
    name = "explicit"


def case_protocol():
    def use(greeter):
        return isinstance(greeter, Greets), isinstance(3, Greets), Explicit().name

    assert call(use, Greeter()) == (True, False, "explicit")
    assert echo(Greets) is Greets


P = typing.ParamSpec("P")
UserId = typing.NewType("UserId", int)
Bound = TypeVar("Bound", bound=Point)
OneOf = TypeVar("OneOf", int, str)


def annotated(f: typing.Callable[P, T], user: UserId, *args: P.args, **kwargs: P.kwargs) -> Bound:
    return f(UserId(user))


def case_typing():
    assert call(annotated, lambda x: x + 1, 3) == 4
    assert call(lambda: typing.get_type_hints(annotated)["user"] is UserId) is True
    assert echo([P, UserId, Bound, OneOf, T]) == [P, UserId, Bound, OneOf, T]
    assert call(lambda: (Bound.__bound__ is Point, OneOf.__constraints__)) == (True, (int, str))


#: Its syntax is of Python 3.12.
TYPE_PARAMETERS = """
class Box[T]:
    def __init__(self, item: T) -> None:
        self.item = item

    def get[K](self, key: K) -> tuple[T, K]:
        return self.item, key


type Boxes[T] = list[Box[T]]


def first[T: (int, str)](items: list[T]) -> T:
    return items[0]


def case_type_parameters():
    assert call(Box(1).get, 2) == (1, 2)
    assert call(lambda: [p.__name__ for p in Box.__type_params__]) == ["T"]
    assert type(echo(Box(1))) is Box
    assert echo(Box[int]) == Box[int]


class Node[T: Node | int]:
    def __init__(self, item: T) -> None:
        self.item = item


def case_type_parameter_bound_by_its_own_class():
    def use(node):
        return Node.__type_params__[0].__bound__.__args__[0] is type(node)

    assert call(use, Node(1)) is True
    assert type(echo(Node(2))) is Node


def case_function_with_type_parameters():
    assert call(first, [4, 5]) == 4
    assert call(lambda: first.__type_params__[0].__constraints__) == (int, str)


def case_type_alias():
    assert call(lambda: str(Boxes)) == "Boxes"
    assert echo(Boxes) is Boxes
"""
if sys.version_info >= (3, 12):
    exec(TYPE_PARAMETERS)


if __name__ == "__main__":
    report(dict(globals()))
