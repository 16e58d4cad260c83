"""Dataclasses, enumerations, named tuples and their kin; run by test_by_value.py."""

import collections
import dataclasses
import datetime
import enum
import sys
import typing
from dataclasses import InitVar, dataclass, field
from typing import ClassVar, Generic, NamedTuple, Protocol, TypedDict, TypeVar, runtime_checkable

from by_value_harness import call, echo, report

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


class Color(enum.Enum):
    RED = 1
    GREEN = "g"
    CRIMSON = RED
    ODD = [1, 2]

    def greet(self):
        return f"{GREETING} {self.name} {NAMES.get(self)}"

    @classmethod
    def default(cls):
        return cls.RED

    @property
    def lower(self):
        return self.name.lower()

    @classmethod
    def _missing_(cls, value):
        return cls.GREEN if value == "missing" else None


NAMES = {Color.RED: "rot"}


def case_enum():
    def use(color):
        return (
            color is Color.RED,
            Color.CRIMSON is Color.RED,
            color.greet(),
            Color.default().lower,
            Color("g").name,
            Color("missing").name,
            [c.name for c in Color],
            Color["RED"] in {Color.RED},
            list(Color.__members__),
            Color([1, 2]).name,
            repr(color),
        )

    assert call(use, Color.RED) == use(Color.RED)
    assert echo(Color.RED) is Color.RED
    assert echo(Color) is Color
    assert echo([Color.ODD, Color.GREEN])[0] is Color.ODD
    assert call(Color.RED.greet) == "hello RED rot"


class Planet(enum.Enum):
    MERCURY = (3.303e23, 2.4397e6)
    EARTH = (5.976e24, 6.37814e6)

    def __init__(self, mass, radius):
        self.mass = mass
        self.radius = radius

    def density(self):
        return self.mass / self.radius


def case_enum_with_constructor():
    assert call(lambda p: (p.mass, p.density(), Planet(p.value) is p), Planet.EARTH) == (
        Planet.EARTH.mass,
        Planet.EARTH.density(),
        True,
    )
    assert echo(Planet.EARTH) is Planet.EARTH


class Labelled(enum.Enum):
    def __new__(cls, value, label):
        self = object.__new__(cls)
        self._value_ = value
        self.label = label
        return self


class Level(Labelled):
    LOW = 1, "low"
    HIGH = 2, "high"


def case_enum_with_new():
    assert call(lambda level: (level.label, Level(2).label), Level.LOW) == ("low", "high")

    def use():
        class Local(Labelled):
            A = 5, "five"

        return Local.A.label, Local(5).label

    assert call(use) == ("five", "five")
    assert echo(Level.HIGH) is Level.HIGH


class Number(enum.IntEnum):
    ONE = 1
    TWO = enum.auto()


class Bits(enum.Flag):
    A = 1
    B = 2
    BOTH = A | B


class IntBits(enum.IntFlag):
    X = enum.auto()
    Y = enum.auto()


class Text(str, enum.Enum):
    HI = "hi"


class Day(datetime.date, enum.Enum):
    FIRST = 2000, 1, 1


class Pair(tuple, enum.Enum):
    ONE = (1, 2)


def case_enum_of_a_kind():
    def use(two, both, x, hi):
        return (
            two + 1,
            both is Bits.A | Bits.B,
            Bits.A in both,
            int(x | IntBits.Y),
            hi.upper(),
            hi == "hi",
            Day.FIRST.year,
            Pair.ONE[1],
            (~Bits.A) is Bits.B,
        )

    given = (Number.TWO, Bits.BOTH, IntBits.X, Text.HI)
    assert call(use, *given) == (3, True, True, 3, "HI", True, 2000, 2, True)
    assert all(a is b for a, b in zip(echo(given), given, strict=True))
    assert echo(Day.FIRST) is Day.FIRST
    assert echo(Pair.ONE) is Pair.ONE
    assert echo(Bits(0)) is Bits(0)


@dataclass
class Mixin:
    a: int
    b: int = 0


class Mixed(Mixin, enum.Enum):
    M = 1, 2


def case_enum_of_a_dataclass():
    assert call(lambda: (Mixed.M.a, Mixed.M.b, isinstance(Mixed.M, Mixin))) == (1, 2, True)
    if sys.version_info >= (3, 11):
        assert echo(Mixed.M) is Mixed.M


if sys.version_info >= (3, 11):

    class Suit(enum.StrEnum):
        HEARTS = enum.auto()

    class Conform(enum.Flag, boundary=enum.CONFORM):
        A = 1
        extra = enum.nonmember(5)

    def case_enum_of_3_11():
        assert call(lambda s: (s + "!", Suit("hearts") is s), Suit.HEARTS) == ("hearts!", True)
        assert echo(Suit.HEARTS) is Suit.HEARTS
        assert call(lambda: (Conform(3) is Conform.A, Conform.extra)) == (True, 5)


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
