"""A module that a worker can import; for modules.py."""

import functools
import threading

CONFIG = None
COUNT = 0
LOCK = threading.RLock()
SHORT = lambda: CONFIG  # noqa: E731


def getter():
    def get():
        return CONFIG

    return get


def local_class():
    class Local:
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
