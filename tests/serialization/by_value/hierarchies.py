"""Slots, abstract classes, metaclasses, ``__init_subclass__``; run by test_by_value.py."""

import abc
import collections.abc
import typing

from harness import call, echo, report

EVENTS: list = []
SCALE = 10


class Slotted:
    __slots__ = ("__private", "x")

    def __init__(self, x):
        self.x = x
        self.__private = x + 1

    def private(self):
        return self.__private


class SlottedChild(Slotted):
    __slots__ = "y"


class SlottedWithDict(Slotted):
    pass


def case_slots():
    def use(thing):
        assert not hasattr(thing, "__dict__")
        return thing.private(), thing.x

    assert call(use, Slotted(1)) == (2, 1)
    child = SlottedChild(1)
    child.y = 5
    assert call(lambda child: (child.private(), child.y, child.__slots__), child) == (2, 5, "y")
    assert type(echo(child)) is SlottedChild
    loose = SlottedWithDict(1)
    loose.z = 3
    assert call(lambda loose: (loose.x, loose.z), loose) == (1, 3)


class PrivatelySlotted:
    __slots__ = "__only"

    def put(self):
        self.__only = 4
        return self

    def get(self):
        return self.__only


def case_private_slot():
    assert echo(PrivatelySlotted().put()).get() == 4
    assert call(lambda thing: hasattr(thing, "__dict__"), PrivatelySlotted().put()) is False


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

    @property
    @abc.abstractmethod
    def name(self): ...


class Square(Shape):
    name = "square"

    def area(self):
        return SCALE**2


def case_abstract():
    def use(square):
        try:
            Shape()
        except TypeError:
            return square.area(), isinstance(square, Shape), issubclass(Square, Shape)

    assert call(use, Square()) == (100, True, True)
    assert type(echo(Square())) is Square


class Round(Shape):
    pass


class Ball:
    pass


Round.register(Ball)


def case_registered_subclass():
    assert call(lambda ball: (isinstance(ball, Round), isinstance(ball, Shape)), Ball()) == (
        True,
        True,
    )


class Meta(type):
    made: list = []

    def __new__(mcs, name, bases, namespace, *, label):
        cls = super().__new__(mcs, name, bases, namespace)
        cls.label = label
        mcs.made.append(name)
        return cls

    def __init__(cls, name, bases, namespace, *, label):
        super().__init__(name, bases, namespace)

    def __len__(cls):
        return 42

    def shout(cls):
        return cls.label.upper()


class WithMeta(metaclass=Meta, label="with meta"):
    def get(self):
        return type(self).label


def case_metaclass():
    def use(thing):
        return thing.get(), len(WithMeta), WithMeta.shout(), type(WithMeta) is Meta, Meta.made

    assert call(use, WithMeta()) == ("with meta", 42, "WITH META", True, ["WithMeta"])
    assert Meta.made == ["WithMeta"]
    assert echo(WithMeta) is WithMeta


class Plugin:
    registry: dict = {}

    def __init_subclass__(cls, /, key, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.registry[key] = cls
        EVENTS.append(key)
        cls.key = key


class First(Plugin, key="first"):
    pass


class Second(First, key="second"):
    __slots__ = ()


class SlottedPlugin:
    __slots__ = ("x",)

    def __init_subclass__(cls, **kwargs):
        EVENTS.append(cls)


class SlottedPluginChild(SlottedPlugin):
    __slots__ = ("y",)


class DictPlugin(SlottedPlugin):
    pass


class DictPluginChild(DictPlugin):
    pass


class FailingPlugin(Exception):
    def __init_subclass__(cls, key):
        cls.key = key


class FailingPluginChild(FailingPlugin, key="failing"):
    pass


def case_init_subclass():
    events = list(EVENTS)

    def use(*things):
        return [type(thing).__bases__ for thing in things], Plugin.registry, First().key

    bases, registry, key = call(use, First(), Second())
    assert bases == [(Plugin,), (First,)]
    assert registry == {"first": First, "second": Second}
    assert key == "first"
    assert call(lambda: FailingPluginChild("a").args) == ("a",)
    assert call(lambda: FailingPluginChild.key) == "failing"
    thing = SlottedPluginChild()
    thing.x = thing.y = 1
    assert call(lambda thing: (thing.x, thing.y, hasattr(thing, "__dict__")), thing) == (
        1,
        1,
        False,
    )
    assert call(lambda thing: type(thing).__mro__[1:3], DictPluginChild()) == (
        DictPlugin,
        SlottedPlugin,
    )
    assert events == EVENTS

    def new():
        class Third(Plugin, key="third"):
            pass

        return Third.key, sorted(Plugin.registry)

    assert call(new) == ("third", ["first", "second", "third"])


class Keyed:
    def __init_subclass__(cls, *, key, **others):
        super().__init_subclass__(**others)
        cls.key = key
        EVENTS.append(cls)


class KeyedDict(dict, Keyed, key="dict"):
    pass


class KeyedAfterBase(Slotted, Keyed, key="after"):
    __slots__ = ()


T = typing.TypeVar("T")


class KeyedGeneric(typing.Generic[T], Keyed, key="generic"):
    pass


class KeyedSequence(collections.abc.Sequence, Keyed, key="sequence"):
    def __len__(self):
        return 0

    def __getitem__(self, index):
        raise IndexError(index)


def case_init_subclass_of_another_than_the_first_base():
    events = list(EVENTS)
    assert call(lambda: len(EVENTS)) == len(events)
    for cls in (KeyedDict, KeyedAfterBase, KeyedGeneric, KeyedSequence):
        assert call(lambda cls: cls.key, cls) == cls.key
    assert call(lambda cls: (cls[int].__origin__ is cls, cls.__parameters__), KeyedGeneric) == (
        True,
        (T,),
    )
    assert call(lambda: len(EVENTS)) == len(events)
    assert events == EVENTS


class Five:
    x = 5


class One:
    x = 1


class Left(Five):
    pass


class Diamond(Left, One):
    x = 1


class Count:
    count = 0


class OwnCount(Count):
    count = 0


def case_attribute_that_a_base_has_too():
    def count():
        Count.count += 1
        return Count.count, OwnCount.count

    assert call(lambda: Diamond.x) == 1
    assert call(count) == (1, 0)


if __name__ == "__main__":
    report(dict(globals()))
