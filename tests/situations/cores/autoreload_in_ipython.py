"""IPython's `%autoreload 2`: modules that are edited between two cells are edited in workers too.

It patches functions in place, constants too, and reloads what it cannot patch; nothing in the
module tells the one.

On: cores
Needs: IPython, pexpect
Slow: IPython starts several times

$ python autoreload_in_ipython.py
[1, 1, 1, 1]
[22, 22, 22, 22]
[333, 333, 333, 333]
[4444, 4444, 4444, 4444]
"""

import sys
from pathlib import Path

import pexpect

SHOP = Path("shop.py")
TEXT = "K = {constant}\ndef tax(): return {tax} * K\ndef price(x): return tax()\n{more}"


def main():
    SHOP.write_text(TEXT.format(constant=1, tax=1, more=""))
    # Its plain prompt, without colours and the editing of lines.
    arguments = ["-B", "-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor"]
    child = pexpect.spawn(sys.executable, arguments, encoding="utf-8", echo=False, timeout=30)

    def line(text):
        child.expect(r"In \[\d+\]: ")
        child.sendline(text)

    def show():
        line("print(gridengine.map(shop.price, range(4), chunksize=1))")
        child.expect(r"\[\d+(, \d+)*\]")
        print(child.after)

    line("%load_ext autoreload")
    line("%autoreload 2")
    line("import gridengine, shop")
    show()
    # A function that `price` calls; a constant; and what cannot be patched.
    SHOP.write_text(TEXT.format(constant=1, tax=22, more=""))
    show()
    SHOP.write_text(TEXT.format(constant=1, tax=333, more="L = 5\n"))
    show()
    SHOP.write_text(TEXT.format(constant=2, tax=2222, more="for i in range(3): M = i\n"))
    show()
    line("exit()")
    child.expect(pexpect.EOF)


if __name__ == "__main__":
    main()
