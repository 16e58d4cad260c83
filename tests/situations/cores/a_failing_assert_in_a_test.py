"""An assert that fails in a function of a test arrives as pytest words it.

On: cores
Needs: pytest

$ python -m pytest -q -p no:cacheprovider a_failing_assert_in_a_test.py 2>&1 | grep '^E  '
E           AssertionError: assert 2 == 1
E       AssertionError: assert 3 in [1, 2]
E        +  where [1, 2] = sorted([2, 1])
"""

import gridengine


def test_closure():
    def one(x):
        assert x == 1

    gridengine.map(one, [1, 2])


def test_function_of_the_module():
    gridengine.map(among, [1, 3])


def among(x):
    assert x in sorted([2, 1])
