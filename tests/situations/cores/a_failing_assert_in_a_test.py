"""An assert that fails in a function within a test arrives as pytest words it.

A function of the module itself is imported by the worker, without pytest: there it says less.

On: cores
Needs: pytest

$ python -m pytest -q -p no:cacheprovider a_failing_assert_in_a_test.py > report
[status 1]
$ grep '^E.* assert ' report; grep -c '^E.* AssertionError' report; tail -1 report
E ...assert 2 == 1...
1
2 failed in ...s
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
