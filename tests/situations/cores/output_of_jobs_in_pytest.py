"""What jobs print is out of the way of pytest, of capsys and of capfd, or is where -s wants it.

On: cores
Needs: pytest
Slow: pytest starts several times, as in tests/client/test_output.py

$ python -m pytest -q -p no:cacheprovider output_of_jobs_in_pytest.py
...[100%]
3 passed in ...s
$ python -m pytest -q -p no:cacheprovider -s -k plain output_of_jobs_in_pytest.py
a job says 1
.
1 passed, 2 deselected in ...s
"""

import gridengine


def say(x):
    print("a job says", x)
    return x


def test_plain():
    assert gridengine.map(say, [1]) == [1]


def test_capsys(capsys):
    print("the test says 0")
    assert gridengine.map(say, [1]) == [1]
    assert "the test says 0" in capsys.readouterr().out


def test_capfd(capfd):
    print("the test says 0")
    assert gridengine.map(say, [1]) == [1]
    assert "the test says 0" in capfd.readouterr().out
