"""Maps in the tests of a project: functions of the test module, fixtures, closures, parameters.

On: cores
Needs: pytest

$ python -m pytest -q -p no:cacheprovider maps_in_pytest.py
...[100%]
5 passed in ...s
"""

import pytest

import gridengine

FACTOR = 2


def times(x):
    assert x is not None
    return x * FACTOR


@pytest.fixture(scope="module")
def scheduler():
    with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        yield scheduler


def test_function_of_the_module(scheduler):
    assert gridengine.map(times, [1, 2], scheduler=scheduler) == [2, 4]


@pytest.mark.parametrize("factor", [3, 4])
def test_closure(scheduler, factor):
    def of(x):
        assert x
        return x * factor

    assert gridengine.map(of, [1, 2], scheduler=scheduler) == [factor, 2 * factor]


def test_monkeypatch(scheduler, monkeypatch):
    monkeypatch.setattr(f"{__name__}.FACTOR", 7)
    assert gridengine.map(lambda x: x * FACTOR, [1, 2], scheduler=scheduler) == [7, 14]


def test_exception(scheduler):
    with pytest.raises(TypeError, match="unsupported operand"):
        gridengine.map(times, [{}], scheduler=scheduler)
