"""Tests with maps, in several processes of pytest-xdist.

On: cores
Needs: pytest, xdist
Slow: three processes of pytest start

$ python -m pytest -q -p no:cacheprovider -n 2 maps_in_pytest_xdist.py
...[100%]
4 passed in ...s
"""

import pytest

import gridengine


def times(x):
    return x * 2


@pytest.mark.parametrize("x", range(4))
def test_map(x):
    assert gridengine.map(times, [x, x]) == [2 * x, 2 * x]
