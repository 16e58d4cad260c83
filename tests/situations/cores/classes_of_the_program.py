"""Objects of the program's own classes arrive, and come back, as objects of these classes.

On: cores, cluster

$ python classes_of_the_program.py
slots True 2
dataclass True Point(x=1, y=[1, 1])
frozen True Colour(name='red')
namedtuple True Pair(left=1, right=2)
typed True Named(name='a', size=2)
enum True Kind.TREE
flag True True
subclass True 3.0
"""

import collections
import dataclasses
import enum
import typing

import gridengine


class Slots:
    """A class without `__dict__`."""

    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


@dataclasses.dataclass
class Point:
    """A dataclass, with a default of its own making."""

    x: int
    y: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Colour:
    """One that cannot be changed, and has a hash."""

    name: str


Pair = collections.namedtuple("Pair", "left right")


class Named(typing.NamedTuple):
    """One with types."""

    name: str
    size: int = 2


class Kind(enum.Enum):
    """Its members are singletons."""

    TREE = "tree"


class Rights(enum.Flag):
    """Its members can be joined."""

    READ = enum.auto()
    WRITE = enum.auto()


class Metres(float):
    """A number with a name."""

    def doubled(self):
        return type(self)(2 * self)


def twin(x):
    if isinstance(x, Slots):
        return Slots(2 * x.x)
    if isinstance(x, Point):
        return Point(x.x, [*x.y, x.x])
    if isinstance(x, Metres):
        return x.doubled()
    assert type(x) in (Colour, Pair, Named, Kind, Rights)
    return x


def main():
    both = Rights.READ | Rights.WRITE
    given = [Slots(1), Point(1, [1]), Colour("red"), Pair(1, 2), Named("a"), Kind.TREE, both]
    back = gridengine.map(twin, [*given, Metres(1.5)])
    same = [type(x) is type(y) for x, y in zip([*given, Metres(0)], back, strict=True)]
    print("slots", same[0], back[0].x)
    print("dataclass", same[1], back[1])
    print("frozen", same[2] and hash(back[2]) == hash(given[2]), back[2])
    print("namedtuple", same[3], back[3])
    print("typed", same[4], back[4])
    print("enum", back[5] is Kind.TREE, back[5])
    print("flag", back[6] is both, Rights.READ in back[6])
    print("subclass", same[7], back[7])


if __name__ == "__main__":
    main()
