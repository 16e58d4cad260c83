"""Exceptions of ``__main__`` that a worker raises; run by test_by_value.py."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import urllib.error

import numpy as np
import pytest
from harness import call, echo, raised, report

from gridengine import errors
from gridengine.serialization import exceptions


class Plain(Exception):
    pass


class Child(Plain, KeyError):
    pass


def fail(kind, *args, **attributes):
    error = kind(*args)
    vars(error).update(attributes)
    raise error


def case_caught_by_its_type():
    with pytest.raises(Plain) as caught:
        call(fail, Plain, "a", 1)
    assert caught.value.args == ("a", 1)
    assert "raise error" in str(caught.value.__cause__)
    assert isinstance(caught.value.__cause__, exceptions.RemoteTraceback)
    assert type(raised(fail, Child, "b")) is Child
    assert isinstance(raised(fail, Child, "b"), KeyError)


def case_builtin():
    assert type(raised(lambda: 1 / 0)) is ZeroDivisionError
    error = raised(lambda: os.stat("/nowhere/at/all"))
    assert (error.errno, error.filename) == (2, "/nowhere/at/all")
    assert raised(lambda: {}["key"]).args == ("key",)
    assert raised(lambda: b"\xff".decode()).start == 0
    assert raised(lambda: "".nothing).name == "nothing" or sys.version_info < (3, 12)
    assert raised(lambda: compile("1 +", "file", "eval")).filename == "file"


def case_libraries():
    error = raised(lambda: subprocess.run(["false"], check=True))
    assert (error.returncode, error.cmd) == (1, ["false"])
    error = raised(lambda: json.loads("{"))
    assert (error.pos, error.doc) == (1, "{")
    error = raised(lambda: np.zeros(3).sum(axis=5))
    assert (error.axis, error.ndim) == (5, 1)
    error = raised(lambda: fail(urllib.error.HTTPError, "url", 404, "no", None, None))
    assert error.code == 404


class TwoArguments(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{reason} ({code})")
        self.code = code


class Wrapping(Exception):
    def __init__(self, name):
        super().__init__(f"no such thing: {name}")


class KeywordOnly(Exception):
    def __init__(self, *, code):
        self.code = code


def case_constructor_with_its_own_arguments():
    error = raised(lambda: fail(TwoArguments, 3, "because"))
    assert (type(error), str(error), error.code) == (TwoArguments, "because (3)", 3)
    assert str(raised(fail, Wrapping, "x")) == "no such thing: x"

    def use():
        raise KeywordOnly(code=4)

    assert raised(use).code == 4
    back = echo(TwoArguments(3, "because"))
    assert (str(back), back.code) == ("because (3)", 3)


class OwnNew(Exception):
    def __new__(cls, a, b):
        return super().__new__(cls, a)

    def __init__(self, a, b):
        self.b = b


class OwnReduce(Exception):
    def __init__(self, a, b):
        super().__init__(a)
        self.b = b

    def __reduce__(self):
        return OwnReduce, (self.args[0], self.b), {"through": "reduce"}


class BadReduce(Exception):
    def __reduce__(self):
        return BadReduce, (1, 2, 3), 4


def case_own_ways():
    assert raised(fail, OwnNew, 1, 2).b == 2
    error = raised(fail, OwnReduce, 1, 2)
    assert (error.b, error.through) == (2, "reduce")
    assert raised(fail, BadReduce, 1).args == (1,)


class Slotted(Exception):
    __slots__ = ("__hidden", "code")

    def __init__(self, text, code=None):
        super().__init__(text)
        self.code = code
        self.__hidden = code

    def hidden(self):
        return self.__hidden


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


class OfTheSystem(OSError):
    def __init__(self, number, text, extra):
        super().__init__(number, text)
        self.extra = extra


def case_shapes():
    error = raised(fail, Slotted, "a", 5)
    assert (error.args, error.code, error.hidden()) == (("a",), 5, 5)
    assert raised(fail, Frozen, 3).code == 3
    error = raised(fail, OfTheSystem, 2, "none", "more")
    assert (error.errno, error.strerror, error.extra) == (2, "none", "more")


class Exits(Exception):
    def __init__(self, *args):
        if args:
            sys.exit(3)


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Rebellious(Exception):
    def __setattr__(self, name, value):
        raise RuntimeError("never")


def case_hostile():
    def exits():
        error = Exits()
        error.args = (1,)
        raise error

    assert type(raised(exits)) is Exits
    assert type(raised(fail, NoText, 1)) is NoText
    error = raised(fail, Rebellious, 1)
    assert type(error) is Rebellious
    exceptions.add_note(error, "noted")
    assert error.__notes__ == ["noted"]


def case_attributes_that_cannot_travel():
    def use():
        error = Plain("a", threading.Lock())
        error.lock = threading.Lock()
        error.code = 5
        error.inner = [Plain(1), {"x": lambda: 3}]
        raise error

    error = raised(use)
    assert type(error) is Plain
    assert error.code == 5
    assert "_thread.lock" in error.lock
    assert error.args[0] == "a"
    assert "_thread.lock" in error.args[1]
    assert error.inner[0].args == (1,)
    assert error.inner[1]["x"]() == 3


def case_class_of_the_worker():
    def use():
        class Local(Plain):
            def text(self):
                return f"local {self.args[0]}"

        raise Local(4)

    error = raised(use)
    assert isinstance(error, Plain)
    assert error.text() == "local 4"


def case_chain():
    def use():
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise Plain("b") from error

    error = raised(use)
    assert "ZeroDivisionError" in str(error.__cause__)
    assert "direct cause" in str(error.__cause__)


def case_system_exit():
    assert raised(lambda: sys.exit(4)).code == 4


def case_own_errors():
    def use():
        raise errors.JobDied(errors.Death(job="j", exitcode=3))

    error = raised(use)
    assert type(error) is errors.JobDied
    assert error.exitcode == error.death.exitcode == 3


def case_result_that_cannot_travel():
    error = raised(lambda: {"a": [1, threading.Lock()]})
    assert type(error) is errors.PackingError
    assert str(error).startswith("the result['a'][1] (<unlocked _thread.lock")


def case_broken_on_arrival():
    def use():
        class Fragile(Exception):
            def __reduce__(self):
                return (open if self.args else Plain), ("/nowhere/at/all",)

        raise Fragile("text of it")

    # It cannot be rebuilt by its own recipe; by ours it can.
    assert str(raised(use)) == "text of it"


if sys.version_info >= (3, 11):

    class Many(ExceptionGroup):  # noqa: F821
        def derive(self, excs):
            return Many(self.message, excs)

    def case_groups():
        def use(kind):
            raise kind("several", [Plain(1), TwoArguments(3, "because")])

        for kind in (ExceptionGroup, Many):  # noqa: F821
            error = raised(use, kind)
            assert type(error) is kind
            assert [type(each) for each in error.exceptions] == [Plain, TwoArguments]
            assert error.exceptions[1].code == 3

    def case_group_with_what_cannot_travel():
        def use():
            raise ExceptionGroup("several", [Plain(threading.Lock()), Plain(2)])  # noqa: F821

        error = raised(use)
        assert "_thread.lock" in error.exceptions[0].args[0]
        assert error.exceptions[1].args == (2,)

    def case_notes():
        def use():
            error = Plain(1)
            error.add_note("of the worker")
            raise error

        error = raised(use)
        exceptions.add_note(error, "of the program")
        assert error.__notes__ == ["of the worker", "of the program"]


if __name__ == "__main__":
    report(dict(globals()))
