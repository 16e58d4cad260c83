"""Enumerations that travel; run by test_by_value.py."""

import datetime
import enum
import sys
from dataclasses import dataclass

from harness import call, echo, report

GREETING = "hello"


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


if __name__ == "__main__":
    report(dict(globals()))
