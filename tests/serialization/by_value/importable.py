"""A module that a worker can import; for modules.py."""

import functools
import threading

CONFIG = None
COUNT = 0
LOCK = threading.RLock()
MISSING = object()
CACHE: dict = {}
TABLE = [1, 2]
SAME_TABLE = TABLE
MODEL = None
SHORT = lambda: CONFIG  # noqa: E731


def getter():
    def get():
        return CONFIG

    return get


def local_class():
    class Local:
        missing = MISSING

        def is_missing(self):
            return self.missing is MISSING

        def get(self):
            return CONFIG

    return Local()


def counter():
    def put(value):
        global COUNT
        COUNT = value

    def get():
        return COUNT

    return put, get


def locked(function):
    @functools.wraps(function)
    def wrapper(*args):
        with LOCK:
            return function(*args)

    return wrapper


def describe():
    return CONFIG, __name__


class Described:
    def get(self):
        return CONFIG


def count():
    return COUNT


def lookup(key):
    return CACHE.get(key, MISSING)


def looking():
    return lambda key: lookup(key) is MISSING


def with_default():
    return lambda value=MISSING: value is MISSING


class Unset:
    pass


UNSET = Unset()


def held(value=UNSET):
    return lambda other=UNSET: (value is UNSET, other is UNSET)


def load(key):
    CACHE[key] = key * 2


def loading():
    def use(key):
        load(key)
        return CACHE[key]

    return use


def same_table():
    return lambda: TABLE is SAME_TABLE


class Model:
    def __init__(self, factor):
        self.factor = factor


def predict(value):
    return None if MODEL is None else MODEL.factor * value


def predicting():
    return lambda value: None if MODEL is None else MODEL.factor * value


def later():
    return lambda: LATER.factor  # noqa: F821


exec(
    "\n".join(
        f"LINK{number} = lambda: (LINK{number + 1}, LINK{number + 2})[0]()" for number in range(30)
    )
)
LINK30 = LINK31 = lambda: 1
CHAIN = LINK0  # type: ignore[name-defined]  # noqa: F821
