"""A script for IPython, and one that types at its prompt."""

import sys

import gridengine


def double(x):
    return 2 * x


def typed():
    import pexpect

    # Its plain prompt, without colours and the editing of lines.
    arguments = ["-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor"]
    child = pexpect.spawn(sys.executable, arguments, encoding="utf-8", echo=False, timeout=30)

    def line(text):
        child.expect(r"In \[\d+\]: ")
        child.sendline(text)

    line("import gridengine; from fractions import Fraction as F")
    line("three = 3")
    line("def times(x): return x * three\n")
    line("gridengine.map(times, [1, 2])")
    child.expect(r"Out\[\d+\]: \[3, 6\]")
    print(child.after)
    line("print(gridengine.map(lambda x: str(F(x, three)), [1, 2]))")
    child.expect(r"\['1/3', '2/3'\]")
    print(child.after.replace("'", ""))
    line("exit()")
    child.expect(pexpect.EOF)


if sys.argv[1:] == ["typed"]:
    typed()
else:
    print(gridengine.map(double, [1, 2]))
