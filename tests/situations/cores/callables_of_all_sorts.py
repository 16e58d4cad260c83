"""What can be called can be a job.

On: cores, cluster

$ python callables_of_all_sorts.py
partial [8, 9]
method [7, 14] class method [4, 5] static method [2, 3]
instance [[1, 3], [2, 3]]
class ['1/3', '2/3']
builtin [3, 1] operator ['b', 'e']
decorated [11, 12] cached [1, 4]
recursive [1, 2, 6]
closure [1, 4, 9]
"""

import functools
import operator
from fractions import Fraction

import gridengine


def power(base, exponent):
    return base**exponent


class Scale:
    """A class of the program."""

    def __init__(self, factor):
        self.factor = factor

    def times(self, x):
        return self.factor * x

    @classmethod
    def plus_three(cls, x):
        return cls(1).times(x + 3)

    @staticmethod
    def plus_one(x):
        return x + 1

    def __call__(self, x):
        return [x, self.factor]


def add_ten(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args) + 10

    return wrapper


@add_ten
def same(x):
    return x


@functools.lru_cache
def cached(x):
    return x * x


def factorial(x):
    return x * factorial(x - 1) if x > 1 else 1


def to_the(exponent):
    return lambda x: power(x, exponent)


def main():
    three = [gridengine.partial(power, exponent=3)(2), functools.partial(power, 3)(2)]
    assert three == gridengine.map(lambda f: f(), [lambda: 8, lambda: 9])
    print("partial", three)
    seven = Scale(7)
    print("method", gridengine.map(seven.times, [1, 2]), end=" ")
    print("class method", gridengine.map(Scale.plus_three, [1, 2]), end=" ")
    print("static method", gridengine.map(Scale.plus_one, [1, 2]))
    print("instance", gridengine.map(Scale(3), [1, 2]))
    print("class", [str(x) for x in gridengine.map(Fraction, [1, 2], [3, 3])])
    print("builtin", gridengine.map(len, ["abc", "d"]), end=" ")
    print("operator", gridengine.map(operator.itemgetter(1), ["abc", "def"]))
    print("decorated", gridengine.map(same, [1, 2]), "cached", gridengine.map(cached, [1, 2]))
    print("recursive", gridengine.map(factorial, [1, 2, 3]))
    print("closure", gridengine.map(to_the(2), [1, 2, 3]))


if __name__ == "__main__":
    main()
