"""Exceptions arrive as themselves: of the program's own classes, with attributes, causes and notes.

$ python exceptions_of_jobs.py
own: OutOfStock('pears', 3) pears 3 caught as LookupError
awkward: Awkward 7 of 9
cause: RuntimeError <- KeyError('price')
traceback names the function: True
first in order: 2
with reraise=False: ['ZeroDivisionError', 1.0, 'ZeroDivisionError']
returned, not raised: [False, True]
job: ValueError('wrong'), FAILED, 1
"""

import traceback

import gridengine


class OutOfStock(LookupError):
    """It has attributes."""

    def __init__(self, fruit, wanted):
        super().__init__(fruit, wanted)
        self.fruit, self.wanted = fruit, wanted


class Awkward(Exception):
    """One whose arguments are not those of its constructor."""

    def __init__(self, *, part, whole):
        super().__init__(f"{part} of {whole}")
        self.part = part


def sell(fruit):
    raise OutOfStock(fruit, 3)


def be_awkward(part):
    raise Awkward(part=part, whole=9)


def chain(x):
    try:
        {}["price"]
    except KeyError as error:
        raise RuntimeError("no price") from error


def caught(f, x):
    try:
        gridengine.map(f, [x])
    except Exception as error:
        return error


def inverse(x):
    return 1 / x


def fail_at_two_and_three(x):
    if x in (2, 3):
        raise ValueError(x)


def give_or_raise(x):
    if x:
        raise ValueError(x)
    return ValueError(x)


def main():
    error = caught(sell, "pears")
    kind = "LookupError" if isinstance(error, LookupError) else "something else"
    print("own:", repr(error), error.fruit, error.wanted, "caught as", kind)
    error = caught(be_awkward, 7)
    print("awkward:", type(error).__name__, error)
    error = caught(chain, 1)
    told = "".join(traceback.format_exception(error))
    print("cause:", type(error).__name__, "<-", "KeyError('price')" if "'price'" in told else told)
    print("traceback names the function:", "in chain" in told and "no price" in told)
    print("first in order:", caught_value(fail_at_two_and_three, range(5)))
    values = gridengine.map(inverse, [0, 1, 0], reraise=False)
    print("with reraise=False:", [x if isinstance(x, float) else type(x).__name__ for x in values])
    values = gridengine.map(give_or_raise, [0, 1], reraise=False)
    print("returned, not raised:", [gridengine.raised(x) for x in values])
    job = gridengine.Job(target=give_or_raise, args=("wrong",))
    job.start()
    print(f"job: {job.exception!r}, {job.state.name}, {job.exitcode}")


def caught_value(f, xs):
    try:
        # As one task: of failures in two workers the one that is known first is told at once.
        gridengine.map(f, xs, chunksize=len(xs))
    except ValueError as error:
        return error.args[0]


if __name__ == "__main__":
    main()
