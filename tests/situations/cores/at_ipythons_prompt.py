"""IPython: a script, `%run`, and functions typed at its prompt.

On: cores
Needs: IPython, pexpect
Slow: IPython starts several times

$ python -m IPython --no-banner ipython_script.py
[2, 4]
$ python -m IPython --no-banner -c '%run ipython_script.py'
[2, 4]
$ python ipython_script.py typed
Out[4]: [3, 6]
[1/3, 2/3]
"""
