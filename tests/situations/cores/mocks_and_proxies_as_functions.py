"""Mocks, and objects that answer to every attribute, are functions as others are.

$ python mocks_and_proxies_as_functions.py
Mock [3, 3] 3
MagicMock [4, 4] 4
Mock [2, 3] 2
a mock that was called before: [5]
Lazy [1, 2] 1
Pipeline [1, 2] 1
"""

from unittest.mock import MagicMock, Mock

import gridengine


def successor(x):
    return x + 1


class Lazy:
    """Answers to every attribute with another of its kind."""

    def __init__(self, function):
        self._function = function

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Lazy(lambda *args: name)

    def __call__(self, x):
        return self._function(x)


class Pipeline:
    """Counts as false, while nothing is in it."""

    def __len__(self):
        return 0

    def __call__(self, x):
        return x


def show(function):
    job = gridengine.Job(target=function, args=(1,))
    job.start()
    print(type(function).__name__, gridengine.map(function, [1, 2]), job.result)


if __name__ == "__main__":
    show(Mock(return_value=3))
    show(MagicMock(return_value=4))
    show(Mock(side_effect=successor))
    called = Mock(return_value=5)
    called("here", then="there")
    print("a mock that was called before:", gridengine.map(called, [0]))
    show(Lazy(abs))
    show(Pipeline())
