"""Ctrl-C at IPython's prompt ends the jobs of that statement, and those of earlier ones go on.

On: cores
Needs: IPython, pexpect

$ python ctrl_c_in_ipython.py
KeyboardInterrupt
[1, 4]
the job of the interrupted statement: cancelled
the one of an earlier statement: finished
"""

import sys
from pathlib import Path

import pexpect


def main():
    # Its plain prompt, without colours and the editing of lines.
    arguments = ["-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor"]
    child = pexpect.spawn(sys.executable, arguments, encoding="utf-8", echo=False, timeout=30)

    def line(text):
        child.expect(r"In \[\d+\]: ")
        child.sendline(text)

    def told(text):
        child.expect_exact(text)
        print(text)

    line("import gridengine, pathlib, time")
    line("def wait(gate): any(time.sleep(0.01) for _ in iter(pathlib.Path(gate).exists, True))\n")
    line("earlier = gridengine.Job(target=wait, args=('gate',)); earlier.start()")
    line(
        "now = gridengine.Job(target=wait, args=('never',)); now.start(); "
        "print('be' + 'gun'); now.join()"
    )
    child.expect_exact("begun")
    child.sendintr()
    told("KeyboardInterrupt")
    line("print(gridengine.map(lambda x: x * x, [1, 2]))")
    told("[1, 4]")
    line("now.join(); print('state:', now.state.value)")
    child.expect(r"state: (\w+)")
    print("the job of the interrupted statement:", child.match[1])
    Path("gate").touch()
    line("earlier.join(); print('state:', earlier.state.value)")
    child.expect(r"state: (\w+)")
    print("the one of an earlier statement:", child.match[1])
    line("exit()")
    child.expect(pexpect.EOF)


if __name__ == "__main__":
    main()
