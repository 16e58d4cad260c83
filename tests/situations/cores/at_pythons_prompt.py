"""Functions that are typed at Python's own prompt, at a terminal; Ctrl-C, and on it goes.

On: cores
Needs: pexpect

$ python at_pythons_prompt.py
[2, 4]
KeyboardInterrupt
[5, 10]
the end of it: 0
"""

import os
import sys

import pexpect

environ = {**os.environ, "TERM": "dumb"}  # no colours
child = pexpect.spawn(sys.executable, ["-q"], encoding="utf-8", echo=False, env=environ)


def line(text, prompt=">>> "):
    child.expect_exact(prompt)
    child.sendline(text)


def told(text):
    child.expect_exact(text)
    print(text)


line("import gridengine, time")
line("def times(x):")
line("    return x * factor", "... ")
line("", "... ")
line("factor = 2")
line("gridengine.map(times, [1, 2])")
told("[2, 4]")
line("gridengine.map(lambda x: (print('beg' + 'un', flush=True), time.sleep(100)), [1, 2])")
child.expect_exact("begun")
child.sendintr()
told("KeyboardInterrupt")
line("factor = 5")
line("gridengine.map(times, [1, 2])")
told("[5, 10]")
line("exit()")
child.expect(pexpect.EOF)
child.close()
print("the end of it:", child.exitstatus)
